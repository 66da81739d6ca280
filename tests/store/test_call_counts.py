"""Call counts: they add up, are read by time steps, and are deleted when they are old."""

import asyncio

import pytest

from msgcenter.database.database import Database
from msgcenter.store.apps import call_counts
from msgcenter.store.apps.call_counts import Count, CountKey, CountQuery, Hours, add_counts
from tests.scene import START, rows

HOUR = 3_600_000
OK, BAD = "000000", "100003"


def key(app_number: int = 1, hours: Hours = 1, at: int = START, api: str = "sendMsg", ret_code: str = OK) -> CountKey:
    """Return a key with these parts."""
    return CountKey(app_number, hours, at, api, ret_code)


async def add(database: Database, *counts: tuple[CountKey, Count]) -> None:
    """Add counts as a process does."""
    await database.in_autocommit(add_counts, sorted(counts, key=lambda pair: pair[0]))


async def counts_of(database: Database, app_number: int = 1) -> list[tuple[CountKey, Count]]:
    """Return an app's counts by hour."""
    async with database.connection() as connection:
        return await call_counts.stored_counts(connection, CountQuery(app_number, 1, 0, 1 << 60))


async def test_counts_are_added_to_the_stored_ones(database: Database) -> None:
    await add(database, (key(), Count(3, 50, 2, [1, 0, 2])))
    await add(database, (key(), Count(2, 1, 1, [0, 1, 0, 0, 1])), (key(ret_code=BAD), Count(1, 0, 0, [1])))
    await add(database, (key(), Count(0, 0, 7, [])))
    assert await counts_of(database) == [
        (key(), Count(5, 51, 10, [1, 1, 2, 0, 1])),
        (key(ret_code=BAD), Count(1, 0, 0, [1])),
    ]


async def test_counts_of_many_processes_add_up(database: Database) -> None:
    apis = [f"api-{number}" for number in range(20)]
    counts = [(key(api=api), Count(1, 2, 3, [0, 1])) for api in apis]
    await asyncio.gather(*(add(database, *(counts if turn % 2 else counts[::-1])) for turn in range(10)))
    assert await counts_of(database) == [(key(api=api), Count(10, 20, 30, [0, 10])) for api in sorted(apis)]


async def test_a_full_bucket_stays_full(database: Database) -> None:
    for _ in range(2):
        await add(database, (key(), Count(1 << 40, 0, 0, [5, 2_000_000_000])))
    assert await counts_of(database) == [(key(), Count(1 << 41, 0, 0, [10, 2_147_483_647]))]


@pytest.mark.parametrize("app_number", [1, None])
async def test_counts_are_read_by_time_steps(database: Database, app_number: int | None) -> None:
    await add(
        database,
        (key(at=START), Count(1, 10, 1, [1])),
        (key(at=START + HOUR), Count(2, 0, 2, [0, 2])),
        (key(at=START + HOUR, ret_code=BAD), Count(3, 0, 0, [0, 3])),
        (key(at=START + 2 * HOUR, api="modMsgStatus"), Count(4, 40, 0, [0, 0, 4])),
        (key(at=START + 3 * HOUR), Count(5, 0, 0, [5])),
        (key(at=START - HOUR), Count(6, 0, 0, [6])),
        (key(at=START, hours=24), Count(7, 0, 0, [7])),
    )
    query = CountQuery(app_number, 1, START, START + 3 * HOUR)
    steps = [START, START + 2 * HOUR]
    async with database.connection() as connection:
        assert await call_counts.counts(connection, query, steps) == [
            (0, "sendMsg", OK, 3, 10, 3),
            (0, "sendMsg", BAD, 3, 0, 0),
            (1, "modMsgStatus", OK, 4, 40, 0),
        ]
        assert sorted(await call_counts.latencies(connection, query, steps)) == [
            (0, "sendMsg", 0, 1),
            (0, "sendMsg", 1, 5),
            (1, "modMsgStatus", 2, 4),
        ]
        of_one_api = query._replace(api="modMsgStatus")
        assert len(await call_counts.counts(connection, of_one_api, steps)) == 1
        assert len(await call_counts.latencies(connection, of_one_api, steps)) == 1


async def test_counts_of_all_apps_are_read_by_app(database: Database) -> None:
    await add(
        database,
        (key(1, 24), Count(5, 1, 2, [4, 1])),
        (key(1, 24, ret_code=BAD), Count(2, 0, 0, [0, 2])),
        (key(2, 24, ret_code=BAD), Count(1, 0, 0, [1])),
        (key(3, 24), Count(9, 0, 9, [9])),
        (key(4, 24, at=START + 24 * HOUR), Count(1, 0, 0, [1])),
    )
    query = CountQuery(None, 24, START, START + 24 * HOUR)
    async with database.connection() as connection:
        assert sorted(await call_counts.counts_by_app(connection, query)) == [
            (1, 7, 2, 1, 2),
            (2, 1, 1, 0, 0),
            (3, 9, 0, 0, 9),
        ]
        assert sorted(await call_counts.latencies_by_app(connection, query)) == [
            (1, 0, 4),
            (1, 1, 3),
            (2, 0, 1),
            (3, 0, 9),
        ]
        assert await call_counts.messages_since(connection, 3, START) == 9
        assert await call_counts.messages_since(connection, 3, START + 1) == 0


async def test_old_counts_are_deleted_in_small_steps(database: Database) -> None:
    for hours in (1, 24):
        old = [(key(hours=hours, at=START + number), Count(1, 0, 0, [])) for number in range(5)]
        await add(database, *old, (key(hours=hours, at=START + HOUR), Count(1, 0, 0, [])))
    async with database.connection() as connection:
        assert await call_counts.delete_old(connection, START + HOUR, 3) == 6
        assert await call_counts.delete_old(connection, START + HOUR, 3) == 4
        assert await call_counts.delete_old(connection, START + HOUR, 3) == 0
    remaining = await rows(database, "select hours, begins_at from call_count order by hours")
    assert [tuple(row) for row in remaining] == [(1, START + HOUR), (24, START + HOUR)]
