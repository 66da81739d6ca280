"""A real PgBouncer in transaction mode before the database, with fewer sessions than there are clients."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress

import asyncpg
import pytest

from msgcenter.database.connections import STATEMENT_SETTINGS
from msgcenter.database.database import Connection, Database
from msgcenter.database.pooler import missing_settings, set_up_sessions
from msgcenter.domain.refusal import Refusal
from msgcenter.store.retention.rules import sole_run
from tests.services import Service, running_pgbouncer

SESSIONS = 3


@pytest.fixture
def pgbouncer(database_url: str) -> Iterator[tuple[str, Service]]:
    """The URL of the test's database through PgBouncer, and PgBouncer."""
    with running_pgbouncer(database_url, default_pool_size=str(SESSIONS)) as started:
        yield started


@pytest.fixture
async def pooled(pgbouncer: tuple[str, Service], database_url: str) -> AsyncIterator[Database]:
    """The test's database through PgBouncer."""
    await set_up_sessions(pgbouncer[0])
    async with Database(pgbouncer[0], direct_url=database_url) as database:
        yield database


async def test_statements_of_many_clients_share_a_few_sessions(pooled: Database) -> None:
    async def value(number: int) -> int:
        async with pooled.connection() as connection:
            found: int = await connection.fetchval("select $1::int + 1", number)
            assert await connection.fetchval("select $1::text", str(number)) == str(number)
        return found

    assert await asyncio.gather(*map(value, range(200))) == list(range(1, 201))


async def test_every_session_has_the_settings_that_statements_rely_on(pooled: Database) -> None:
    together = asyncio.Barrier(SESSIONS)

    async def settings(connection: Connection) -> dict[str, str]:
        await together.wait()  # each transaction has a session of its own
        return {name: await connection.fetchval("select current_setting($1)", name) for name in STATEMENT_SETTINGS}

    for each in await asyncio.gather(*(pooled.in_transaction(settings) for _ in range(SESSIONS))):
        assert each == STATEMENT_SETTINGS


async def test_sessions_that_began_without_the_settings_are_replaced(
    pgbouncer: tuple[str, Service], database_url: str
) -> None:
    url, _ = pgbouncer
    assert {"enable_hashjoin = off", "lock_timeout = 300ms"} <= set(await missing_settings(url))
    await set_up_sessions(url)
    assert await missing_settings(url) == []
    # A session that was changed later, as by an administrator or an older version.
    connection = await asyncpg.connect(url, statement_cache_size=0)
    await connection.execute("set enable_hashjoin = on")
    await connection.close()
    assert await missing_settings(url) == ["enable_hashjoin = off"]
    await set_up_sessions(url)
    assert await missing_settings(url) == []


async def test_processes_set_up_the_sessions_at_the_same_time(pgbouncer: tuple[str, Service]) -> None:
    url, _ = pgbouncer
    await asyncio.gather(*(set_up_sessions(url) for _ in range(8)))
    assert await missing_settings(url) == []


async def test_a_session_lock_is_held_and_released_past_the_pooler(pooled: Database) -> None:
    async with sole_run(pooled) as first, sole_run(pooled) as second:
        assert (first, second) == (True, False)
    async with sole_run(pooled) as again:
        assert again


async def test_the_pool_works_again_after_pgbouncer_was_killed(
    pooled: Database, pgbouncer: tuple[str, Service]
) -> None:
    _, process = pgbouncer
    process.kill()
    process.start()
    async with asyncio.timeout(30):
        while True:
            with suppress(Refusal):  # the connections of the killed one
                async with pooled.connection() as connection:
                    assert await connection.fetchval("select 1") == 1
                return
