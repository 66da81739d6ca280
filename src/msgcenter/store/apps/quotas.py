"""Daily quotas: how many messages an app has sent in a day. Counted in the transaction of the send."""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from msgcenter.database.database import Connection
from msgcenter.database.statements import affected_rows, column_arrays


class QuotaUse(NamedTuple):
    """A number of messages that an app sends on a day, and its limit for that day. Sorts as the primary key does.

    `cell` is the first one of the app's own platform.
    """

    cell: int
    app_number: int
    day: date
    messages: int
    limit: int


async def use(connection: Connection, uses: Sequence[QuotaUse]) -> dict[tuple[int, date], int]:
    """Count messages; return the count of each app and day before that. Days at their limit are left out.

    `uses` are sorted, one for each app and day, at least one, all of one cell. A count may exceed its limit by this;
    the caller must `give_back` the difference. The rows stay locked until the transaction ends, so no other process
    sees that count.
    """
    cells, *columns = column_arrays(uses, len(QuotaUse._fields))
    rows = await connection.fetch(
        """
        insert into quota_use as quota (cell, app_number, day, used)
        select home.cell, new_use.*
        from feed_head as home
        cross join unnest($2::int[], $3::date[], $4::int[]) as new_use
        where home.cell = $1
        on conflict (cell, app_number, day) do update
        set used = quota.used + excluded.used
        where quota.used < (
            select requested.message_limit
            from unnest($2::int[], $3::date[], $5::int[]) as requested (app_number, day, message_limit)
            where requested.app_number = quota.app_number and requested.day = quota.day
        )
        returning app_number, day, used
        """,
        cells[0],
        *columns,
    )
    messages = {(item.app_number, item.day): item.messages for item in uses}
    return {(key := (row["app_number"], row["day"])): row["used"] - messages[key] for row in rows}


async def give_back(connection: Connection, cell: int, app_number: int, day: date, messages: int) -> None:
    """Subtract messages from a count that this transaction has locked."""
    await connection.execute(
        "update quota_use set used = used - $4 where cell = $1 and app_number = $2 and day = $3",
        cell,
        app_number,
        day,
        messages,
    )


async def used(connection: Connection, cell: int, app_number: int, day: date) -> int:
    """Return how many messages of an app count for a day. `cell` is the first one of the app's own platform."""
    messages: int | None = await connection.fetchval(
        "select used from quota_use where cell = $1 and app_number = $2 and day = $3", cell, app_number, day
    )
    return messages or 0


async def delete_old(connection: Connection, before: date, limit: int) -> int:
    """Delete up to `limit` counts of days before `before`; return how many."""
    status = await connection.execute(
        """
        delete from quota_use as quota
        using (select cell, app_number, day from quota_use where day < $1 order by day limit $2) as old
        where quota.cell = old.cell and quota.app_number = old.app_number and quota.day = old.day
        """,
        before,
        limit,
    )
    return affected_rows(status)
