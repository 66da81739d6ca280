"""The calls about webhooks, each defined once as a flow (docs/webhooks.md)."""

from collections.abc import Iterable
from typing import Any

from msgcenter_client.fields import Answer
from msgcenter_client.flow import Flow
from msgcenter_client.paging import next_page, page_fields
from msgcenter_client.results import Page
from msgcenter_client.session import Session
from msgcenter_client.times import Moment, from_ms, to_ms
from msgcenter_client.webhook_results import (
    DeliveryState,
    NewSecret,
    NewWebhook,
    Webhook,
    WebhookDelivery,
    WebhookKind,
)

_WEBHOOK = "/msgCenter/webhook/"


class WebhookCalls:
    """The calls about an app's webhooks."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def create(self, url: str, events: Iterable[WebhookKind]) -> Flow[NewWebhook]:
        """Register a webhook."""
        answer = yield from self._session.call(
            _WEBHOOK + "createWebhook", {"url": url, "events": list(events)}, _CreatedAnswer
        )
        return NewWebhook(answer.webhook_id, answer.secret)

    def registered(self) -> Flow[tuple[Webhook, ...]]:
        """Return the app's webhooks, oldest first."""
        answer = yield from self._session.call(_WEBHOOK + "getWebhooks", {}, _ListAnswer)
        return tuple(entry.webhook() for entry in answer.webhooks)

    def update(
        self, webhook_id: str, *, url: str | None, events: Iterable[WebhookKind] | None, paused: bool | None
    ) -> Flow[None]:
        """Change a webhook."""
        changes = {"url": url, "events": None if events is None else list(events), "paused": paused}
        body = {"webhookId": webhook_id, **{name: value for name, value in changes.items() if value is not None}}
        yield from self._session.call(_WEBHOOK + "updateWebhook", body, Answer)

    def delete(self, webhook_id: str) -> Flow[None]:
        """Delete a webhook."""
        yield from self._session.call(_WEBHOOK + "deleteWebhook", {"webhookId": webhook_id}, Answer)

    def rotate_secret(self, webhook_id: str) -> Flow[NewSecret]:
        """Give a webhook a new secret."""
        body = {"webhookId": webhook_id}
        answer = yield from self._session.call(_WEBHOOK + "rotateWebhookSecret", body, _RotatedAnswer)
        return NewSecret(answer.secret, from_ms(answer.previous_valid_until))

    def test(self, webhook_id: str) -> Flow[None]:
        """Post a test event to a webhook."""
        yield from self._session.call(_WEBHOOK + "testWebhook", {"webhookId": webhook_id}, Answer)

    def deliveries(
        self,
        webhook_id: str,
        *,
        state: DeliveryState | None,
        message_id: str | int | None,
        cursor: str | None,
        page_size: int | None,
    ) -> Flow[Page[WebhookDelivery]]:
        """Return one page of a webhook's deliveries, newest first."""
        body: dict[str, Any] = {"webhookId": webhook_id, **page_fields(cursor, page_size)}
        if state is not None:
            body["state"] = state
        if message_id is not None:
            body["msgId"] = str(message_id)
        answer = yield from self._session.call(_WEBHOOK + "getWebhookDeliveries", body, _DeliveriesAnswer)
        return Page(tuple(entry.delivery() for entry in answer.deliveries), next_page(answer.next_cursor, cursor))

    def replay(self, webhook_id: str, *, delivery_id: str | None, start: Moment | None) -> Flow[int]:
        """Post deliveries again; return their number."""
        body: dict[str, Any] = {"webhookId": webhook_id}
        if delivery_id is not None:
            body["deliveryId"] = delivery_id
        if start is not None:
            body["startTime"] = to_ms(start)
        return (yield from self._session.call(_WEBHOOK + "replayWebhook", body, _ReplayAnswer)).replayed


class _CreatedAnswer(Answer, frozen=True):
    webhook_id: str
    secret: str


class _RotatedAnswer(Answer, frozen=True):
    secret: str
    previous_valid_until: int


class _ReplayAnswer(Answer, frozen=True):
    replayed: int


class _Listed(Answer, frozen=True):
    webhook_id: str
    url: str
    events: tuple[str, ...]
    state: str
    create_time: int
    pending: int
    pause_reason: str | None = None

    def webhook(self) -> Webhook:
        return Webhook(
            id=self.webhook_id,
            url=self.url,
            events=self.events,
            state=self.state,
            pause_reason=self.pause_reason,
            created_at=from_ms(self.create_time),
            pending=self.pending,
        )


class _ListAnswer(Answer, frozen=True):
    webhooks: tuple[_Listed, ...]


class _ListedDelivery(Answer, frozen=True):
    delivery_id: str
    type: str
    state: str
    attempts: int
    create_time: int
    body: dict[str, Any]
    next_attempt_time: int | None = None
    status: int | None = None
    error: str | None = None
    response: str | None = None

    def delivery(self) -> WebhookDelivery:
        return WebhookDelivery(
            id=self.delivery_id,
            kind=self.type,
            state=self.state,
            attempts=self.attempts,
            created_at=from_ms(self.create_time),
            next_attempt_at=None if self.next_attempt_time is None else from_ms(self.next_attempt_time),
            status=self.status,
            error=self.error,
            response=self.response,
            body=self.body,
        )


class _DeliveriesAnswer(Answer, frozen=True):
    deliveries: tuple[_ListedDelivery, ...]
    next_cursor: str | None = None
