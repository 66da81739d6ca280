"""Facts about a database for `msgcenter doctor`."""

import time
from typing import NamedTuple

import asyncpg

from msgcenter.database.failures import unavailable_on_failure
from msgcenter.database.migrate import pending_migrations


class Diagnosis(NamedTuple):
    """Facts about a database server and one database on it.

    `pending` are names of migrations. `clock_ahead` is in seconds, negative if the server's clock is behind ours.
    `durable` means that a commit survives a power cut. `size` is in bytes.
    """

    version: int
    version_text: str
    pending: list[str]
    clock_ahead: float
    connections: int
    max_connections: int
    durable: bool
    size: int
    held_jobs: int
    waiting_jobs: int


async def diagnose(url: str) -> Diagnosis:
    """Return the facts about the database at `url`.

    Raises SchemaError if a newer version of MsgCenter has used it. Refuses with DATABASE_UNAVAILABLE.
    """
    with unavailable_on_failure():
        connection: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(url, timeout=10, command_timeout=10)
        try:
            before = time.time()
            clock = await connection.fetchval("select extract(epoch from clock_timestamp())::float8")
            after = time.time()
            row = await connection.fetchrow(
                """
                select current_setting('max_connections')::int as max_connections,
                    (select count(*) from pg_stat_activity)::int as connections,
                    current_setting('fsync')::bool and current_setting('synchronous_commit') <> 'off' as durable,
                    pg_database_size(current_database()) as size
                """
            )
            assert row is not None
            held = waiting = 0
            if await connection.fetchval("select to_regclass('pgqueuer') is not null"):
                jobs = await connection.fetch("select status::text, count(*)::int from pgqueuer group by status")
                by_status = {job["status"]: job["count"] for job in jobs}
                held, waiting = by_status.get("failed", 0), by_status.get("queued", 0)
            version = connection.get_server_version()
            return Diagnosis(
                version=version.major,
                version_text=f"{version.major}.{version.micro}",
                pending=[f"{step.number:04} {step.name}" for step in await pending_migrations(connection)],
                clock_ahead=clock - (before + after) / 2,
                max_connections=row["max_connections"],
                connections=row["connections"],
                durable=row["durable"],
                size=row["size"],
                held_jobs=held,
                waiting_jobs=waiting,
            )
        finally:
            await connection.close()
