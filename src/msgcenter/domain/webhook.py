"""Webhooks: the events, the body of a POST, and its signature (docs/webhooks.md)."""

import base64
import hmac
import re
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

import msgspec

from msgcenter.domain.account import Recipient
from msgcenter.domain.channels.codes import Channel
from msgcenter.domain.channels.outcome import without_addresses
from msgcenter.domain.content import MAX_URL
from msgcenter.domain.refusal import malformed

WebhookKind = Literal[
    "message.read",
    "message.unread",
    "message.recalled",
    "approval.closed",
    "delivery.completed",
    "channel.sent",
    "channel.failed",
]
"""The event types that a webhook can be registered for."""

READ: WebhookKind = "message.read"
UNREAD: WebhookKind = "message.unread"
RECALLED: WebhookKind = "message.recalled"
CLOSED: WebhookKind = "approval.closed"
COMPLETED: WebhookKind = "delivery.completed"
CHANNEL_SENT: WebhookKind = "channel.sent"
CHANNEL_FAILED: WebhookKind = "channel.failed"
TEST = "webhook.test"
STATUS_KINDS = frozenset({READ, UNREAD})

By = Literal["user", "app"]
"""Who set a message read or unread."""
PauseReason = Literal["request", "failing", "gone"]
"""Why a webhook is paused: its app requested it, it failed for days, or it answered 410."""

MAX_WEBHOOKS = 10
"""Maximum number of an app's webhooks."""
BATCH = 100
"""Maximum number of events in a POST."""
WINDOW = 4 * BATCH
"""Waiting events that are searched for the events of the next POST."""
ROTATION_MS = 86_400_000
"""Time after a rotation in which POSTs are also signed with the previous secret."""
REPEATED_MS = 600_000
"""A rotation within this time after another one counts as its repetition."""
KEPT_MS = 30 * 86_400_000
"""Time for which finished deliveries are kept, and for which events wait for a paused webhook."""

_SECRET_PREFIX = "whsec_"  # noqa: S105 - the prefix of secrets, not a secret
_SECRET_BYTES = 32
_FORBIDDEN_IN_URL = re.compile(r"[^\x21-\x7e]|[\\<>\"#]")


class WebhookEvent(NamedTuple):
    """An event about a message of an app; `data` is its JSON without the event time."""

    app_number: int
    kind: WebhookKind
    message_id: int
    data: dict[str, object]


def read_event(app_number: int, message_id: int, recipient: Recipient, read_at: int, by: By) -> WebhookEvent:
    """Return the event of an unread message that was read at `read_at` (ms since 1970)."""
    data = _status_data(message_id, recipient, by)
    return WebhookEvent(app_number, READ, message_id, {**data, "readTime": str(read_at)})


def unread_event(app_number: int, message_id: int, recipient: Recipient, by: By) -> WebhookEvent:
    """Return the event of a read message that became unread again."""
    return WebhookEvent(app_number, UNREAD, message_id, _status_data(message_id, recipient, by))


def recalled_event(app_number: int, message_id: int, recalled_at: int) -> WebhookEvent:
    """Return the event of a message that was recalled at `recalled_at` (ms since 1970)."""
    return WebhookEvent(app_number, RECALLED, message_id, {"msgId": str(message_id), "recallTime": str(recalled_at)})


def closed_event(app_number: int, message_id: int, closed_at: int, closed_by: str | None) -> WebhookEvent:
    """Return the event of a pending approval that `closed_by` closed at `closed_at` (ms since 1970)."""
    data = {"msgId": str(message_id), "closeTime": str(closed_at), "closedBy": closed_by}
    return WebhookEvent(app_number, CLOSED, message_id, {name: value for name, value in data.items() if value})


def completed_event(app_number: int, message_id: int, receivers: int | None) -> WebhookEvent:
    """Return the event of a background delivery that has reached its last receiver.

    `receivers` is None for a topic and for everyone: their number is only counted on request.
    """
    data: dict[str, object] = {"msgId": str(message_id)}
    return WebhookEvent(
        app_number, COMPLETED, message_id, data if receivers is None else {**data, "receivers": receivers}
    )


