"""PostgreSQL for benchmarks: temporary databases, WAL positions and table sizes."""

import os
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import msgspec

SETTINGS = [
    "server_version",
    "fsync",
    "synchronous_commit",
    "full_page_writes",
    "wal_compression",
    "shared_buffers",
    "max_wal_size",
    "autovacuum",
]


class TableSize(msgspec.Struct, frozen=True):
    """The bytes of a table: its heap including TOAST, and its indexes."""

    name: str
    heap: int
    indexes: int

    @property
    def total(self) -> int:
        """The bytes of heap and indexes."""
        return self.heap + self.indexes


class Postgres:
    """A connection for queries about a server and one of its databases."""

    def __init__(self, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        self._connection = connection

    async def settings(self) -> dict[str, str]:
        """Return the settings that determine the cost of a commit."""
        return {name: await self._connection.fetchval("select current_setting($1)", name) for name in SETTINGS}

    async def wal_position(self) -> int:
        """Return the WAL position, in bytes."""
        return int(await self._connection.fetchval("select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')"))

    async def checkpoint(self) -> None:
        """Write dirty pages to disk, so that no step pays for an earlier one. Does nothing without the privilege."""
        with suppress(asyncpg.InsufficientPrivilegeError):
            await self._connection.execute("checkpoint")

    async def vacuum(self) -> None:
        """Vacuum all tables now instead of waiting for autovacuum."""
        await self._connection.execute("vacuum")
        await self.checkpoint()

    async def table_sizes(self) -> dict[str, TableSize]:
        """Return the size of every table, including partitions and tables of extensions."""
        rows = await self._connection.fetch(
            "select c.oid::regclass::text as name, pg_table_size(c.oid) as heap, pg_indexes_size(c.oid) as indexes"
            " from pg_class c join pg_namespace n on n.oid = c.relnamespace"
            " where c.relkind = 'r' and n.nspname not in ('pg_catalog', 'information_schema') order by name"
        )
        return {row["name"]: TableSize(**row) for row in rows}


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Postgres]:
    """Yield a connection."""
    connection = await asyncpg.connect(url)
    try:
        yield Postgres(connection)
    finally:
        await connection.close()


@asynccontextmanager
async def own_database(url: str, name: str) -> AsyncIterator[str]:
    """Create a database on the server of `url`, yield its URL, and drop it at the end."""
    name = f"{name}_{os.getpid()}"
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(f'create database "{name}"')
        try:
            yield urlsplit(url)._replace(path=f"/{name}").geturl()
        finally:
            await connection.execute(f'drop database "{name}" with (force)')
    finally:
        await connection.close()


def sync_milliseconds(folder: Path) -> float:
    """Return the time of one durable page write in a folder, a lower bound for a commit there."""
    times = []
    with (folder / "sync-probe").open("wb", buffering=0) as file:
        for _ in range(200):
            file.seek(0)
            before = time.perf_counter()
            file.write(bytes(8192))
            os.fdatasync(file.fileno()) if hasattr(os, "fdatasync") else os.fsync(file.fileno())
            times.append(time.perf_counter() - before)
    return statistics.median(times) * 1000
