"""Retention rules: how long each platform keeps its messages, and how far runs have come."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

from msgcenter.database.database import Connection, Database
from msgcenter.database.statements import affected_rows

_LOCK = 0x6D73_6772  # "msgr": the key of the advisory lock of a run


class RetentionRule(NamedTuple):
    """How many days a platform keeps its messages; `days` None means forever."""

    platform_code: str
    days: int | None


@asynccontextmanager
async def sole_run(database: Database) -> AsyncIterator[bool]:
    """Give True to one process at a time, False to the others. The lock ends with its connection at the latest.

    It only saves double work: two runs at once would do no harm.
    """
    async with database.session() as connection:
        has_lock: bool = await connection.fetchval("select pg_try_advisory_lock($1)", _LOCK)
        try:
            yield has_lock
        finally:
            if has_lock and not connection.is_closed():
                await connection.execute("select pg_advisory_unlock($1)", _LOCK)


async def list_rules(connection: Connection) -> list[RetentionRule]:
    """Return the rules of all platforms, in the order of their codes."""
    rows = await connection.fetch("select code, retention_days from platform order by code")
    return [RetentionRule(*row) for row in rows]


async def set_days(connection: Connection, platform_code: str, days: int | None) -> bool:
    """Set how many days a platform keeps its messages (None: forever); return False if that is no change."""
    status = await connection.execute(
        "update platform set retention_days = $2 where code = $1 and retention_days is distinct from $2",
        platform_code,
        days,
    )
    return affected_rows(status) > 0


async def removed_through(connection: Connection, platform_code: str) -> int:
    """Return the last bucket of a platform that a run has removed completely, -1 if there is none."""
    value: bytes | None = await connection.fetchval(
        "select value from installation where name = $1", _removed_through_name(platform_code)
    )
    return -1 if value is None else int(value)


async def set_removed_through(connection: Connection, platform_code: str, bucket: int) -> None:
    """Store that a run has removed the buckets of a platform up to `bucket` completely."""
    await connection.execute(
        """
        insert into installation (name, value) values ($1, $2)
        on conflict (name) do update set value = excluded.value
        """,
        _removed_through_name(platform_code),
        str(bucket).encode(),
    )


def _removed_through_name(platform_code: str) -> str:
    return f"removed through {platform_code}"
