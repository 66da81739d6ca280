"""What the calls about webhooks return."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, TypeAlias

from msgspec import Struct

WebhookKind: TypeAlias = Literal[
    "message.read", "message.unread", "message.recalled", "approval.closed", "delivery.completed"
]
"""What a webhook can be registered for."""

DeliveryState: TypeAlias = Literal["pending", "delivered", "failed"]
"""How far a delivery has got."""


class NewWebhook(Struct, frozen=True):
    """A webhook that was registered. Keep the secret: it is not shown again."""

    id: str
    secret: str


class Webhook(Struct, frozen=True):
    """A registered webhook.

    state: active, failing (the last attempts were in vain) or paused.
    pause_reason: request (you paused it), failing (for three days) or gone (it answered 410); None if not paused.
    created_at: in UTC. pending: how many events are not delivered yet.
    """

    id: str
    url: str
    events: tuple[str, ...]
    state: str
    pause_reason: str | None
    created_at: datetime
    pending: int


class NewSecret(Struct, frozen=True):
    """A webhook's new secret, and until when (UTC) it is signed with the one before as well."""

    secret: str
    previous_valid_until: datetime


class WebhookDelivery(Struct, frozen=True):
    """One POST to a webhook, and what came of it last.

    id: the value of the header `webhook-id`. kind: the event type of all that is in it.
    state: pending, delivered or failed. attempts: how often it was posted.
    created_at, next_attempt_at: in UTC; the latter None unless it is pending.
    status: the HTTP status of the last answer, None without one; error: what was wrong with it.
    response: the beginning of the last answer. body: what was posted.
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
