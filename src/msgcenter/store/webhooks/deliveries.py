"""Webhook deliveries: one POST each, tried until it is accepted."""

from typing import NamedTuple

import asyncpg

from msgcenter.database.database import Connection
from msgcenter.database.statements import affected_rows, columns
from msgcenter.domain.message_id import MAX_ID
from msgcenter.domain.webhook import WINDOW, PauseReason, body_of, first_batch, new_delivery_id
from msgcenter.domain.webhook_schedule import AttemptHistory, DeliveryState, Outcome, Settlement
from msgcenter.store.webhooks import outbox
from msgcenter.store.webhooks.leases import Lease
from msgcenter.store.webhooks.webhooks import Webhook

_RESPONSE_CHARACTERS = 1_024


class Task(NamedTuple):
    """A delivery that is to be tried now. `secrets_sealed` are the valid secrets, the newest first.

    Its outcome counts for the delivery while `claim` is that of the delivery, and for the webhook while `restarts` is
    that of the webhook (see `settle`).
    """

    delivery_number: int
    claim: int
    restarts: int
    delivery_id: str
    body: str
    webhook_id: str
    url: str
    secrets_sealed: tuple[bytes, ...]
    history: AttemptHistory


class WebhookDelivery(NamedTuple):
    """A delivery as its app sees it. `delivery_id` is its public id, `number` its key. Times are ms since 1970."""

    number: int
    delivery_id: str
    kind: str
    state: DeliveryState
    attempts: int
    created_at: int
    next_attempt_at: int
    last_status: int | None
    last_error: str | None
    last_response: str | None
    body: str
    webhook_number: int


class DeliveryFilter(NamedTuple):
    """Which deliveries to list: of some webhooks, whose deliveries are in `cell`.

    `before_number`: only those with a smaller number, for paging.
    """

    cell: int
    webhook_numbers: tuple[int, ...]
    state: DeliveryState | None = None
    message_id: int | None = None
    before_number: int = MAX_ID


# --- Attempts -------------------------------------------------------------------------------------------------------


async def take(connection: Connection, lease: Lease, *, now: int, until: int) -> Task | None:
    """Renew a lease until `until` and return the delivery that is due; make one of the oldest events if none is.

    The delivery gets a new claim, so that the outcome of an earlier attempt no longer changes it. Returns None if the
    lease is lost, the webhook may no longer be called, or nothing is due. Times are ms since 1970. Runs inside a
    transaction.
    """
    webhook = await connection.fetchrow(
        """
        update webhook_endpoint as webhook
        set lease_until = $4
        where webhook.number = $1
            and webhook.lease_holder = $2
            and webhook.paused_at is null
            and coalesce(webhook.next_attempt_at, 0) <= $3
            and exists (select from app where app.number = webhook.app_number and app.disabled_at is null)
        returning webhook.endpoint_id as webhook_id, webhook.url, webhook.secret_sealed,
            webhook.previous_secret_sealed, webhook.previous_secret_until, webhook.attempts, webhook.failing_since,
            webhook.restarts
        """,
        lease.webhook_number,
        lease.holder,
        now,
        until,
    )
    if webhook is None:
        return None
    delivery = await _claim_due(connection, lease, now) or await _make_delivery(connection, lease, now)
    if delivery is None:
        return None
    secrets = [webhook["secret_sealed"]]
    if (webhook["previous_secret_until"] or 0) > now:
        secrets.append(webhook["previous_secret_sealed"])
    return Task(
        delivery_number=delivery["number"],
        claim=delivery["claim"],
        restarts=webhook["restarts"],
        delivery_id=delivery["delivery_id"],
        body=delivery["body"],
        webhook_id=webhook["webhook_id"],
        url=webhook["url"],
        secrets_sealed=tuple(secrets),
        history=AttemptHistory(
            delivery["attempts"], delivery["first_attempt_at"], webhook["attempts"], webhook["failing_since"]
        ),
    )


_CLAIMED = "id as number, claim, webhook_id as delivery_id, body, attempts, first_attempt_at"


