"""Plans: messages that are to be sent elsewhere at a time, to those who have not read them then."""

from collections.abc import Sequence
from typing import NamedTuple

from msgcenter.database.database import Connection
from msgcenter.domain.channels.policy import Route


class NewPlan(NamedTuple):
    """A round of a message's plan: 0 is its send, reminders are 1, 2, … `due_at` is ms since 1970."""

    message_id: int
    round: int
    app_number: int
    platform_code: str
    due_at: int
    route: Route


async def insert(connection: Connection, cell: int, plans: Sequence[NewPlan], now: int) -> None:
    """Store plans of messages of a cell. Those without channels are finished: they only say that there are none."""
    await connection.execute(
        """
        insert into channel_plan (cell, message_id, round, urgency, app_number, due_at, created_at, finished_at,
            platform_code, type_code, channels)
        select home.cell, message_id, round, urgency, app_number, due_at, $2::bigint,
            case when channels = '' then $2::bigint end, platform_code, type_code, string_to_array(channels, ',')
        from feed_head as home
        cross join unnest($3::bigint[], $4::smallint[], $5::smallint[], $6::int[], $7::bigint[], $8::text[], $9::text[],
                $10::text[])
            as plan (message_id, round, urgency, app_number, due_at, platform_code, type_code, channels)
        where home.cell = $1
        """,
        cell,
        now,
        [plan.message_id for plan in plans],
        [plan.round for plan in plans],
        [plan.route.urgency for plan in plans],
        [plan.app_number for plan in plans],
        [plan.due_at for plan in plans],
        [plan.platform_code for plan in plans],
        [plan.route.type_code for plan in plans],
        [",".join(plan.route.channels) for plan in plans],
    )
