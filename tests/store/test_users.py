"""The known users of a platform."""

import asyncio

import pytest

from msgcenter.database.database import Database
from msgcenter.domain.account import Platform
from msgcenter.store.apps.platforms import ensure_platform
from msgcenter.store.mailboxes import users
from tests.scene import HOME, rows

CELL = HOME.first_cell


@pytest.fixture(autouse=True)
async def platforms(database: Database) -> None:
    """Two platforms of a cell each: the home of the users, and the next one."""
    await database.in_transaction(ensure_platform, HOME.code, "Home", 0, cells=1)
    await database.in_transaction(ensure_platform, "next", "Next", 0, cells=1)


async def test_a_user_is_registered_once(database: Database) -> None:
    async with database.connection() as connection:
        assert await users.register(connection, CELL, ["b", "a", "b"]) == ["a", "b"]
        assert await users.register(connection, CELL, ["c", "b"]) == ["c"]
        assert await users.register(connection, CELL, []) == []
        assert await users.register(connection, CELL + 1, ["b"]) == ["b"]
        assert await users.count_users(connection, HOME) == 3
        assert await users.count_users(connection, Platform("unknown", 9)) == 0


async def test_new_users_start_at_the_feeds_present_position(database: Database) -> None:
    async with database.connection() as connection:
        await users.register(connection, CELL, ["first"])
        await connection.execute("update feed_head set position = 7 where cell = $1", CELL)
        await users.register(connection, CELL, ["first", "second"])
    mailboxes = await rows(database, "select user_id, joined, pulled_to from mailbox order by user_id")
    assert [tuple(mailbox) for mailbox in mailboxes] == [("first", 0, 0), ("second", 7, 7)]


async def test_registering_does_not_wait_for_a_locked_mailbox(database: Database) -> None:
    async with database.connection() as holder, database.connection() as other, holder.transaction():
        await users.register(other, CELL, ["a"])
        await holder.execute("select 1 from mailbox where cell = $1 for update", CELL)
        async with asyncio.timeout(60):
            assert await users.register(other, CELL, ["a", "b"]) == ["b"]


async def test_counting_users_reads_the_index_only(database: Database) -> None:
    async with database.connection() as connection:
        await users.register(connection, CELL, (str(number) for number in range(3_000)))
        plan = await connection.fetch("explain select count(*) from mailbox where cell = any($1)", [CELL])
    assert "Index Only Scan" in str(plan)
