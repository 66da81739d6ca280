"""Deliveries of webhooks: one POST each, tried until it is taken; an endpoint is worked on by one process at a time."""

from typing import NamedTuple

import asyncpg

from msgcenter.database.database import Connection
from msgcenter.domain.webhook import WINDOW, PauseReason, body_of, first_batch, new_delivery_id
from msgcenter.domain.webhook_schedule import DeliveryState, Outcome, Settlement, Standing
from msgcenter.store.webhooks import outbox

_RESPONSE_CHARACTERS = 1_024


class Lease(NamedTuple):
    """The right of one dispatcher (`holder`) to work on an endpoint for a while."""

    endpoint_number: int
    holder: str


class Task(NamedTuple):
    """A delivery that is to be tried now. `secrets_sealed` are the valid ones, the newest first."""

    delivery_id: int
    webhook_id: str
    body: str
    endpoint_id: str
    url: str
    secrets_sealed: tuple[bytes, ...]
    standing: Standing


class Delivery(NamedTuple):
    """A delivery as its app sees it. Times are ms since 1970."""

    id: int
    webhook_id: str
    kind: str
    state: DeliveryState
    attempts: int
    created_at: int
    next_attempt_at: int
    last_status: int | None
    last_error: str | None
    last_response: str | None
    body: str
    endpoint_number: int


class DeliveryFilter(NamedTuple):
    """Which deliveries of some endpoints to list; `before_id` is the last page's bound."""

    endpoint_numbers: tuple[int, ...]
    state: DeliveryState | None = None
    message_id: int | None = None
    before_id: int = (1 << 63) - 1


async def claim(connection: Connection, holder: str, *, failing: bool, limit: int, now: int, until: int) -> list[Lease]:
    """Take leases on endpoints that something is due for, the longest unattended first.

    `failing` chooses between those that failed the last time and the others. Times are ms since 1970.
    """
    rows = await connection.fetch(
        "update webhook_endpoint set lease_holder = $1, lease_until = $5 where number = any(array("
        "select e.number from webhook_endpoint e join app a on a.number = e.app_number"
        " where e.paused_at is null and a.disabled_at is null and (e.attempts > 0) = $2"
        " and coalesce(e.lease_until, 0) <= $4 and coalesce(e.next_attempt_at, 0) <= $4"
        # Not `exists`, which might be answered by a hash of all that waits for anybody; this is a probe for each.
        " and coalesce((select true from webhook_event v where v.endpoint_number = e.number limit 1),"
        " (select true from webhook_delivery d where d.endpoint_number = e.number and d.state = 'pending'"
        " and d.next_attempt_at <= $4 limit 1))"
        " order by coalesce(e.lease_until, 0), e.number limit $3 for no key update of e skip locked))"
        " returning number",
        holder,
        failing,
        limit,
        now,
        until,
    )
    return [Lease(row["number"], holder) for row in rows]


async def release(connection: Connection, lease: Lease, now: int) -> None:
    """Give a lease back, if it is still held."""
    await connection.execute(
        "update webhook_endpoint set lease_until = $3, lease_holder = null where number = $1 and lease_holder = $2",
        *lease,
        now,
    )


async def release_all(connection: Connection, holder: str, now: int) -> None:
    """Give back whatever a dispatcher still holds."""
    await connection.execute(
        "update webhook_endpoint set lease_until = $2, lease_holder = null where lease_holder = $1", holder, now
    )


async def take(connection: Connection, lease: Lease, *, now: int, until: int) -> Task | None:
    """Renew a lease and return what is due: a delivery, or a new one made of the events that wait longest.

    None if the lease is lost, the endpoint may not be called any more, or nothing is due. Runs inside a transaction.
    """
    endpoint = await connection.fetchrow(
        "update webhook_endpoint e set lease_until = $4 where e.number = $1 and e.lease_holder = $2"
        " and e.paused_at is null and coalesce(e.next_attempt_at, 0) <= $3"
        " and exists (select from app a where a.number = e.app_number and a.disabled_at is null)"
        " returning e.endpoint_id, e.url, e.secret_sealed, e.previous_secret_sealed, e.previous_secret_until,"
        " e.attempts, e.failing_since",
        *lease,
        now,
        until,
    )
    if endpoint is None:
        return None
    number = lease.endpoint_number
    delivery = await _due(connection, number, now)
    if delivery is None and await _make(connection, number, now):
        delivery = await _due(connection, number, now)
    if delivery is None:
        return None
    secrets = [endpoint["secret_sealed"]]
    if (endpoint["previous_secret_until"] or 0) > now:
        secrets.append(endpoint["previous_secret_sealed"])
    return Task(
        delivery_id=delivery["id"],
        webhook_id=delivery["webhook_id"],
        body=delivery["body"],
        endpoint_id=endpoint["endpoint_id"],
        url=endpoint["url"],
        secrets_sealed=tuple(secrets),
        standing=Standing(
            delivery["attempts"], delivery["first_attempt_at"], endpoint["attempts"], endpoint["failing_since"]
        ),
    )


async def _due(connection: Connection, endpoint_number: int, now: int) -> asyncpg.Record | None:
    return await connection.fetchrow(
        "select id, webhook_id, body, attempts, first_attempt_at from webhook_delivery"
        " where endpoint_number = $1 and state = 'pending' and next_attempt_at <= $2"
        " order by next_attempt_at, id limit 1",
        endpoint_number,
        now,
    )


