"""The outbox of webhooks: events are written to it in the very transaction that makes them true."""

from collections.abc import Sequence

import msgspec

from msgcenter.database.database import Connection
from msgcenter.domain.account import Recipient
from msgcenter.domain.webhook import READ, TEST, StoredEvent, WebhookEvent, read_event


async def record(connection: Connection, events: Sequence[WebhookEvent], now: int) -> None:
    """Let every endpoint that wants them know of events, in this order, once the transaction is committed.

    Call it inside the transaction that changes what the events tell of, after the rows changed are locked: so the
    events of a message get their numbers in the order in which they happen. Endpoints that are paused are told later.
    `now` is ms since 1970.
    """
    if not events:
        return
    await connection.execute(
        "insert into webhook_event (endpoint_number, kind, message_id, data, created_at)"
        " select e.number, t.k, t.m, t.d::json, $5"
        " from unnest($1::int[], $2::text[], $3::bigint[], $4::text[]) with ordinality as t (a, k, m, d, n)"
        " join webhook_endpoint e on e.app_number = t.a and t.k = any(e.events)"
        # An endpoint that is being deleted is waited for, so that no event outlives it.
        " order by t.n for key share of e",
        [event.app_number for event in events],
        [event.kind for event in events],
        [event.message_id for event in events],
        [msgspec.json.encode(event.data).decode() for event in events],
        now,
    )


async def record_test(connection: Connection, endpoint_number: int, endpoint_id: str, now: int) -> None:
    """Put a `webhook.test` event up for one endpoint, whatever it is registered for."""
    await connection.execute(
        "insert into webhook_event (endpoint_number, kind, data, created_at)"
        " select e.number, $2, $3::text::json, $4 from webhook_endpoint e where e.number = $1 for key share of e",
        endpoint_number,
        TEST,
        msgspec.json.encode({"webhookId": endpoint_id}).decode(),
        now,
    )


async def apps_told_of_reading(connection: Connection, recipient: Recipient) -> frozenset[int]:
    """Return the apps with unread messages in a mailbox that are told when one is read."""
    rows = await connection.fetch(
        "select distinct p.app_number from mailbox_page p join app a on a.number = p.app_number"
        " where p.user_id = $1 and p.platform_code = $2 and p.unread > 0 and $3 = any(a.webhook_events)",
        *recipient,
        READ,
    )
    return frozenset(row["app_number"] for row in rows)


async def record_read_by_user(
    connection: Connection, recipient: Recipient, message_ids: Sequence[int], told: frozenset[int], now: int
) -> None:
    """Record that a user has read messages of all sorts of apps at `now`; the apps in `told` are told, oldest first."""
    if not told or not message_ids:
        return
    rows = await connection.fetch(
        "select id, app_number from message where id = any($1) and app_number = any($2) order by id",
        message_ids,
        sorted(told),
    )
    await record(connection, [read_event(row["app_number"], row["id"], recipient, now, "user") for row in rows], now)


async def next_events(connection: Connection, endpoint_number: int, limit: int) -> list[StoredEvent]:
    """Return the events that an endpoint is to be told next, at most `limit`."""
    rows = await connection.fetch(
        "select id, kind, message_id, data, created_at from webhook_event where endpoint_number = $1"
        " order by id limit $2",
        endpoint_number,
        limit,
    )
    return [StoredEvent(*row) for row in rows]


async def remove(connection: Connection, endpoint_number: int, event_ids: Sequence[int]) -> None:
    """Take events out that a delivery holds from now on."""
    await connection.execute(
        "delete from webhook_event where endpoint_number = $1 and id = any($2)", endpoint_number, event_ids
    )


async def delete_old(connection: Connection, oldest: int, limit: int) -> int:
    """Delete up to `limit` events from before `oldest` (ms since 1970), of endpoints that were paused so long."""
    status = await connection.execute(
        "delete from webhook_event d using (select v.endpoint_number, v.id from webhook_endpoint e"
        " cross join lateral (select o.endpoint_number, o.id, o.created_at from webhook_event o"
        " where o.endpoint_number = e.number order by o.id limit $2) v where v.created_at < $1 limit $2) old"
        " where d.endpoint_number = old.endpoint_number and d.id = old.id",
        oldest,
        limit,
    )
    return int(status.rpartition(" ")[2])
