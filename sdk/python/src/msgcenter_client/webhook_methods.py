# Generated from async_webhook_methods.py by `make generate`. Do not edit.

"""The part of `Client` that manages webhooks."""

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from msgcenter_client.flow import Flow
from msgcenter_client.results import Page
from msgcenter_client.times import Moment
from msgcenter_client.webhook_calls import WebhookCalls
from msgcenter_client.webhook_results import (
    DeliveryState,
    NewSecret,
    NewWebhook,
    Webhook,
    WebhookDelivery,
    WebhookKind,
)

Result = TypeVar("Result")


class WebhookMethods:
    """The calls of `Client` about webhooks (docs/webhooks.md)."""

    _webhook_calls: WebhookCalls

    @abstractmethod
    def _run(self, flow: Flow[Result]) -> Result: ...

    @abstractmethod
    def _items(self, fetch: Callable[[str | None], Flow[Page[Result]]]) -> Iterator[Result]: ...

    def create_webhook(self, url: str, events: Iterable[WebhookKind]) -> NewWebhook:
        """Register a URL for events. Returns the webhook's id and its secret, which is not shown again.

        url: an https URL whose host has public addresses only, unless the operator allows others.
        events: the event types to post, such as `message.read`.
        An app has up to 10 webhooks. A retry after a time-out may register a second one: see `webhooks`.
        """
        return self._run(self._webhook_calls.create(url, events))

    def webhooks(self) -> tuple[Webhook, ...]:
        """Return this app's webhooks and their states, oldest first."""
        return self._run(self._webhook_calls.registered())

    def update_webhook(
        self,
        webhook_id: str,
        *,
        url: str | None = None,
        events: Iterable[WebhookKind] | None = None,
        paused: bool | None = None,
    ) -> None:
        """Change a webhook; None keeps the current value.

        url, events: see `create_webhook`.
        paused: True stops deliveries and keeps events for 30 days; False resumes at once.
        Also raises StateError (300006: unknown webhook).
        """
        self._run(self._webhook_calls.update(webhook_id, url=url, events=events, paused=paused))

    def delete_webhook(self, webhook_id: str) -> None:
        """Delete a webhook, its deliveries and its pending events.

        Also raises StateError (300006: unknown webhook).
        """
        self._run(self._webhook_calls.delete(webhook_id))

    def rotate_webhook_secret(self, webhook_id: str) -> NewSecret:
        """Give a webhook a new secret. For one day, deliveries are signed with the new and the previous one.

        A second call within ten minutes replaces the new secret and keeps the previous one.

        Also raises StateError (300006: unknown webhook).
        """
        return self._run(self._webhook_calls.rotate_secret(webhook_id))

    def test_webhook(self, webhook_id: str) -> None:
        """Post a `webhook.test` event to a webhook; `webhook_deliveries` shows the result.

        Also raises StateError (300006: unknown webhook).
        """
        self._run(self._webhook_calls.test(webhook_id))

    def webhook_deliveries(
        self,
        webhook_id: str,
        *,
        state: DeliveryState | None = None,
        message_id: str | int | None = None,
        page_size: int | None = None,
    ) -> Iterator[WebhookDelivery]:
        """Iterate over a webhook's deliveries of the last 30 days, newest first; pages are fetched when needed.

        state: only pending, delivered or failed deliveries. message_id: only deliveries about this message.
        page_size: deliveries per request, 1-200; None: 50.
        Errors, also StateError (300006: unknown webhook), are raised by the iteration.
        """
        return self._items(
            lambda cursor: self._webhook_calls.deliveries(
                webhook_id, state=state, message_id=message_id, cursor=cursor, page_size=page_size
            )
        )

    def replay_webhook(self, webhook_id: str, *, delivery_id: str | None = None, start: Moment | None = None) -> int:
        """Post deliveries again with the same `webhook-id`; return their number. Set exactly one argument.

        delivery_id: one delivery. start: all deliveries created since then; an aware datetime, or Unix milliseconds.
        Also raises StateError (300006: unknown webhook or delivery), and ValueError for a datetime without a time zone.
        """
        return self._run(self._webhook_calls.replay(webhook_id, delivery_id=delivery_id, start=start))
