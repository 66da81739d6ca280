"""Webhook deliveries: list them, and post them again."""

from typing import NamedTuple

from msgcenter.actions.webhooks.own_webhook import find_own, record
from msgcenter.database.database import Connection, Database, transactional
from msgcenter.domain.account import App
from msgcenter.domain.list_page import ListPage, cut_page
from msgcenter.domain.message_id import now_ms
from msgcenter.domain.person import Actor
from msgcenter.domain.refusal import Reason, Refusal
from msgcenter.domain.webhook_schedule import DeliveryState
from msgcenter.store.webhooks import deliveries, webhooks
from msgcenter.store.webhooks.deliveries import DeliveryFilter, WebhookDelivery
from msgcenter.store.webhooks.webhooks import Webhook


class MessageDelivery(NamedTuple):
    """A delivery about a message, and its webhook."""

    webhook: Webhook
    delivery: WebhookDelivery


class WebhookDeliveries:
    """The deliveries of all webhooks. `page` and `replay` refuse with WEBHOOK_UNKNOWN a webhook of another app."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(
        self,
        app: App,
        webhook_id: str,
        *,
        state: DeliveryState | None = None,
        message_id: int | None = None,
        before_number: int | None = None,
        limit: int,
    ) -> ListPage[WebhookDelivery, int]:
        """Return up to `limit` deliveries of a webhook, newest first; only those in `state` or about `message_id`."""
        async with self._database.connection() as connection:
            webhook = await find_own(connection, app, webhook_id)
        delivery_filter = DeliveryFilter(webhook.cell, (webhook.number,), state, message_id)
        if before_number is not None:
            delivery_filter = delivery_filter._replace(before_number=before_number)
        rows = await self._database.in_transaction(deliveries.list_deliveries, delivery_filter, limit + 1)
        return cut_page(rows, limit, lambda delivery: delivery.number)

    async def about_message(self, app: App, message_id: int, limit: int) -> list[MessageDelivery]:
        """Return up to `limit` deliveries about a message, of any of the app's webhooks, newest first."""
        async with self._database.connection() as connection:
            by_number = {webhook.number: webhook for webhook in await webhooks.list_webhooks(connection, app.number)}
        if not by_number:
            return []
        delivery_filter = DeliveryFilter(app.platform.first_cell, tuple(by_number), message_id=message_id)
        rows = await self._database.in_transaction(deliveries.list_deliveries, delivery_filter, limit)
        return [MessageDelivery(by_number[delivery.webhook_number], delivery) for delivery in rows]

    @transactional
    async def replay(
        self,
        connection: Connection,
        app: App,
        webhook_id: str,
        *,
        delivery_id: str | None = None,
        since: int | None = None,
        by: Actor,
    ) -> int:
        """Queue one delivery again, or all created since a time (ms since 1970); return how many.

        The webhook is then tried at once. Refuses with WEBHOOK_UNKNOWN a delivery of another webhook.
        """
        webhook = await find_own(connection, app, webhook_id)
        await webhooks.restart(connection, webhook.number)
        count = await deliveries.replay(connection, webhook, delivery_id=delivery_id, since=since, now=now_ms())
        if not count and delivery_id is not None:
            raise Refusal(Reason.WEBHOOK_UNKNOWN)
        if count:
            selection = {"since": since} if delivery_id is None else {"delivery": delivery_id}
            await record(connection, by, "replay", app, webhook_id, **selection, deliveries=count)
        return count
