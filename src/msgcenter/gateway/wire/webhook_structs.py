"""Requests and answers of the calls under `/msgCenter/webhook/`. OpenAPI and reference are made from them."""

from typing import Annotated, Literal, TypeAlias, get_args

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType, field

from msgcenter.domain.content import Url
from msgcenter.domain.rule import RULE, must_be
from msgcenter.domain.webhook import PauseReason, WebhookKind
from msgcenter.domain.webhook_schedule import DeliveryState
from msgcenter.gateway.wire.requests import PAGE_SIZE, MessageId, Moment

Name: TypeAlias = Annotated[str, Meta(min_length=1, max_length=64)]
"""A webhookId or a deliveryId."""
_KIND = {RULE: must_be("文档所列事件,如message.read", "a documented event such as message.read")}
Events: TypeAlias = Annotated[
    list[Annotated[WebhookKind, Meta(extra=_KIND)]], Meta(min_length=1, max_length=len(get_args(WebhookKind)))
]


class CreateWebhook(Struct, frozen=True):
    """Register a URL for event types."""

    url: Url
    events: Events


class GetWebhooks(Struct, frozen=True):
    """List the app's webhooks."""


class UpdateWebhook(Struct, frozen=True):
    """Change a webhook; fields that are left out keep their values."""

    webhook_id: Name = field(name="webhookId")
    url: Url | UnsetType = UNSET
    events: Events | UnsetType = UNSET
    paused: bool | UnsetType = UNSET


class DeleteWebhook(Struct, frozen=True):
    """Delete a webhook and its waiting events."""

    webhook_id: Name = field(name="webhookId")


class RotateWebhookSecret(Struct, frozen=True):
    """Replace a webhook's secret."""

    webhook_id: Name = field(name="webhookId")


class TestWebhook(Struct, frozen=True):
    """Send a webhook.test event."""

    __test__ = False  # a call of the protocol, no test case

    webhook_id: Name = field(name="webhookId")


class GetWebhookDeliveries(Struct, frozen=True):
    """List a webhook's deliveries, newest first."""

    webhook_id: Name = field(name="webhookId")
    state: DeliveryState | UnsetType = UNSET
    message_id: MessageId | UnsetType = field(name="msgId", default=UNSET)
    cursor: str | UnsetType = UNSET
    page_size: Annotated[int, Meta(ge=1, le=200)] = field(name="pageSize", default=PAGE_SIZE)


class ReplayWebhook(Struct, frozen=True):
    """Post a delivery again, or all deliveries since a time."""

    webhook_id: Name = field(name="webhookId")
    delivery_id: Name | UnsetType = field(name="deliveryId", default=UNSET)
    start_time: Moment | UnsetType = field(name="startTime", default=UNSET)


class CreatedWebhook(Struct, frozen=True, rename="camel"):
    """The webhook's id and its secret, which is not shown again."""

    webhook_id: str
    secret: str


class Webhook(Struct, frozen=True, rename="camel"):
    """One webhook; `pending` events wait to be delivered. `createTime` is ms since 1970."""

    webhook_id: str
    url: str
    events: list[str]
    state: Literal["active", "failing", "paused"]
    create_time: str
    pending: int
    pause_reason: PauseReason | UnsetType = UNSET


class WebhookList(Struct, frozen=True):
    """The app's webhooks, oldest first."""

    webhooks: list[Webhook]


class RotatedSecret(Struct, frozen=True, rename="camel"):
    """The new secret; until `previousValidUntil` (ms since 1970) POSTs are signed with the one before as well."""

    secret: str
    previous_valid_until: str


class WebhookDelivery(Struct, frozen=True, rename="camel"):
    """One POST and what came of it last; `status` is the HTTP status, times are ms since 1970."""

    delivery_id: str
    type: str
    state: DeliveryState
    attempts: int
    create_time: str
    body: msgspec.Raw
    next_attempt_time: str | UnsetType = UNSET
    status: int | UnsetType = UNSET
    error: str | UnsetType = UNSET
    response: str | UnsetType = UNSET


class WebhookDeliveryList(Struct, frozen=True, rename="camel"):
    """Deliveries, newest first. `nextCursor` is absent on the last page."""

    deliveries: list[WebhookDelivery]
    next_cursor: str | UnsetType = UNSET


class Replayed(Struct, frozen=True):
    """How many deliveries are sent again."""

    replayed: int
