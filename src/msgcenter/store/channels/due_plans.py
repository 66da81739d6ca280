"""Plans that are due: one process at a time works on a plan, part by part of its audience."""

from collections.abc import Collection, Mapping
from typing import NamedTuple, cast

import msgspec

from msgcenter.database.database import Connection
from msgcenter.database.statements import affected_rows
from msgcenter.domain.channels.codes import Channel, Urgency

SkippedCounts = Mapping[str, Mapping[str, int]]
"""Numbers of recipients without a delivery, by channel and reason."""


class Plan(NamedTuple):
    """A round of a message's plan, leased by `holder`. `place` is where to continue in the audience, None its start."""

    cell: int
    message_id: int
    round: int
    urgency: Urgency
    app_number: int
    platform_code: str
    type_code: str
    channels: tuple[Channel, ...]
    place: str | None
    holder: str


async def cells_with_due_plans(connection: Connection, cells: Collection[int], now: int) -> list[int]:
    """Return those of the cells that have plans due at `now` (ms since 1970)."""
    rows = await connection.fetch(
        """
        select home.cell
        from feed_head as home
        where home.cell = any($1)
            and exists (
                select from channel_plan as plan
                where plan.cell = home.cell
                    and plan.finished_at is null
                    and plan.due_at <= $2
                    and coalesce(plan.lease_until, 0) <= $2
            )
        order by home.cell
        """,
        cells,
        now,
    )
    return [row["cell"] for row in rows]


async def claim(connection: Connection, cell: int, holder: str, *, limit: int, now: int, until: int) -> list[Plan]:
    """Take leases on up to `limit` due plans of a cell, urgent ones first. They end at `until` (ms since 1970)."""
    rows = await connection.fetch(
        """
        with due as materialized (
            select plan.message_id, plan.round
            from channel_plan as plan
            where plan.cell = $1
                and plan.finished_at is null
                and plan.due_at <= $2
                and coalesce(plan.lease_until, 0) <= $2
            order by plan.urgency = 2 desc, coalesce(plan.lease_until, 0), plan.due_at
            limit $3
            for no key update skip locked
        )
        update channel_plan as plan
        set lease_holder = $4, lease_until = $5
        from due
        where plan.cell = $1 and plan.message_id = due.message_id and plan.round = due.round
        returning plan.cell, plan.message_id, plan.round, plan.urgency, plan.app_number, plan.platform_code,
            plan.type_code, plan.channels, plan.place
        """,
        cell,
        now,
        limit,
        holder,
        until,
    )
    return [
        Plan(
            cell=row["cell"],
            message_id=row["message_id"],
            round=row["round"],
            urgency=Urgency(row["urgency"]),
            app_number=row["app_number"],
            platform_code=row["platform_code"],
            type_code=row["type_code"],
            channels=tuple(cast("Collection[Channel]", row["channels"])),
            place=row["place"],
            holder=holder,
        )
        for row in rows
    ]


async def advance(
    connection: Connection,
    plan: Plan,
    place: str | None,
    skipped: SkippedCounts,
    *,
    until: int,
    finished_at: int | None = None,
) -> bool:
    """Move a plan on to a place, add to its counts and extend its lease; False if it is no longer where it was.

    With `finished_at` (ms since 1970), its whole audience has been looked at.
    """
    status = await connection.execute(
        """
        update channel_plan as plan
        set place = $6,
            lease_until = $8,
            finished_at = $9,
            skipped = (
                select coalesce(jsonb_object_agg(channel, reasons), '{}')
                from (
                    select counted.channel, jsonb_object_agg(counted.reason, counted.number) as reasons
                    from (
                        select by_channel.key as channel, by_reason.key as reason,
                            sum(by_reason.value::bigint) as number
                        from (values (plan.skipped), ($7::jsonb)) as source (counts)
                        cross join lateral jsonb_each(source.counts) as by_channel
                        cross join lateral jsonb_each_text(by_channel.value) as by_reason
                        group by by_channel.key, by_reason.key
                    ) as counted
                    group by counted.channel
                ) as summed
            )
        where plan.cell = $1
            and plan.message_id = $2
            and plan.round = $3
            and plan.lease_holder = $4
            and plan.place is not distinct from $5
            and plan.finished_at is null
        """,
        plan.cell,
        plan.message_id,
        plan.round,
        plan.holder,
        plan.place,
        place,
        msgspec.json.encode(skipped).decode(),
        until,
        finished_at,
    )
    return affected_rows(status) == 1


async def release(connection: Connection, plan: Plan, until: int) -> None:
    """Give a lease back. Nobody works on the plan before `until` (ms since 1970)."""
    await connection.execute(
        """
        update channel_plan
        set lease_holder = null, lease_until = $5
        where cell = $1 and message_id = $2 and round = $3 and lease_holder = $4
        """,
        plan.cell,
        plan.message_id,
        plan.round,
        plan.holder,
        until,
    )


async def end_leases(connection: Connection, cell: int, now: int) -> None:
    """End the leases on all plans of a cell: parts that were computed before are not stored. `now` is ms since 1970."""
    await connection.execute(
        """
        update channel_plan
        set lease_holder = null, lease_until = $2
        where cell = $1 and finished_at is null and lease_holder is not null
        """,
        cell,
        now,
    )
