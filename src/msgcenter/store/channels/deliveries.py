"""Deliveries: messages on their way to one person by one channel. Each statement is about one cell."""

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

import asyncpg

from msgcenter.database.database import Connection
from msgcenter.database.statements import affected_rows, column_arrays
from msgcenter.domain.channels.codes import Channel, DeliveryState, Urgency
from msgcenter.domain.channels.settlement import Settlement

MAX_COUNTED = 100_000
MAX_DIGEST = 200
"""Messages of one digest at most; the others are in the next one."""


class NewDelivery(NamedTuple):
    """A delivery to store; it is due at `due_at` (ms since 1970). It sorts as the primary key does."""

    user_id: str
    message_id: int
    channel: Channel
    round: int
    urgency: Urgency
    app_number: int
    due_at: int
    is_digest: bool
    type_code: str


class Claimed(NamedTuple):
    """A delivery that this process may send until `claimed_until` (ms since 1970).

    If it `was_claimed` before, a process has died while it was sending it.
    """

    cell: int
    user_id: str
    message_id: int
    round: int
    urgency: Urgency
    attempts: int
    app_number: int
    first_due_at: int
    is_digest: bool
    type_code: str
    claimed_until: int
    was_claimed: bool


class Settled(NamedTuple):
    """A claimed delivery and what follows for it."""

    delivery: Claimed
    settlement: Settlement


# --- Planning ---------------------------------------------------------------------------------------------------------


async def insert(connection: Connection, cell: int, deliveries: Iterable[NewDelivery]) -> int:
    """Store deliveries that are waiting, unless they exist; return how many are new.

    A reminder adds none for a message that is still on its way to the person by the channel.
    """
    status = await connection.execute(
        """
        insert into channel_delivery (cell, user_id, message_id, channel, round, state, urgency, app_number, due_at,
            first_due_at, is_digest, type_code)
        select home.cell, new.user_id, new.message_id, new.channel, new.round, 0, new.urgency, new.app_number,
            new.due_at, new.due_at, new.is_digest, new.type_code
        from feed_head as home
        cross join unnest($2::text[], $3::bigint[], $4::text[], $5::smallint[], $6::smallint[], $7::int[],
                $8::bigint[], $9::bool[], $10::text[])
            as new (user_id, message_id, channel, round, urgency, app_number, due_at, is_digest, type_code)
        where home.cell = $1
            and (
                new.round = 0
                or not exists (
                    select from channel_delivery as earlier
                    where earlier.cell = $1
                        and earlier.user_id = new.user_id
                        and earlier.message_id = new.message_id
                        and earlier.channel = new.channel
                        and earlier.round < new.round
                        and earlier.state < 2
                )
            )
        on conflict (cell, user_id, message_id, channel, round) do nothing
        """,
        cell,
        *column_arrays(sorted(deliveries), len(NewDelivery._fields)),
    )
    return affected_rows(status)


async def count_due(connection: Connection, cell: int, channel: Channel, now: int, limit: int) -> int:
    """Return how many deliveries by a channel are due in a cell at `now` (ms since 1970), counting up to `limit`."""
    count: int = await connection.fetchval(
        """
        select count(*)
        from (
            select from channel_delivery where cell = $1 and channel = $2 and state < 2 and due_at <= $3 limit $4
        ) as due
        """,
        cell,
        channel,
        now,
        limit,
    )
    return count


async def cells_with_due(connection: Connection, cells: Iterable[int], channel: Channel, now: int) -> list[int]:
    """Return those of the cells that have deliveries by a channel due at `now` (ms since 1970)."""
    rows = await connection.fetch(
        """
        select home.cell
        from feed_head as home
        where home.cell = any($1)
            and exists (
                select from channel_delivery as delivery
                where delivery.cell = home.cell
                    and delivery.channel = $2
                    and delivery.state < 2
                    and delivery.due_at <= $3
            )
        order by home.cell
        """,
        list(cells),
        channel,
        now,
    )
    return [row["cell"] for row in rows]


class Queue(NamedTuple):
    """Deliveries by a channel that are due on all platforms: how many, and since when the oldest one is."""

    channel: str
    waiting: int
    oldest_due: int


