"""Schema migrations: numbered SQL files, each applied once, under an advisory lock."""

import time
from importlib.resources import files
from typing import NamedTuple

import asyncpg
from pgqueuer.db import AsyncpgDriver
from pgqueuer.queries import Queries

from msgcenter.database.citus import CitusError, distribute, has_extension, is_distributed, local_definitions
from msgcenter.database.connections import UNLIMITED
from msgcenter.database.database import Connection
from msgcenter.database.failures import unavailable_on_failure

MINIMUM_VERSION = 15
"""Oldest major version of PostgreSQL that MsgCenter runs on."""
_LOCK = 0x6D73_6763  # "msgc": the key of the advisory lock


class Migration(NamedTuple):
    """One step of the schema: its number, its name and its SQL."""

    number: int
    name: str
    sql: str

    def commands(self) -> list[str]:
        """Return its SQL commands. One ends with a line that ends with a semicolon, outside of $$ … $$."""
        commands, lines, is_quoted = [], [], False
        for line in self.sql.splitlines():
            lines.append(line)
            if line.count("$$") % 2:
                is_quoted = not is_quoted
            if not is_quoted and line.partition("--")[0].rstrip().endswith(";"):
                commands.append("\n".join(lines))
                lines = []
        assert not any(line.partition("--")[0].strip() for line in lines), f"migration {self.number} ends without ;"
        return commands


class SchemaError(Exception):
    """This version cannot use the database; the text says why and what to do."""


def known_migrations() -> list[Migration]:
    """Return the migrations of this version, in order."""
    migrations = []
    for file in files("msgcenter.database").joinpath("migrations").iterdir():
        if file.name.endswith(".sql"):
            number, _, name = file.name.removesuffix(".sql").partition("_")
            migrations.append(Migration(int(number), name, file.read_text(encoding="utf-8")))
    return sorted(migrations)


async def applied_migrations(connection: Connection) -> set[int]:
    """Return the numbers of the migrations that were applied to the database."""
    if await connection.fetchval("select to_regclass('schema_migration') is null"):
        return set()
    return {row["number"] for row in await connection.fetch("select number from schema_migration")}


async def pending_migrations(connection: Connection) -> list[Migration]:
    """Return the migrations that are not applied yet, in order.

    Raises SchemaError if the database has a migration that this version does not know: a newer version has used it.
    """
    applied = await applied_migrations(connection)
    known = known_migrations()
    unknown = applied - {migration.number for migration in known}
    if unknown:
        raise SchemaError(
            f"The database has migration {max(unknown)}, which this version of MsgCenter does not know: "
            "a newer version has used it. Install that version or a later one."
        )
    return [migration for migration in known if migration.number not in applied]


async def migrate(url: str, *, citus_shards: int | None = None) -> list[Migration]:
    """Apply the pending migrations and return them. Several processes may call it at once: one works, the others wait.

    `url` leads to PostgreSQL itself, not to a connection pooler. `citus_shards`: how many shards to distribute the
    tables of cells over; None if the database is no Citus.

    Raises SchemaError if PostgreSQL is too old, if a newer version has used the database, or if the user lacks rights.
    """
    with unavailable_on_failure():
        connection: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(
            url, timeout=10, server_settings=UNLIMITED
        )
        try:
            version = connection.get_server_version().major
            if version < MINIMUM_VERSION:
                raise SchemaError(f"PostgreSQL {version} is too old: MsgCenter needs {MINIMUM_VERSION} or newer.")
            await connection.execute("select pg_advisory_lock($1)", _LOCK)
            await _check_citus(connection, is_wanted=citus_shards is not None)
            pending = await pending_migrations(connection)
            for migration in pending:
                await _apply(connection, migration)
            if citus_shards is None:
                await _install_job_queue(connection)
                return pending
            async with local_definitions(connection):
                await _install_job_queue(connection)
            await distribute(connection, citus_shards)
            return pending
        except CitusError as error:
            raise SchemaError(str(error)) from error
        except asyncpg.InsufficientPrivilegeError as error:
            raise SchemaError(
                f"The database user may not create what MsgCenter needs ({error}). Make it the owner of the database: "
                "alter database NAME owner to USER"
            ) from error
        finally:
            await connection.close()


async def _check_citus(connection: Connection, *, is_wanted: bool) -> None:
    if is_wanted and not await has_extension(connection):
        raise SchemaError(
            "MSGCENTER_CITUS is on, but the database has no extension citus. Create it on every node and add the nodes "
            "(docs/operating.md, Citus), or turn the setting off."
        )
    if not is_wanted and await is_distributed(connection):
        raise SchemaError("Citus has distributed the tables of this database. Set MSGCENTER_CITUS=on.")


async def _apply(connection: Connection, migration: Migration) -> None:
    async with connection.transaction():
        await connection.execute(
            """
            create table if not exists schema_migration
            (number int primary key, name text not null, applied_at bigint not null)
            """
        )
        # One by one: Citus cannot pass a command on to its nodes if others are in the same text.
        for command in migration.commands():
            await connection.execute(command)
        await connection.execute(
            "insert into schema_migration (number, name, applied_at) values ($1, $2, $3)",
            migration.number,
            migration.name,
            time.time_ns() // 1_000_000,
        )


async def _install_job_queue(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Create or upgrade the tables of the job queue. They belong to PgQueuer."""
    queue = Queries(AsyncpgDriver(connection))
    if await queue.schema_is_installed():
        await queue.apply_upgrade()
        return
    async with connection.transaction():
        await queue.install()
