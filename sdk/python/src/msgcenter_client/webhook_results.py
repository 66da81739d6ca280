"""The results of the calls about webhooks."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, TypeAlias

from msgspec import Struct

WebhookKind: TypeAlias = Literal[
    "message.read",
    "message.unread",
    "message.recalled",
    "approval.closed",
    "delivery.completed",
    "channel.sent",
    "channel.failed",
]
"""The event types that a webhook can be registered for."""

DeliveryState: TypeAlias = Literal["pending", "delivered", "failed"]
"""The states of a webhook delivery."""


class NewWebhook(Struct, frozen=True):
    """A new webhook. Store the secret: it is not shown again."""

    id: str
    secret: str


class Webhook(Struct, frozen=True):
    """A registered webhook.

    state: active, failing (the last attempts failed) or paused.
    pause_reason: request (you paused it), failing (it failed for three days) or gone (it answered 410); None if it is
        not paused.
    created_at: the creation time, in UTC. pending: the number of events that are not delivered yet.
    """

    id: str
    url: str
    events: tuple[str, ...]
    state: str
    pause_reason: str | None
    created_at: datetime
    pending: int


class NewSecret(Struct, frozen=True):
    """A webhook's new secret, and the time (UTC) until which deliveries are also signed with the previous one."""

    secret: str
    previous_valid_until: datetime


class WebhookDelivery(Struct, frozen=True):
    """A webhook delivery: one POST with a batch of events, tried until it is accepted.

    id: the value of the header `webhook-id`. kind: the type of all its events.
    state: pending, delivered or failed. attempts: the number of attempts so far.
    created_at, next_attempt_at: in UTC; next_attempt_at is None unless the delivery is pending.
    status: the HTTP status of the last answer, None without one. error: why the last attempt failed.
    response: the start of the last answer's body. body: the content of the POST.
    """

    id: str
    kind: str
    state: str
    attempts: int
    created_at: datetime
    next_attempt_at: datetime | None
    status: int | None
    error: str | None
    response: str | None
    body: Mapping[str, Any]
