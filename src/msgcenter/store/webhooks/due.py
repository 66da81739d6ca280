"""Which webhooks have something to deliver. Their events and deliveries may be in any cell."""

from collections.abc import Iterable
from typing import NamedTuple

from msgcenter.database.database import Connection
from msgcenter.database.statements import column_arrays


class WebhookKey(NamedTuple):
    """The number of a webhook, and the cell that has its events and deliveries."""

    cell: int
    number: int


async def with_work(connection: Connection, webhooks: Iterable[WebhookKey], now: int) -> set[WebhookKey]:
    """Return those of the webhooks that have an event, or a delivery due at `now` (ms since 1970)."""
    keys = sorted(webhooks)
    if not keys:
        return set()
    rows = await connection.fetch(
        """
        select home.cell, webhook.number
        from unnest($1::int[], $2::int[]) as webhook (cell, number)
        join feed_head as home on home.cell = webhook.cell
        where home.cell = any($1)
            -- The number is compared as a range: `exists` with an equality might be answered by a hash of all waiting
            -- rows. This is one probe per webhook.
            and (
                exists (
                    select from webhook_event as event
                    where event.cell = home.cell and event.endpoint_number between webhook.number and webhook.number
                )
                or exists (
                    select from webhook_delivery as delivery
                    where delivery.cell = home.cell
                        and delivery.endpoint_number between webhook.number and webhook.number
                        and delivery.state = 'pending'
                        and delivery.next_attempt_at <= $3
                )
            )
        """,
        *column_arrays(keys, len(WebhookKey._fields)),
        now,
    )
    return {WebhookKey(*row) for row in rows}


async def due_since(connection: Connection, now: int) -> int | None:
    """Return the time of the oldest event or delivery that could be sent at `now`. Times are ms since 1970."""
    rows = await connection.fetch(
        """
        select webhook.cell, webhook.number
        from webhook_endpoint as webhook join app on app.number = webhook.app_number
        where webhook.paused_at is null
            and app.disabled_at is null
            and coalesce(webhook.next_attempt_at, 0) <= $1
        """,
        now,
    )
    numbers = numbers_by_cell(await with_work(connection, (WebhookKey(*row) for row in rows), now))
    return min([await _oldest(connection, cell, numbers[cell], now) for cell in numbers], default=None)


async def _oldest(connection: Connection, cell: int, webhook_numbers: list[int], now: int) -> int:
    """Return the time of the oldest event or due delivery of webhooks of a cell which have one."""
    oldest: int | None = await connection.fetchval(
        """
        select min(least(
            (
                select event.created_at
                from webhook_event as event
                where event.cell = $1 and event.endpoint_number = webhook.number
                order by event.id
                limit 1
            ),
            (
                select delivery.next_attempt_at
                from webhook_delivery as delivery
                where delivery.cell = $1
                    and delivery.endpoint_number = webhook.number
                    and delivery.state = 'pending'
                    and delivery.next_attempt_at <= $3
                order by delivery.next_attempt_at, delivery.id
                limit 1
            )
        ))
        from unnest($2::int[]) as webhook (number)
        """,
        cell,
        webhook_numbers,
        now,
    )
    # A dispatcher may have delivered them meanwhile.
    return now if oldest is None else oldest


def numbers_by_cell(webhooks: Iterable[WebhookKey]) -> dict[int, list[int]]:
    """Return the numbers of webhooks by their cells; both are sorted."""
    numbers: dict[int, list[int]] = {}
    for webhook in sorted(webhooks):
        numbers.setdefault(webhook.cell, []).append(webhook.number)
    return numbers