async def queues(connection: Connection, now: int) -> list[Queue]:
    """Return what is due by each channel at `now` (ms since 1970), by channel. Counts up to `MAX_COUNTED` in all."""
    rows = await connection.fetch(
        """
        select due.channel, count(*) as waiting, min(due.due_at) as oldest_due
        from (
            select delivery.channel, delivery.due_at
            from channel_delivery as delivery
            where delivery.state < 2 and delivery.due_at <= $1
            limit $2
        ) as due
        group by due.channel
        order by due.channel
        """,
        now,
        MAX_COUNTED,
    )
    return [Queue(*row) for row in rows]


async def count_recent(
    connection: Connection, cell: int, user_ids: Collection[str], since: int, first_id: int
) -> dict[tuple[str, str], int]:
    """Return how many deliveries are on their way, or were sent since a time, by user and channel.

    `since` is ms since 1970; messages with ids below `first_id` are not looked at.
    """
    rows = await connection.fetch(
        """
        select user_id, channel, count(*)
        from channel_delivery
        where cell = $1
            and user_id = any($2)
            and message_id >= $4
            and (state < 2 or (state = 2 and settled_at > $3))
        group by user_id, channel
        """,
        cell,
        sorted(user_ids),
        since,
        first_id,
    )
    return {(user_id, channel): count for user_id, channel, count in rows}


# --- Claims -----------------------------------------------------------------------------------------------------------

_DUE = """
    delivery.cell = $1
    and delivery.channel = $2
    and delivery.state < 2
    and delivery.due_at <= $3
    and (delivery.state = 0 or delivery.claimed_until <= $4)
"""
"""Deliveries that are due at a time ($3), and not claimed by a process since another time ($4)."""
_CLAIM = """
    update channel_delivery as delivery
    set state = 1, claimed_until = $5
    from due
    where delivery.cell = $1
        and delivery.channel = $2
        and delivery.user_id = due.user_id
        and delivery.message_id = due.message_id
        and delivery.round = due.round
    returning delivery.cell, delivery.user_id, delivery.message_id, delivery.round, delivery.urgency,
        delivery.attempts, delivery.app_number, delivery.first_due_at, delivery.is_digest, delivery.type_code,
        delivery.claimed_until, due.was_claimed
"""


class ClaimTimes(NamedTuple):
    """Times of a claim, in ms since 1970: now, since when earlier claims have ended, and until when it holds."""

    now: int
    ended_by: int
    until: int


async def claim(
    connection: Connection, cell: int, channel: Channel, times: ClaimTimes, *, urgent: bool, limit: int
) -> list[Claimed]:
    """Claim up to `limit` due deliveries of a cell by a channel, the longest due first; `urgent` ones only, or any.

    Deliveries whose claim has ended are claimed again.
    """
    rows = await connection.fetch(
        f"""
        with due as materialized (
            select delivery.user_id, delivery.message_id, delivery.round, delivery.state = 1 as was_claimed
            from channel_delivery as delivery
            where {_DUE} {"and delivery.urgency = 2" if urgent else ""}
            order by delivery.due_at
            limit $6
            for no key update skip locked
        )
        {_CLAIM}
        """,
        cell,
        channel,
        *times,
        limit,
    )
    return [_claimed(row) for row in rows]


async def claim_digests(
    connection: Connection, cell: int, channel: Channel, times: ClaimTimes, user_ids: Collection[str]
) -> list[Claimed]:
    """Claim what is due of the digests of users of a cell, up to `MAX_DIGEST` for each."""
    rows = await connection.fetch(
        f"""
        with due as materialized (
            select part.*
            from unnest($6::text[]) as reader (user_id)
            cross join lateral (
                select delivery.user_id, delivery.message_id, delivery.round, delivery.state = 1 as was_claimed
                from channel_delivery as delivery
                where {_DUE} and delivery.user_id = reader.user_id and delivery.is_digest
                order by delivery.message_id desc
                limit $7
                for no key update skip locked
            ) as part
        )
        {_CLAIM}
        """,
        cell,
        channel,
        *times,
        sorted(user_ids),
        MAX_DIGEST,
    )
    return [_claimed(row) for row in rows]