def channel_event(
    app_number: int, message_id: int, recipient: Recipient, channel: Channel, failure: str | None = None
) -> WebhookEvent:
    """Return the event of a message that a channel has sent to a user; or that it has not, and why (`failure`)."""
    data: dict[str, object] = {
        "msgId": str(message_id),
        "userId": recipient.user_id,
        "platformCode": recipient.platform_code,
        "channel": channel,
    }
    if failure is None:
        return WebhookEvent(app_number, CHANNEL_SENT, message_id, data)
    return WebhookEvent(app_number, CHANNEL_FAILED, message_id, {**data, "reason": without_addresses(failure)})


def _status_data(message_id: int, recipient: Recipient, by: By) -> dict[str, object]:
    return {
        "msgId": str(message_id),
        "userId": recipient.user_id,
        "platformCode": recipient.platform_code,
        "by": by,
    }


class StoredEvent(NamedTuple):
    """An event waiting for a webhook; `data` is JSON, `created_at` ms since 1970."""

    id: int
    kind: str
    message_id: int | None
    data: str
    created_at: int


def first_batch(events: Sequence[StoredEvent]) -> list[StoredEvent]:
    """Return the events of the next POST: up to `BATCH` events of the type of the first one.

    Events of other types wait for a later POST. So do later events about the same messages, which keeps the order of
    the events of each message.
    """
    batch: list[StoredEvent] = []
    passed_over: set[int | None] = set()
    for event in events:
        if event.kind != events[0].kind or event.message_id in passed_over:
            passed_over.add(event.message_id)
        else:
            batch.append(event)
            if len(batch) == BATCH:
                break
    return batch


def body_of(events: Sequence[StoredEvent]) -> str:
    """Return the JSON body with these events, all of one type; `timestamp` is the time of the first event."""
    raw_events = [msgspec.Raw(_with_time(event).encode()) for event in events]
    first = datetime.fromtimestamp(events[0].created_at / 1_000, UTC)
    timestamp = first.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return msgspec.json.encode(
        {"type": events[0].kind, "timestamp": timestamp, "data": {"events": raw_events}}
    ).decode()


def _with_time(event: StoredEvent) -> str:
    return f'{event.data[:-1]},"eventTime":"{event.created_at}"}}'


def new_webhook_id() -> str:
    """Return a new webhookId."""
    return f"wh_{secrets.token_hex(12)}"


def new_delivery_id() -> str:
    """Return a new deliveryId, the value of the header `webhook-id`."""
    return f"msg_{secrets.token_hex(12)}"


def new_secret() -> str:
    """Return a new secret in the format of Standard Webhooks."""
    return _SECRET_PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def signature_header(keys: Sequence[str], delivery_id: str, timestamp: int, body: bytes) -> str:
    """Return the header `webhook-signature` with a signature for each secret (Standard Webhooks, v1)."""
    signed = f"{delivery_id}.{timestamp}.".encode() + body
    digests = [hmac.new(base64.b64decode(key.removeprefix(_SECRET_PREFIX)), signed, "sha256").digest() for key in keys]
    return " ".join(f"v1,{base64.b64encode(digest).decode()}" for digest in digests)


def without_query(url: str) -> str:
    """Return a URL without its query, which may contain a secret, for permanent records."""
    place, has_query, _ = url.partition("?")
    return f"{place}?…" if has_query else place


class Target(NamedTuple):
    """The host and port of a URL."""

    host: str
    port: int
    encrypted: bool


def check_webhook_url(url: str) -> Target:
    """Return the host and port of a webhook's URL.

    Refuses with FIELD_MALFORMED one that is not http(s) in plain ASCII, or has a user, a password or a fragment.
    """
    target = None if _FORBIDDEN_IN_URL.search(url) or len(url) > MAX_URL else _target(url)
    if target is None:
        raise malformed(
            "url",
            "须为完整的https网址(ASCII,不带用户名与#片段)",
            "must be a full https URL in ASCII without user or fragment",
        )
    return target


def _target(url: str) -> Target | None:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc or port == 0:
        return None
    encrypted = parts.scheme == "https"
    return Target(parts.hostname, port or (443 if encrypted else 80), encrypted)
