"""The database of an installation: started if it is embedded, migrated, and checked against the secret key."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from msgcenter.actions.apps.apps import Apps
from msgcenter.application.secret_key import kept_secret_key, key_ring
from msgcenter.database.database import Database
from msgcenter.database.embedded.postgres import embedded_postgres
from msgcenter.database.migrate import Migration, migrate, pending_migrations
from msgcenter.database.pooler import set_up_sessions
from msgcenter.domain.refusal import Refusal
from msgcenter.settings import Settings
from msgcenter.store.health import ping


@contextmanager
def running_database(settings: Settings) -> Iterator[Settings]:
    """Yield the settings completed with database URL and secret key; run the embedded database if none is set.

    Blocks while the database starts: call it outside the event loop. Raises EmbeddedDatabaseError or SettingError.
    """
    if settings.database_url is not None:
        yield settings
        return
    secret_key = settings.secret_key or kept_secret_key(settings.data_dir)
    with embedded_postgres(settings.data_dir) as url:
        yield replace(settings, database_url=url, secret_key=secret_key)


def database_url(settings: Settings) -> str:
    """Return the database URL of settings that `running_database` has completed."""
    assert settings.database_url is not None
    return settings.database_url


def database_of(settings: Settings, *, connections: int = 2) -> Database:
    """Return the database of settings that `running_database` has completed, to be opened by a command."""
    return Database(
        database_url(settings),
        direct_url=settings.direct_database_url,
        citus=settings.citus,
        connections=connections,
    )


def server_database(settings: Settings) -> Database:
    """Return the database of settings that `running_database` has completed, to be opened by a server process."""
    return Database(
        database_url(settings),
        direct_url=settings.direct_database_url,
        citus=settings.citus,
        cells_url=settings.citus_node_url,
        connections=settings.database_connections,
    )


async def migrate_database(settings: Settings) -> list[Migration]:
    """Apply the pending migrations and return them; set up the sessions of a connection pooler.

    Raises SchemaError, PoolerError, or the refusal DATABASE_UNAVAILABLE.
    """
    shards = settings.citus_shards if settings.citus else None
    migrations = await migrate(settings.direct_database_url or database_url(settings), citus_shards=shards)
    if settings.direct_database_url is not None:
        await set_up_sessions(database_url(settings), citus=settings.citus)
    return migrations


async def prepare(settings: Settings) -> None:
    """Migrate the database to this version, and check that its app keys are encrypted with this secret key.

    Raises SchemaError, PoolerError, WrongSecretKeyError, or the refusal DATABASE_UNAVAILABLE.
    """
    await migrate_database(settings)
    async with database_of(settings) as database:
        await Apps(database, key_ring(settings)).check_secret_key()


async def readiness_problem(database: Database) -> str | None:
    """Return what keeps this installation from working, None if it is ready."""
    try:
        async with asyncio.timeout(5), database.connection() as connection:
            pending = await pending_migrations(connection)
            if database.cells is not database:
                async with database.cells.connection() as cells_connection:
                    await ping(cells_connection)
    except (Refusal, TimeoutError):
        return "the database does not answer"
    return f"pending migrations: {len(pending)}; run msgcenter migrate" if pending else None
