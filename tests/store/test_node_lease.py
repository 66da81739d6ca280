"""Node numbers: every process has one of its own, for as long as its connection lives."""

import asyncio

import asyncpg
import pytest

from msgcenter.database import node_lease
from msgcenter.database.database import Database
from msgcenter.database.node_lease import NodeLease
from msgcenter.domain.message_id import NODES
from msgcenter.domain.refusal import Reason, Refusal
from tests.store.scene import rows

_OURS = "application_name = 'msgcenter node' and datname = current_database()"


async def lose_leases(database: Database) -> None:
    """End the connections of all leases."""
    await rows(database, f"select pg_terminate_backend(pid, 5000) from pg_stat_activity where {_OURS}")


async def until_lost(lease: NodeLease) -> None:
    """Wait until the driver has learned that the connection is gone."""
    async with asyncio.timeout(10):
        while lease._connection is not None and not lease._connection.is_closed():
            await asyncio.sleep(0.01)


async def test_leases_at_once_have_distinct_nodes(database_url: str) -> None:
    leases = [NodeLease(database_url) for _ in range(12)]
    try:
        ids = await asyncio.gather(*(lease.ids() for lease in leases))
        assert len({one.node for one in ids}) == 12
    finally:
        await asyncio.gather(*(lease.__aexit__(None, None, None) for lease in leases))


async def test_two_processes_that_look_at_the_same_number_first(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(node_lease.random, "randrange", lambda end: end - 1)  # type: ignore[attr-defined]
    async with NodeLease(database_url) as one, NodeLease(database_url) as two:
        assert ((await one.ids()).node, (await two.ids()).node) == (NODES - 1, 0)


async def test_a_lost_lease_is_taken_anew_once_by_all_who_wait(database: Database) -> None:
    async with NodeLease(database.url) as lease:
        first = await lease.ids()
        assert await lease.ids() is first
        await lose_leases(database)
        await until_lost(lease)
        again = await asyncio.gather(*(lease.ids() for _ in range(5)))
        assert again[0] is not first
        assert len({id(ids) for ids in again}) == 1
        (row,) = await rows(database, f"select count(*) from pg_stat_activity where {_OURS}")
        assert row[0] == 1


async def test_no_id_is_made_before_the_new_number_is_locked(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with NodeLease(database.url) as lease:
        first = await lease.ids()
        await lose_leases(database)
        await until_lost(lease)
        locking = asyncio.Event()
        lock = node_lease._free_node

        async def slowly(connection: "asyncpg.Connection[asyncpg.Record]") -> int:
            locking.set()
            await asyncio.sleep(0.05)
            return await lock(connection)

        monkeypatch.setattr(node_lease, "_free_node", slowly)
        one = asyncio.create_task(lease.ids())
        await locking.wait()
        assert await lease.ids() is await one
        assert await one is not first


async def test_a_lease_that_fails_leaves_no_connection_and_is_tried_again(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with NodeLease(database.url) as lease:
        first = await lease.ids()
        await lose_leases(database)
        await until_lost(lease)

        async def fail(_: object) -> int:
            raise TimeoutError

        with monkeypatch.context() as failing:
            failing.setattr(node_lease, "_free_node", fail)
            for _ in range(2):
                with pytest.raises(Refusal) as refused:
                    await lease.ids()
                assert refused.value.reason is Reason.DATABASE_UNAVAILABLE
        assert await lease.ids() is not first


async def test_a_number_is_free_again_when_its_holder_has_left(database: Database) -> None:
    for _ in range(3):
        async with NodeLease(database.url):
            pass
    async with asyncio.timeout(10):
        while (await rows(database, f"select count(*) from pg_stat_activity where {_OURS}"))[0][0]:
            await asyncio.sleep(0.02)
    (row,) = await rows(
        database,
        "select count(*) from pg_locks where locktype = 'advisory' and database ="
        " (select oid from pg_database where datname = current_database())",
    )
    assert row[0] == 0