async def _make(connection: Connection, endpoint_number: int, now: int) -> bool:
    """Make a delivery of the events that wait longest; return False if there are none."""
    events = first_batch(await outbox.next_events(connection, endpoint_number, WINDOW))
    if not events:
        return False
    await outbox.remove(connection, endpoint_number, [event.id for event in events])
    await connection.execute(
        "insert into webhook_delivery"
        " (endpoint_number, webhook_id, kind, message_ids, event_count, body, created_at, next_attempt_at)"
        " values ($1, $2, $3, $4, $5, $6, $7, $7)",
        endpoint_number,
        new_delivery_id(),
        events[0].kind,
        sorted({event.message_id for event in events if event.message_id is not None}),
        len(events),
        body_of(events),
        now,
    )
    return True


async def settle(
    connection: Connection, lease: Lease, task: Task, outcome: Outcome, settled: Settlement, *, now: int
) -> None:
    """Write down what came of an attempt, and what follows from it. Runs inside a transaction."""
    await connection.execute(
        "update webhook_delivery set state = $3, attempts = attempts + 1,"
        " first_attempt_at = coalesce(first_attempt_at, $5), next_attempt_at = coalesce($4, next_attempt_at),"
        " finished_at = case when $3 = 'pending' then null else $5 end,"
        " last_status = $6, last_error = $7, last_response = $8 where endpoint_number = $1 and id = $2",
        lease.endpoint_number,
        task.delivery_id,
        settled.state,
        settled.next_attempt_at,
        now,
        outcome.status,
        outcome.error,
        outcome.response.replace("\0", "\ufffd")[:_RESPONSE_CHARACTERS],
    )
    standing = task.standing
    before = (standing.endpoint_attempts, None, standing.failing_since, None)
    after: tuple[int, int | None, int | None, PauseReason | None] = (
        settled.endpoint_attempts,
        settled.endpoint_next_attempt_at,
        settled.failing_since,
        settled.pause_reason,
    )
    if after == before:
        return
    # If it has got another URL in between, that one has not failed.
    await connection.execute(
        "update webhook_endpoint set attempts = $3, next_attempt_at = $4, failing_since = $5,"
        " paused_at = case when $6::text is null then paused_at else coalesce(paused_at, $8) end,"
        " pause_reason = case when paused_at is null then $6 else pause_reason end"
        " where number = $1 and lease_holder = $2 and url = $7",
        *lease,
        *after,
        task.url,
        now,
    )


_COLUMNS = (
    "d.id, d.webhook_id, d.kind, d.state, d.attempts, d.created_at, d.next_attempt_at, d.last_status, d.last_error,"
    " d.last_response, d.body, d.endpoint_number"
)
# Those about a message are few among all: they are found by the index of message ids, which only a bitmap can read,
# and which the planner takes for sure where nothing else is asked.
_ABOUT_MESSAGE = (
    " join (with about as materialized (select o.endpoint_number, o.id from webhook_delivery o"
    " where o.message_ids @> array[${number}::bigint]) select endpoint_number, id from about) o"
    " on o.endpoint_number = d.endpoint_number and o.id = d.id"
)


async def list_deliveries(connection: Connection, wanted: DeliveryFilter, limit: int) -> list[Delivery]:
    """Return deliveries that pass the filter, the newest first, at most `limit`."""
    values: list[object] = [wanted.endpoint_numbers, wanted.before_id]
    where = "d.endpoint_number = any($1::int[]) and d.id < $2"
    if len(wanted.endpoint_numbers) == 1:
        # In the order of the key, so that a page of many deliveries is read and no more.
        values[0] = wanted.endpoint_numbers[0]
        where = "d.endpoint_number = $1 and d.id < $2"
    about = ""
    if wanted.state is not None:
        values.append(wanted.state)
        where += f" and d.state = ${len(values)}"
    if wanted.message_id is not None:
        values.append(wanted.message_id)
        about = _ABOUT_MESSAGE.format(number=len(values))
    rows = await connection.fetch(
        f"select {_COLUMNS} from webhook_delivery d{about} where {where} order by d.id desc limit {int(limit)}",
        *values,
    )
    return [Delivery(*row) for row in rows]


async def replay(
    connection: Connection, endpoint_number: int, *, webhook_id: str | None, since: int | None, now: int
) -> int:
    """Put up again one delivery, or all made since a time (ms since 1970); return how many."""
    status = await connection.execute(
        "update webhook_delivery set state = 'pending', next_attempt_at = $4, first_attempt_at = null,"
        " finished_at = null where endpoint_number = $1 and ($2::text is null or webhook_id = $2)"
        " and ($3::bigint is null or created_at >= $3)",
        endpoint_number,
        webhook_id,
        since,
        now,
    )
    return int(status.rpartition(" ")[2])


async def delete_old(connection: Connection, oldest: int, limit: int) -> int:
    """Delete up to `limit` deliveries that came to their end before `oldest` (ms since 1970); return how many."""
    status = await connection.execute(
        "delete from webhook_delivery d using (select endpoint_number, id from webhook_delivery"
        " where finished_at < $1 order by finished_at limit $2) old"
        " where d.endpoint_number = old.endpoint_number and d.id = old.id",
        oldest,
        limit,
    )
    return int(status.rpartition(" ")[2])
