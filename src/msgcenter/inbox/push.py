"""The calls about push messages to a user's browsers."""

from typing import Annotated

from msgspec import Meta, Struct

from msgcenter.actions.mailboxes.user_tokens import Viewer
from msgcenter.domain.channels.subscription import PushAddress, PushKeys, base64url, subscription_digest
from msgcenter.inbox.call import Call
from msgcenter.inbox.endpoint import Inboxes
from msgcenter.inbox.problems import invalid
from msgcenter.store.channels.subscriptions import Subscription
from msgcenter.web.decode import decode

_MAX_ENDPOINT = 1_000
_MAX_LABEL = 64


class AddSubscription(Struct, frozen=True):
    """Send push messages to a browser: the `endpoint` and `keys` of its PushSubscription, and a name for people."""

    endpoint: Annotated[str, Meta(min_length=1, max_length=_MAX_ENDPOINT)]
    keys: PushKeys
    label: Annotated[str, Meta(max_length=_MAX_LABEL)] = ""


class RemoveSubscription(Struct, frozen=True):
    """Send no more push messages to a browser."""

    id: Annotated[str, Meta(min_length=1, max_length=64)]


class SubscriptionView(Struct, frozen=True, rename="camel"):
    """A browser that gets push messages. Times are ms since 1970; `succeededAt` is when the last one was accepted."""

    id: str
    label: str
    created_at: int
    succeeded_at: int | None


class PushView(Struct, frozen=True):
    """The public key (VAPID) to subscribe with, null where the platform has no push; and the user's browsers."""

    key: str | None
    subscriptions: list[SubscriptionView]


class SubscribedView(Struct, frozen=True):
    """The id of a subscription: the SHA-256 of its endpoint, in base64url."""

    id: str


class RemovedView(Struct, frozen=True):
    """Whether there was such a subscription."""

    removed: bool


async def get_push(inboxes: Inboxes, _: Call, viewer: Viewer) -> PushView:
    """Return what a browser needs to subscribe, and the user's subscriptions."""
    own = await inboxes.push.own(viewer.recipient, viewer.app_number)
    return PushView(own.key, [_view(subscription) for subscription in own.subscriptions])


async def add_subscription(inboxes: Inboxes, call: Call, viewer: Viewer) -> SubscribedView:
    """Send the viewer's messages to a browser."""
    body = decode(await call.body(), AddSubscription)
    address = PushAddress(body.endpoint, body.keys)
    return SubscribedView(
        base64url(await inboxes.push.add(viewer.recipient, viewer.app_number, address, body.label.strip()))
    )


async def remove_subscription(inboxes: Inboxes, call: Call, viewer: Viewer) -> RemovedView:
    """Send the viewer's messages to a browser no longer."""
    digest = subscription_digest(decode(await call.body(), RemoveSubscription).id)
    if digest is None:
        raise invalid("id", "须为订阅的id", "must be the id of a subscription")
    return RemovedView(await inboxes.push.remove(viewer.recipient, digest))


def _view(subscription: Subscription) -> SubscriptionView:
    return SubscriptionView(
        base64url(subscription.digest), subscription.label, subscription.created_at, subscription.succeeded_at
    )
