"""The outbox of webhooks: an event is written in the transaction that makes it true."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from msgcenter.database.database import Connection
from msgcenter.database.statements import affected_rows, column_arrays
from msgcenter.domain.account import Recipient
from msgcenter.domain.webhook import READ, TEST, StoredEvent, WebhookEvent, read_event
from msgcenter.store.webhooks.due import WebhookKey, numbers_by_cell, with_work
from msgcenter.store.webhooks.leases import Lease
from msgcenter.store.webhooks.webhooks import Webhook


class _NewEvent(NamedTuple):
    """A row of the outbox; `data` is JSON."""

    id: int
    webhook_number: int
    kind: str
    message_id: int | None
    data: str


async def record(connection: Connection, events: Sequence[WebhookEvent], now: int) -> None:
    """Record events, in this order, for every webhook that is registered for them. `now` is ms since 1970.

    Call it inside the transaction of the change, after the changed rows are locked: then the events of a message get
    their numbers in the order in which they happen. Paused webhooks get their events when they are resumed.
    """
    if not events:
        return
    rows = await connection.fetch(
        """
        select addressed.cell, addressed.place, addressed.number, nextval('webhook_event_id') as id
        from (
            select webhook.cell, event.place, webhook.number
            from unnest($1::int[], $2::text[]) with ordinality as event (app_number, kind, place)
            join webhook_endpoint as webhook
                on webhook.app_number = event.app_number and event.kind = any(webhook.events)
            -- The lock waits for a webhook that is being deleted, so that no event outlives it.
            order by event.place for key share of webhook
        ) as addressed
        """,
        [event.app_number for event in events],
        [event.kind for event in events],
    )
    new_events: dict[int, list[_NewEvent]] = {}
    for row in rows:
        event = events[row["place"] - 1]
        data = msgspec.json.encode(event.data).decode()
        new_event = _NewEvent(row["id"], row["number"], event.kind, event.message_id, data)
        new_events.setdefault(row["cell"], []).append(new_event)
    for cell in sorted(new_events):
        await _insert(connection, cell, new_events[cell], now)


async def record_test(connection: Connection, webhook: Webhook, now: int) -> None:
    """Record a `webhook.test` event for one webhook, whatever it is registered for. `now` is ms since 1970."""
    event_id = await connection.fetchval(
        """
        select nextval('webhook_event_id')
        from (select from webhook_endpoint where number = $1 for key share) as webhook
        """,
        webhook.number,
    )
    if event_id is not None:
        data = msgspec.json.encode({"webhookId": webhook.webhook_id}).decode()
        await _insert(connection, webhook.cell, [_NewEvent(event_id, webhook.number, TEST, None, data)], now)


async def _insert(connection: Connection, cell: int, events: Sequence[_NewEvent], now: int) -> None:
    await connection.execute(
        """
        insert into webhook_event (cell, id, endpoint_number, kind, message_id, data, created_at)
        select home.cell, event.id, event.webhook_number, event.kind, event.message_id, event.data::json, $7
        from feed_head as home
        cross join unnest($2::bigint[], $3::int[], $4::text[], $5::bigint[], $6::text[])
            as event (id, webhook_number, kind, message_id, data)
        where home.cell = $1
        """,
        cell,
        *column_arrays(events, len(_NewEvent._fields)),
        now,
    )


async def apps_with_read_events(connection: Connection, recipient: Recipient) -> frozenset[int]:
    """Return the apps that have unread messages in a mailbox and a webhook for `message.read` events."""
    rows = await connection.fetch(
        """
        select distinct page.app_number
        from mailbox_page as page join app on app.number = page.app_number
        where page.cell = $1 and page.user_id = $2 and page.unread > 0 and $3 = any(app.webhook_events)
        """,
        recipient.cell,
        recipient.user_id,
        READ,
    )
    return frozenset(row["app_number"] for row in rows)


async def record_read_by_user(
    connection: Connection, recipient: Recipient, message_ids: Sequence[int], app_numbers: frozenset[int], now: int
) -> None:
    """Record that a user has read messages at `now` (ms since 1970), the oldest message first.

    Messages of apps that are not among `app_numbers` are left out.
    """
    if not app_numbers or not message_ids:
        return
    rows = await connection.fetch(
        "select id, app_number from message where cell = $1 and id = any($2) and app_number = any($3) order by id",
        recipient.platform.first_cell,
        message_ids,
        sorted(app_numbers),
    )
    await record(connection, [read_event(row["app_number"], row["id"], recipient, now, "user") for row in rows], now)


async def next_events(connection: Connection, lease: Lease, limit: int) -> list[StoredEvent]:
    """Return up to `limit` events of a webhook, the oldest first."""
    rows = await connection.fetch(
        """
        select id, kind, message_id, data, created_at
        from webhook_event
        where cell = $1 and endpoint_number = $2
        order by id
        limit $3
        """,
        lease.cell,
        lease.webhook_number,
        limit,
    )
    return [StoredEvent(*row) for row in rows]


async def remove(connection: Connection, lease: Lease, event_ids: Sequence[int]) -> None:
    """Remove events that a delivery contains from now on."""
    await connection.execute(
        "delete from webhook_event where cell = $1 and endpoint_number = $2 and id = any($3)",
        lease.cell,
        lease.webhook_number,
        event_ids,
    )


async def delete_old(connection: Connection, oldest: int, limit: int) -> int:
    """Delete up to `limit` events of each cell from before `oldest` (ms since 1970); return how many.

    Only a webhook that has been paused for so long has such events.
    """
    rows = await connection.fetch("select cell, number from webhook_endpoint")
    numbers = numbers_by_cell(await with_work(connection, (WebhookKey(*row) for row in rows), oldest))
    return sum([await _delete_old(connection, cell, numbers[cell], oldest, limit) for cell in numbers])


async def _delete_old(
    connection: Connection, cell: int, webhook_numbers: Sequence[int], oldest: int, limit: int
) -> int:
    status = await connection.execute(
        """
        delete from webhook_event as event
        using (
            select first_event.endpoint_number, first_event.id
            from unnest($2::int[]) as webhook (number)
            cross join lateral (
                select waiting.endpoint_number, waiting.id, waiting.created_at
                from webhook_event as waiting
                where waiting.cell = $1 and waiting.endpoint_number = webhook.number
                order by waiting.id
                limit $4
            ) as first_event
            where first_event.created_at < $3
            limit $4
        ) as old
        where event.cell = $1 and event.endpoint_number = old.endpoint_number and event.id = old.id
        """,
        cell,
        webhook_numbers,
        oldest,
        limit,
    )
    return affected_rows(status)
