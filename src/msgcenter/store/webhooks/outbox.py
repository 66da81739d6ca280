"""The outbox of webhooks: an event is written in the transaction that makes it true."""

from collections.abc import Sequence

import msgspec

from msgcenter.database.database import Connection
from msgcenter.database.statements import affected_rows
from msgcenter.domain.account import Recipient
from msgcenter.domain.webhook import READ, TEST, StoredEvent, WebhookEvent, read_event


async def record(connection: Connection, events: Sequence[WebhookEvent], now: int) -> None:
    """Record events, in this order, for every webhook that is registered for them. `now` is ms since 1970.

    Call it inside the transaction of the change, after the changed rows are locked: then the events of a message get
    their numbers in the order in which they happen. Paused webhooks get their events when they are resumed.
    """
    if not events:
        return
    await connection.execute(
        """
        insert into webhook_event (endpoint_number, kind, message_id, data, created_at)
        select webhook.number, event.kind, event.message_id, event.data::json, $5
        from unnest($1::int[], $2::text[], $3::bigint[], $4::text[])
            with ordinality as event (app_number, kind, message_id, data, place)
        join webhook_endpoint as webhook
            on webhook.app_number = event.app_number and event.kind = any(webhook.events)
        -- The lock waits for a webhook that is being deleted, so that no event outlives it.
        order by event.place for key share of webhook
        """,
        [event.app_number for event in events],
        [event.kind for event in events],
        [event.message_id for event in events],
        [msgspec.json.encode(event.data).decode() for event in events],
        now,
    )


async def record_test(connection: Connection, webhook_number: int, webhook_id: str, now: int) -> None:
    """Record a `webhook.test` event for one webhook, whatever it is registered for."""
    await connection.execute(
        """
        insert into webhook_event (endpoint_number, kind, data, created_at)
        select webhook.number, $2, $3::text::json, $4
        from webhook_endpoint as webhook
        where webhook.number = $1
        for key share of webhook
        """,
        webhook_number,
        TEST,
        msgspec.json.encode({"webhookId": webhook_id}).decode(),
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


async def next_events(connection: Connection, webhook_number: int, limit: int) -> list[StoredEvent]:
    """Return up to `limit` events of a webhook, the oldest first."""
    rows = await connection.fetch(
        """
        select id, kind, message_id, data, created_at
        from webhook_event
        where endpoint_number = $1
        order by id
        limit $2
        """,
        webhook_number,
        limit,
    )
    return [StoredEvent(*row) for row in rows]


async def remove(connection: Connection, webhook_number: int, event_ids: Sequence[int]) -> None:
    """Remove events that a delivery contains from now on."""
    await connection.execute(
        "delete from webhook_event where endpoint_number = $1 and id = any($2)", webhook_number, event_ids
    )


async def delete_old(connection: Connection, oldest: int, limit: int) -> int:
    """Delete up to `limit` events from before `oldest` (ms since 1970); return how many.

    Only a webhook that has been paused for so long has such events.
    """
    status = await connection.execute(
        """
        delete from webhook_event as event
        using (
            select first_event.endpoint_number, first_event.id
            from webhook_endpoint as webhook
            cross join lateral (
                select waiting.endpoint_number, waiting.id, waiting.created_at
                from webhook_event as waiting
                where waiting.endpoint_number = webhook.number
                order by waiting.id
                limit $2
            ) as first_event
            where first_event.created_at < $1
            limit $2
        ) as old
        where event.endpoint_number = old.endpoint_number and event.id = old.id
        """,
        oldest,
        limit,
    )
    return affected_rows(status)