async def _claim_due(connection: Connection, lease: Lease, now: int) -> asyncpg.Record | None:
    """Claim the delivery of a webhook that is due the longest; return None if none is due."""
    return await connection.fetchrow(
        f"""
        update webhook_delivery
        set claim = claim + 1
        where cell = $1
            and endpoint_number = $2
            and id = (
                select due.id
                from webhook_delivery as due
                where due.cell = $1 and due.endpoint_number = $2 and due.state = 'pending' and due.next_attempt_at <= $3
                order by due.next_attempt_at, due.id
                limit 1
            )
        returning {_CLAIMED}
        """,
        lease.cell,
        lease.webhook_number,
        now,
    )


async def _make_delivery(connection: Connection, lease: Lease, now: int) -> asyncpg.Record | None:
    """Make a delivery of the oldest events of a webhook and claim it; return None if there are no events."""
    events = first_batch(await outbox.next_events(connection, lease, WINDOW))
    if not events:
        return None
    await outbox.remove(connection, lease, [event.id for event in events])
    return await connection.fetchrow(
        f"""
        insert into webhook_delivery
            (cell, endpoint_number, id, webhook_id, kind, message_ids, event_count, body, created_at, next_attempt_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)
        returning {_CLAIMED}
        """,
        lease.cell,
        lease.webhook_number,
        await _next_number(connection),
        new_delivery_id(),
        events[0].kind,
        sorted({event.message_id for event in events if event.message_id is not None}),
        len(events),
        body_of(events),
        now,
    )


async def _next_number(connection: Connection) -> int:
    number: int = await connection.fetchval("select nextval('webhook_delivery_id')")
    return number


async def settle(
    connection: Connection, lease: Lease, task: Task, outcome: Outcome, settlement: Settlement, *, now: int
) -> bool:
    """Store the outcome of an attempt and what follows from it; return whether the webhook was what was called.

    An outcome changes nothing that is newer than its attempt. What was replayed or taken by another dispatcher since
    stays as it is. If the webhook was restarted since, or another dispatcher has its lease, a failure is forgotten: the
    delivery is still due and is tried again. Runs inside a transaction.
    """
    history = task.history
    before = (history.webhook_attempts, None, history.failing_since, None)
    after: tuple[int, int | None, int | None, PauseReason | None] = (
        settlement.webhook_attempts,
        settlement.webhook_next_attempt_at,
        settlement.failing_since,
        settlement.pause_reason,
    )
    is_delivered = settlement.state == "delivered"
    # The webhook's row first, in the order in which a replay and `take` lock them.
    is_current = (is_delivered and after == before) or await _settle_webhook(connection, lease, task, after, now=now)
    if is_delivered or is_current:
        await _settle_delivery(connection, lease, task, outcome, settlement, now=now)
    return is_current


async def _settle_webhook(
    connection: Connection,
    lease: Lease,
    task: Task,
    after: tuple[int, int | None, int | None, PauseReason | None],
    *,
    now: int,
) -> bool:
    status = await connection.execute(
        """
        update webhook_endpoint
        set attempts = $4,
            next_attempt_at = $5,
            failing_since = $6,
            paused_at = case when $7::text is null then paused_at else coalesce(paused_at, $8) end,
            pause_reason = case when paused_at is null then $7 else pause_reason end
        where number = $1 and lease_holder = $2 and restarts = $3
        """,
        lease.webhook_number,
        lease.holder,
        task.restarts,
        *after,
        now,
    )
    return affected_rows(status) == 1


async def _settle_delivery(
    connection: Connection, lease: Lease, task: Task, outcome: Outcome, settlement: Settlement, *, now: int
) -> None:
    await connection.execute(
        """
        update webhook_delivery
        set state = $5,
            attempts = attempts + 1,
            first_attempt_at = coalesce(first_attempt_at, $7),
            next_attempt_at = coalesce($6, next_attempt_at),
            finished_at = case when $5 = 'pending' then null else $7 end,
            last_status = $8,
            last_error = $9,
            last_response = $10
        where cell = $1 and endpoint_number = $2 and id = $3 and claim = $4
        """,
        lease.cell,
        lease.webhook_number,
        task.delivery_number,
        task.claim,
        settlement.state,
        settlement.next_attempt_at,
        now,
        outcome.status,
        outcome.error,
        outcome.response.replace("\0", "\ufffd")[:_RESPONSE_CHARACTERS],
    )


