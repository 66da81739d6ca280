"""How many messages apps have sent in a day: counted for those that have a quota, in the transaction of the send."""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from msgcenter.database.database import Connection


class Take(NamedTuple):
    """So many more messages of an app on a day, of which it may send `limit`. Sorts as the primary key does."""

    app_number: int
    day: date
    messages: int
    limit: int


async def take(connection: Connection, takes: Sequence[Take]) -> dict[tuple[int, date], int]:
    """Count messages, and return for each app and day how many it had before; the days that are full are left out.

    `takes` are sorted, one for each app and day. A count may go over its limit by this: the caller gives back what is
    too much. The rows stay locked until the transaction ends, so nobody else sees that, and no two processes can take
    the same place.
    """
    rows = await connection.fetch(
        "insert into quota_use as q (app_number, day, used)"
        " select * from unnest($1::int[], $2::date[], $3::int[])"
        " on conflict (app_number, day) do update set used = q.used + excluded.used"
        " where q.used < (select l from unnest($1::int[], $2::date[], $4::int[]) as t (a, d, l)"
        " where a = q.app_number and d = q.day)"
        " returning app_number, day, used",
        [one.app_number for one in takes],
        [one.day for one in takes],
        [one.messages for one in takes],
        [one.limit for one in takes],
    )
    asked = {(one.app_number, one.day): one.messages for one in takes}
    return {(key := (row["app_number"], row["day"])): row["used"] - asked[key] for row in rows}


async def give_back(connection: Connection, app_number: int, day: date, messages: int) -> None:
    """Take so many messages off a count that this transaction has locked."""
    await connection.execute(
        "update quota_use set used = used - $3 where app_number = $1 and day = $2", app_number, day, messages
    )


async def used(connection: Connection, app_number: int, day: date) -> int:
    """Return how many messages of an app count for a day."""
    found: int | None = await connection.fetchval(
        "select used from quota_use where app_number = $1 and day = $2", app_number, day
    )
    return found or 0


async def delete_old(connection: Connection, before: date, limit: int) -> int:
    """Delete up to `limit` counts of days before `before`; return how many."""
    status = await connection.execute(
        "delete from quota_use q using (select app_number, day from quota_use where day < $1 order by day limit $2) old"
        " where q.app_number = old.app_number and q.day = old.day",
        before,
        limit,
    )
    return int(status.rpartition(" ")[2])
