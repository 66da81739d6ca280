"""Counts of attempts, by a name (`bucket`) and within a window of time."""

from msgcenter.database.database import Connection
from msgcenter.database.statements import affected_rows


async def count_attempt(connection: Connection, bucket: str, now: int, window_ms: int) -> tuple[int, int]:
    """Count an attempt, before it is checked.

    Returns the number of attempts in this window and the beginning of the window (ms since 1970).
    """
    row = await connection.fetchrow(
        """
        insert into throttle (bucket, failures, since)
        values ($1, 1, $2)
        on conflict (bucket) do update
        set failures = case when throttle.since <= $2 - $3::bigint then 1 else throttle.failures + 1 end,
            since = case when throttle.since <= $2 - $3::bigint then $2 else throttle.since end
        returning failures, since
        """,
        bucket,
        now,
        window_ms,
    )
    assert row is not None
    return row["failures"], row["since"]


async def forgive_attempt(connection: Connection, bucket: str, *, all_of_them: bool) -> None:
    """Take back the count of an attempt that succeeded, or with `all_of_them` also those of earlier failures."""
    if all_of_them:
        await connection.execute("delete from throttle where bucket = $1", bucket)
    else:
        await connection.execute("update throttle set failures = greatest(failures - 1, 0) where bucket = $1", bucket)


async def delete_old_throttles(connection: Connection, before: int, limit: int) -> int:
    """Delete up to `limit` counts whose window began at `before` (ms since 1970) or earlier; return how many."""
    status = await connection.execute(
        """
        delete from throttle
        where bucket = any(array(select bucket from throttle where since <= $1 order by since limit $2))
        """,
        before,
        limit,
    )
    return affected_rows(status)
