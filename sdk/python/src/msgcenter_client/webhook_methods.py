# Generated from async_webhook_methods.py by `make generate`. Do not edit.

"""The calls about webhooks, as `Client` has them."""

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
    """The part of `Client` that is about webhooks (docs/webhooks.md)."""

    _webhook_calls: WebhookCalls

    @abstractmethod
    def _run(self, flow: Flow[Result]) -> Result: ...

    @abstractmethod
    def _items(self, fetch: Callable[[str | None], Flow[Page[Result]]]) -> Iterator[Result]: ...

    def create_webhook(self, url: str, events: Iterable[WebhookKind]) -> NewWebhook:
        """Register a URL that events are posted to. Returns its id and its secret, which is not shown again.

        url: https, its host having public addresses only, unless the operator allows others.
        events: what to be told, such as `message.read`.
        An app has up to 10 webhooks. A repetition after a time-out may leave one more: see `webhooks`.
        """
        return self._run(self._webhook_calls.create(url, events))

    def webhooks(self) -> tuple[Webhook, ...]:
        """Return this app's webhooks, the oldest first, and how they are doing."""
        return self._run(self._webhook_calls.registered())

    def update_webhook(
        self,
        webhook_id: str,
        *,
        url: str | None = None,
        events: Iterable[WebhookKind] | None = None,
        paused: bool | None = None,
    ) -> None:
        """Change a webhook; None keeps what it is.

        url, events: see `create_webhook`.
        paused: True sends nothing more, events are kept for 30 days; False goes on at once.
        Raises also StateError (300006: no such webhook).
        """
        self._run(self._webhook_calls.update(webhook_id, url=url, events=events, paused=paused))

    def delete_webhook(self, webhook_id: str) -> None:
        """Delete a webhook, its deliveries and all that waits for it.

        Raises also StateError (300006: no such webhook).
        """
        self._run(self._webhook_calls.delete(webhook_id))

    def rotate_webhook_secret(self, webhook_id: str) -> NewSecret:
        """Give a webhook a new secret. For a day, what is posted is signed with both.

        Called again within ten minutes, it replaces the new secret; the old one stays the other that is valid.

        Raises also StateError (300006: no such webhook).
        """
        return self._run(self._webhook_calls.rotate_secret(webhook_id))

    def test_webhook(self, webhook_id: str) -> None:
        """Have a `webhook.test` event posted to a webhook; `webhook_deliveries` shows what came of it.

        Raises also StateError (300006: no such webhook).
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
        """Iterate over a webhook's deliveries of the last 30 days, newest first; pages are fetched as needed.

        state: only those that are pending, delivered or failed. message_id: only those about this message.
        page_size: deliveries per request, 1-200; None: 50.
        What it raises (also StateError, 300006: no such webhook) comes from the iteration.
        """
        return self._items(
            lambda cursor: self._webhook_calls.deliveries(
                webhook_id, state=state, message_id=message_id, cursor=cursor, page_size=page_size
            )
        )

    def replay_webhook(self, webhook_id: str, *, delivery_id: str | None = None, start: Moment | None = None) -> int:
        """Have deliveries posted again, with the same `webhook-id`; give one of the two. Returns how many.

        delivery_id: this one. start: all made from this moment on; an aware datetime or ms since 1970.
        Raises also StateError (300006: no such webhook or delivery), ValueError for a datetime without a time zone.
        """
        return self._run(self._webhook_calls.replay(webhook_id, delivery_id=delivery_id, start=start))