# --- Lists ----------------------------------------------------------------------------------------------------------

_COLUMNS = columns(
    "delivery",
    "id, webhook_id, kind, state, attempts, created_at, next_attempt_at, last_status, last_error, last_response, body,"
    " endpoint_number",
)
# A sub-query of its own: else the planner might prefer to walk through the newest deliveries of the webhooks.
_ABOUT_MESSAGE = """
    join (
        with about_message as materialized (
            select candidate.endpoint_number, candidate.id
            from webhook_delivery as candidate
            where candidate.cell = $1 and candidate.message_ids @> array[${number}::bigint]
        )
        select endpoint_number, id from about_message
    ) as about_message
        on about_message.endpoint_number = delivery.endpoint_number and about_message.id = delivery.id
"""


async def list_deliveries(connection: Connection, query: DeliveryFilter, limit: int) -> list[WebhookDelivery]:
    """Return up to `limit` deliveries that pass the filter, the newest first. Runs inside a transaction."""
    values: list[object] = [query.cell, query.webhook_numbers, query.before_number]
    where = "delivery.cell = $1 and delivery.endpoint_number = any($2::int[]) and delivery.id < $3"
    if len(query.webhook_numbers) == 1:
        # An equality lets the rows be read in the order of the key, so that only the rows of the list are read.
        values[1] = query.webhook_numbers[0]
        where = "delivery.cell = $1 and delivery.endpoint_number = $2 and delivery.id < $3"
    join = ""
    if query.state is not None:
        values.append(query.state)
        where += f" and delivery.state = ${len(values)}"
    if query.message_id is not None:
        values.append(query.message_id)
        join = _ABOUT_MESSAGE.format(number=len(values))
        await _allow_bitmap_scans(connection)
    rows = await connection.fetch(
        f"""
        select {_COLUMNS}
        from webhook_delivery as delivery {join}
        where {where}
        order by delivery.id desc
        limit {int(limit)}
        """,
        *values,
    )
    return [WebhookDelivery(*row) for row in rows]


async def _allow_bitmap_scans(connection: Connection) -> None:
    """Let the transaction's statements use the index of message ids, which only a bitmap scan can do."""
    await connection.execute("set local enable_bitmapscan = on")


async def replay(
    connection: Connection, webhook: Webhook, *, delivery_id: str | None, since: int | None, now: int
) -> int:
    """Make one delivery due again, or all that were created since a time (ms since 1970); return how many.

    One that is being posted is posted again after that: its claim ends.
    """
    status = await connection.execute(
        """
        update webhook_delivery
        set state = 'pending', next_attempt_at = $5, first_attempt_at = null, finished_at = null, claim = claim + 1
        where cell = $1
            and endpoint_number = $2
            and ($3::text is null or webhook_id = $3)
            and ($4::bigint is null or created_at >= $4)
        """,
        webhook.cell,
        webhook.number,
        delivery_id,
        since,
        now,
    )
    return affected_rows(status)


async def delete_old(connection: Connection, oldest: int, limit: int) -> int:
    """Delete up to `limit` deliveries that finished before `oldest` (ms since 1970); return how many."""
    status = await connection.execute(
        """
        delete from webhook_delivery as delivery
        using (
            select cell, endpoint_number, id from webhook_delivery where finished_at < $1 order by finished_at limit $2
        ) as old
        where delivery.cell = old.cell
            and delivery.endpoint_number = old.endpoint_number
            and delivery.id = old.id
            and delivery.finished_at < $1
        """,
        oldest,
        limit,
    )
    return affected_rows(status)