def _claimed(row: asyncpg.Record) -> Claimed:
    claimed = Claimed(*row)
    return claimed._replace(urgency=Urgency(claimed.urgency))


async def give_back(connection: Connection, cell: int, channel: Channel, deliveries: Sequence[Claimed]) -> None:
    """Give up claims on deliveries of a cell that were not sent."""
    await connection.execute(
        """
        update channel_delivery as delivery
        set state = 0, claimed_until = null
        from unnest($3::text[], $4::bigint[], $5::smallint[], $6::bigint[])
            as claimed (user_id, message_id, round, until)
        where delivery.cell = $1
            and delivery.channel = $2
            and delivery.user_id = claimed.user_id
            and delivery.message_id = claimed.message_id
            and delivery.round = claimed.round
            and delivery.state = 1
            and delivery.claimed_until = claimed.until
        """,
        cell,
        channel,
        *_keys(deliveries),
    )


async def settle(
    connection: Connection, cell: int, channel: Channel, settled: Sequence[Settled], now: int
) -> list[Settled]:
    """Store what follows for claimed deliveries of a cell; return those that were still claimed.

    A delivery whose claim has ended, and that another process has claimed since, is left to that process.
    """
    rows = await connection.fetch(
        """
        update channel_delivery as delivery
        set state = done.state,
            claimed_until = null,
            settled_at = case when done.state >= 2 then $3::bigint end,
            attempts = delivery.attempts + done.is_attempt::int,
            due_at = coalesce(done.due_at, delivery.due_at),
            first_due_at = case when done.is_postponed then done.due_at else delivery.first_due_at end,
            reason = done.reason,
            provider_id = coalesce(done.provider_id, delivery.provider_id)
        from unnest($4::text[], $5::bigint[], $6::smallint[], $7::bigint[], $8::smallint[], $9::text[], $10::text[],
                $11::bigint[], $12::bool[], $13::bool[])
            as done (user_id, message_id, round, until, state, reason, provider_id, due_at, is_postponed, is_attempt)
        where delivery.cell = $1
            and delivery.channel = $2
            and delivery.user_id = done.user_id
            and delivery.message_id = done.message_id
            and delivery.round = done.round
            and delivery.state = 1
            and delivery.claimed_until = done.until
        returning delivery.user_id, delivery.message_id, delivery.round
        """,
        cell,
        channel,
        now,
        *_keys([each.delivery for each in settled]),
        *column_arrays([each.settlement for each in settled], len(Settlement._fields)),
    )
    stored = {(row["user_id"], row["message_id"], row["round"]) for row in rows}
    return [
        each for each in settled if (each.delivery.user_id, each.delivery.message_id, each.delivery.round) in stored
    ]


def _keys(deliveries: Iterable[Claimed]) -> list[list[object]]:
    keys = [(each.user_id, each.message_id, each.round, each.claimed_until) for each in deliveries]
    return column_arrays(keys, 4)


async def skip_waiting(
    connection: Connection, cell: int, channel: Channel, *, reason: str, now: int, limit: int
) -> int:
    """Skip due deliveries by a channel that cannot be sent any more; return how many, up to `limit`."""
    status = await connection.execute(
        """
        with due as materialized (
            select delivery.user_id, delivery.message_id, delivery.round
            from channel_delivery as delivery
            where delivery.cell = $1
                and delivery.channel = $2
                and delivery.state < 2
                and delivery.due_at <= $3
                and (delivery.state = 0 or delivery.claimed_until <= $3)
            order by delivery.due_at
            limit $6
            for no key update skip locked
        )
        update channel_delivery as delivery
        set state = $5, settled_at = $3, claimed_until = null, reason = $4
        from due
        where delivery.cell = $1
            and delivery.channel = $2
            and delivery.user_id = due.user_id
            and delivery.message_id = due.message_id
            and delivery.round = due.round
        """,
        cell,
        channel,
        now,
        reason,
        DeliveryState.SKIPPED,
        limit,
    )
    return affected_rows(status)
