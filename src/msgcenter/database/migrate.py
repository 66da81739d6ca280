"""Brings a database to this version's schema: numbered SQL files, each applied once, under an advisory lock."""

from importlib.resources import files
from typing import NamedTuple

import asyncpg
from pgqueuer.db import AsyncpgDriver
from pgqueuer.queries import Queries

from msgcenter.database.database import MINIMUM_VERSION, Connection, unavailable_on_failure
from msgcenter.domain.message_id import now_ms

_LOCK = 0x6D73_6763  # "msgc": any number of our own


class Migration(NamedTuple):
    """One step of the schema: its number, its name, and the SQL."""

    number: int
    name: str
    sql: str


class SchemaError(Exception):
    """The database cannot be used with this version; the text says why and what to do."""


def known_migrations() -> list[Migration]:
    """Return the migrations that come with this version, in order."""
    found = []
    for file in files("msgcenter.database").joinpath("migrations").iterdir():
        if file.name.endswith(".sql"):
            number, _, name = file.name.removesuffix(".sql").partition("_")
            found.append(Migration(int(number), name, file.read_text(encoding="utf-8")))
    return sorted(found)


async def applied_migrations(connection: Connection) -> set[int]:
    """Return the numbers of the migrations that the database has."""
    if await connection.fetchval("select to_regclass('schema_migration') is null"):
        return set()
    return {row["number"] for row in await connection.fetch("select number from schema_migration")}


async def pending_migrations(connection: Connection) -> list[Migration]:
    """Return the migrations that the database lacks.

    Raises SchemaError if it has one that this version does not know: it was used by a newer version.
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


async def migrate(url: str) -> list[Migration]:
    """Apply what is missing and return it. Several processes may call it at once: one works, the others wait.

    Raises SchemaError when the PostgreSQL is too old, the database newer than this version, or the user lacks rights.
    """
    with unavailable_on_failure():
        connection: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(url, timeout=10)
        try:
            version = connection.get_server_version().major
            if version < MINIMUM_VERSION:
                raise SchemaError(f"PostgreSQL {version} is too old: MsgCenter needs {MINIMUM_VERSION} or newer.")
            await connection.execute("select pg_advisory_lock($1)", _LOCK)
            pending = await pending_migrations(connection)
            for migration in pending:
                await _apply(connection, migration)
            await _install_job_queue(connection)
            return pending
        except asyncpg.InsufficientPrivilegeError as error:
            raise SchemaError(
                f"The database user may not make what MsgCenter needs ({error}). Let it own the database: "
                "alter database NAME owner to USER"
            ) from error
        finally:
            await connection.close()


async def _apply(connection: Connection, migration: Migration) -> None:
    async with connection.transaction():
        await connection.execute(
            "create table if not exists schema_migration"
            " (number int primary key, name text not null, applied_at bigint not null)"
        )
        await connection.execute(migration.sql)
        await connection.execute(
            "insert into schema_migration (number, name, applied_at) values ($1, $2, $3)",
            migration.number,
            migration.name,
            now_ms(),
        )


async def _install_job_queue(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Create the tables of the job queue, or bring them to its version; they belong to PgQueuer."""
    queue = Queries(AsyncpgDriver(connection))
    if await queue.schema_is_installed():
        await queue.apply_upgrade()
        return
    async with connection.transaction():
        await queue.install()
