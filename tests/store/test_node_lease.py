"""Node numbers: each process has its own, for as long as its connection is open."""

import asyncio
from contextlib import suppress
from itertools import count

import asyncpg
import pytest

from msgcenter.database import number_lease
from msgcenter.database.database import Database
from msgcenter.database.number_lease import NumberLease
from msgcenter.domain.message_id import NODES
from msgcenter.domain.refusal import Reason, Refusal
from msgcenter.store.messages import node_lease
from msgcenter.store.messages.node_lease import NodeLease, running_servers
from tests.scene import rows

_LEASE_SESSION = "application_name = 'msgcenter node' and datname = current_database()"


async def lose_leases(database: Database) -> None:
    """End the connections of all leases."""
    await rows(database, f"select pg_terminate_backend(pid, 5000) from pg_stat_activity where {_LEASE_SESSION}")


async def until_lost(lease: NodeLease) -> None:
    """Wait until the driver has noticed that the connection is closed."""
    async with asyncio.timeout(60):
        while (connection := lease._lease._connection) is not None and not connection.is_closed():
            await asyncio.sleep(0.01)


@pytest.fixture
def rising_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make each lease try a number that was not tried before."""
    numbers = count(100)
    monkeypatch.setattr(number_lease.random, "randrange", lambda _: next(numbers))  # type: ignore[attr-defined]


async def test_concurrent_leases_have_distinct_nodes(database_url: str) -> None:
    leases = [NodeLease(database_url) for _ in range(12)]
    try:
        ids = await asyncio.gather(*(lease.ids() for lease in leases))
        assert len({generator.node for generator in ids}) == 12
    finally:
        await asyncio.gather(*(lease.__aexit__(None, None, None) for lease in leases))


async def test_two_processes_that_try_the_same_number_first(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(number_lease.random, "randrange", lambda end: end - 1)  # type: ignore[attr-defined]
    async with NodeLease(database_url) as first, NodeLease(database_url) as second:
        assert ((await first.ids()).node, (await second.ids()).node) == (NODES - 1, 0)


async def test_concurrent_calls_renew_a_lost_lease_once(database: Database, rising_numbers: None) -> None:
    async with NodeLease(database.url) as lease:
        first = await lease.ids()
        assert await lease.ids() is first
        await lose_leases(database)
        await until_lost(lease)
        again = await asyncio.gather(*(lease.ids() for _ in range(5)))
        assert again[0] is not first
        assert len({id(ids) for ids in again}) == 1
        (row,) = await rows(database, f"select count(*) from pg_stat_activity where {_LEASE_SESSION}")
        assert row[0] == 1


async def test_no_id_is_made_before_the_new_number_is_locked(
    database: Database, rising_numbers: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with NodeLease(database.url) as lease:
        first = await lease.ids()
        await lose_leases(database)
        await until_lost(lease)
        locking = asyncio.Event()
        lock_free_number = NumberLease._lock_free_number

        async def lock_slowly(lease: NumberLease, connection: "asyncpg.Connection[asyncpg.Record]") -> int:
            locking.set()
            await asyncio.sleep(0.05)
            return await lock_free_number(lease, connection)

        monkeypatch.setattr(NumberLease, "_lock_free_number", lock_slowly)
        renewal = asyncio.create_task(lease.ids())
        await locking.wait()
        assert await lease.ids() is await renewal
        assert await renewal is not first


async def test_a_failed_lease_leaves_no_connection_and_is_tried_again(
    database: Database, rising_numbers: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with NodeLease(database.url) as lease:
        first = await lease.ids()
        await lose_leases(database)
        await until_lost(lease)

        async def fail(*_: object) -> int:
            raise TimeoutError

        with monkeypatch.context() as failing:
            failing.setattr(NumberLease, "_lock_free_number", fail)
            for _ in range(2):
                with pytest.raises(Refusal) as refused:
                    await lease.ids()
                assert refused.value.reason is Reason.DATABASE_UNAVAILABLE
        assert await lease.ids() is not first


async def test_a_number_is_free_after_its_lease_ends(database: Database) -> None:
    for _ in range(3):
        async with NodeLease(database.url):
            pass
    async with asyncio.timeout(60):
        while (await rows(database, f"select count(*) from pg_stat_activity where {_LEASE_SESSION}"))[0][0]:
            await asyncio.sleep(0.02)
    (row,) = await rows(
        database,
        "select count(*) from pg_locks where locktype = 'advisory' and database ="
        " (select oid from pg_database where datname = current_database())",
    )
    assert row[0] == 0


async def test_the_leases_tell_which_servers_are_running(database: Database) -> None:
    async def servers() -> list[tuple[str, int]]:
        async with database.connection() as connection:
            return [(server.name, server.processes) for server in await running_servers(connection)]

    assert await servers() == []
    async with NodeLease(database.url, "a/1"), NodeLease(database.url, "b/7"), NodeLease(database.url, "a/1"):
        assert await servers() == [("a/1", 2), ("b/7", 1)]
        async with NodeLease(database.url, f"{'long' * 30}/9"):
            assert [name.endswith("long/9") for name, _ in await servers()] == [False, False, True]
    async with asyncio.timeout(60):
        while await servers():
            await asyncio.sleep(0.02)


async def test_a_lost_lease_is_taken_anew_without_a_call(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node_lease, "_KEEP_SECONDS", 0.01)
    async with NodeLease(database.url) as lease, asyncio.timeout(30):
        keeping = asyncio.create_task(lease.keep())
        lost = lease._lease._connection
        await lose_leases(database)
        while lease._lease._connection is lost:
            await asyncio.sleep(0.01)
        keeping.cancel()
        with suppress(asyncio.CancelledError):
            await keeping
