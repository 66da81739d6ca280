"""A connection pooler before PostgreSQL that gives a session to each transaction (PgBouncer, transaction mode).

A client cannot set up such a session when it connects. So the session settings are settings of the role in this
database, which PostgreSQL applies to each new session of the pooler (docs/decisions/0020-several-machines.md).
"""

import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

import asyncpg

from msgcenter.database.connections import KEEPALIVE, NAME, statement_settings
from msgcenter.database.failures import unavailable_on_failure

if TYPE_CHECKING:
    Driver = asyncpg.Connection[asyncpg.Record]

_LOCK = 0x6D73_6770  # "msgp": the key of the advisory lock of a change of the role
_LOCK_SECONDS = 10
_ATTEMPTS = 50
"""More than the sessions that a pooler usually keeps (PgBouncer: default_pool_size, 20)."""


class PoolerError(Exception):
    """The sessions of the connection pooler cannot be used; the text says why and what to do."""


async def keeps_statements(url: str) -> bool:
    """Return whether the pooler at `url` keeps the prepared statements of its clients.

    PgBouncer does so since version 1.21, if `max_prepared_statements` is not 0: it gives them names of its own.
    """
    async with _connected(url) as connection, connection.transaction():
        # While `statement` exists, the driver does not close it.
        statement = await connection.prepare("select 1", name=f"msgcenter_{secrets.token_hex(8)}")
        name = statement.get_name()
        has_own_name = await connection.fetchval(
            "select exists (select from pg_prepared_statements where name = $1)", name
        )
        if has_own_name:  # it would stay in a session that others use
            await connection.execute(f"deallocate {name}")
        return not has_own_name


async def missing_settings(url: str, *, citus: bool = False) -> list[str]:
    """Return the session settings that a session of the pooler lacks, as `name = value`. Usually none."""
    async with _connected(url) as connection:
        return await _missing_settings(connection, statement_settings(citus=citus))


async def set_up_sessions(url: str, *, citus: bool = False) -> None:
    """Give the sessions of the pooler at `url` the settings that statements rely on, unless they have them.

    A session that began before it had them is ended; the pooler opens another one. Raises PoolerError if new sessions
    do not get them either. Refuses with DATABASE_UNAVAILABLE.
    """
    settings = statement_settings(citus=citus)
    missing: list[str] = []
    for _ in range(_ATTEMPTS):
        async with _connected(url) as connection:
            missing = await _missing_settings(connection, settings)
            if not missing:
                return
            async with connection.transaction():
                await _set_for_role(connection, settings)
            with suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
                await connection.execute("select pg_terminate_backend(pg_backend_pid())")
    raise PoolerError(
        f"The sessions of the connection pooler lack settings ({', '.join(missing)}), although the database user has "
        "them. Something in the pooler's configuration overrides them, such as connect_query."
    )


@asynccontextmanager
async def _connected(url: str) -> "AsyncIterator[Driver]":
    with unavailable_on_failure():
        connection: Driver = await asyncpg.connect(
            url, timeout=10, command_timeout=10, server_settings=NAME, statement_cache_size=0
        )
        try:
            yield connection
        finally:
            connection.terminate()


async def _missing_settings(connection: "Driver", settings: Mapping[str, str]) -> list[str]:
    rows = await connection.fetch(
        """
        select wanted.name, wanted.value
        from unnest($1::text[], $2::text[]) as wanted (name, value)
        where current_setting(wanted.name) <> wanted.value
        order by wanted.name
        """,
        list(settings),
        list(settings.values()),
    )
    return [f"{row['name']} = {row['value']}" for row in rows]


async def _set_for_role(connection: "Driver", settings: Mapping[str, str]) -> None:
    """Store the settings for this user in this database. Within a transaction: one process at a time changes them."""
    await connection.execute(f"set local lock_timeout = '{_LOCK_SECONDS}s'; select pg_advisory_xact_lock({_LOCK})")
    database = await connection.fetchval("select quote_ident(current_database())")
    for name, value in {**settings, **KEEPALIVE}.items():
        await connection.execute(f"alter role current_user in database {database} set {name} = '{value}'")
