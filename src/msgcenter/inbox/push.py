"""The calls about push messages to a user's browsers."""

from typing import Annotated

from msgspec import Meta, Struct
from msgspec.json import encode
from starlette.requests import Request
from starlette.responses import Response

from msgcenter.actions.channels.subscriptions import Subscribed
from msgcenter.actions.mailboxes.user_tokens import Viewer
from msgcenter.domain.channels.signed_links import MAX_TOKEN
from msgcenter.domain.channels.subscription import PushAddress, PushKeys, base64url, subscription_digest
from msgcenter.domain.language import Phrase
from msgcenter.inbox.call import Call
from msgcenter.inbox.endpoint import Inboxes, LeanResponse, Page
from msgcenter.inbox.problems import Problem, ProblemError, invalid
from msgcenter.inbox.public_call import public_body
from msgcenter.store.channels.subscriptions import Subscription
from msgcenter.web.decode import decode

_MAX_ENDPOINT = 1_000
_MAX_LABEL = 64
_ENDED = Problem(410, "subscription_ended", Phrase("订阅已不存在", "the subscription is there no longer"))


class AddSubscription(Struct, frozen=True):
    """Send push messages to a browser: the `endpoint` and `keys` of its PushSubscription, and a name for people.

    `replaces` is the id of an earlier subscription of this browser, which then gets none any more.
    """

    endpoint: Annotated[str, Meta(min_length=1, max_length=_MAX_ENDPOINT)]
    keys: PushKeys
    label: Annotated[str, Meta(max_length=_MAX_LABEL)] = ""
    replaces: Annotated[str, Meta(min_length=1, max_length=64)] | None = None


class RenewSubscription(Struct, frozen=True):
    """Replace a browser's subscription, which `renewal` names, with its next one. Needs no user token."""

    renewal: Annotated[str, Meta(min_length=1, max_length=MAX_TOKEN)]
    endpoint: Annotated[str, Meta(min_length=1, max_length=_MAX_ENDPOINT)]
    keys: PushKeys


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
    """The id of a subscription (the SHA-256 of its endpoint, in base64url), and what can replace it later."""

    id: str
    renewal: str


class RenewedView(SubscribedView, frozen=True):
    """A subscription that has replaced another, and the public key (VAPID) of the platform now; null without push."""

    key: str | None


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
    replaces = None if body.replaces is None else _digest(body.replaces, "replaces")
    address = PushAddress(body.endpoint, body.keys)
    label = body.label.strip()
    subscribed = await inboxes.push.add(viewer.recipient, viewer.app_number, address, label, replaces=replaces)
    return SubscribedView(*_texts(subscribed))


def renew_subscription(inboxes: Inboxes) -> Page:
    """Return the call with which a browser replaces its subscription while its user's token may have expired."""

    async def respond(request: Request) -> Response:
        body = decode(await public_body(request), RenewSubscription)
        renewed = await inboxes.push.renew(body.renewal, PushAddress(body.endpoint, body.keys))
        if renewed is None:
            raise ProblemError(_ENDED)
        return LeanResponse(encode(RenewedView(*_texts(renewed.subscribed), renewed.key)))

    return respond


async def remove_subscription(inboxes: Inboxes, call: Call, viewer: Viewer) -> RemovedView:
    """Send the viewer's messages to a browser no longer."""
    digest = _digest(decode(await call.body(), RemoveSubscription).id, "id")
    return RemovedView(await inboxes.push.remove(viewer.recipient, digest))


def _digest(subscription_id: str, field: str) -> bytes:
    digest = subscription_digest(subscription_id)
    if digest is None:
        raise invalid(field, "须为订阅的id", "must be the id of a subscription")
    return digest


def _texts(subscribed: Subscribed) -> tuple[str, str]:
    return base64url(subscribed.digest), subscribed.renewal


def _view(subscription: Subscription) -> SubscriptionView:
    return SubscriptionView(
        base64url(subscription.digest), subscription.label, subscription.created_at, subscription.succeeded_at
    )
