"""The known users of a platform."""

import asyncio

import pytest

from msgcenter.actions.apps.platforms import UnknownPlatformError
from msgcenter.actions.mailboxes import users as actions
from msgcenter.database.database import Database
from msgcenter.store.mailboxes import users
from tests.conftest import PLATFORM
from tests.store.scene import add_app, rows


async def test_a_user_becomes_known_once(database: Database) -> None:
    async with database.connection() as connection:
        assert await users.register(connection, PLATFORM, ["b", "a", "b"]) == 2
        assert await users.register(connection, PLATFORM, ["c", "b"]) == 1
        assert await users.register(connection, PLATFORM, []) == 0
        assert await users.register(connection, "other", ["b"]) == 1
        assert await users.count_users(connection, PLATFORM) == 3
        assert await users.count_users(connection, "nobody's") == 0


async def test_new_users_join_where_the_feed_is_now(database: Database) -> None:
    async with database.connection() as connection:
        await users.register(connection, PLATFORM, ["first"])
        await connection.execute("insert into feed_head (platform_code, position) values ($1, 7), ('x', 9)", PLATFORM)
        await users.register(connection, PLATFORM, ["first", "second"])
    found = await rows(database, "select user_id, joined, pulled_to from mailbox order by user_id")
    assert [tuple(row) for row in found] == [("first", 0, 0), ("second", 7, 7)]


async def test_registering_waits_for_no_mailbox_that_is_held(database: Database) -> None:
    async with database.connection() as holder, database.connection() as other, holder.transaction():
        await users.register(other, PLATFORM, ["a"])
        await holder.execute("select 1 from mailbox for update")
        async with asyncio.timeout(5):
            assert await users.register(other, PLATFORM, ["a", "b"]) == 1


async def test_it_is_one_probe_of_the_key_for_each_user(database: Database) -> None:
    async with database.connection() as connection:
        await users.register(connection, PLATFORM, (str(number) for number in range(3_000)))
        plan = await connection.fetch("explain select count(*) from mailbox where platform_code = $1", PLATFORM)
    assert "Index Only Scan" in str(plan)


async def test_batches_overlap_without_harm(
    database: Database, app_number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "_BATCH", 10)
    told: list[int] = []
    listed = [str(number % 37) for number in range(100)]
    assert await actions.import_users(database, PLATFORM, listed, told.append) == 37
    assert told == [10] * 10
    assert await actions.count_users(database, PLATFORM) == 37
    both = await asyncio.gather(
        *(
            actions.import_users(database, PLATFORM, map(str, part), told.append)
            for part in (range(300), range(299, 0, -1))
        )
    )
    assert sum(both) == 300 - 37


async def test_an_unknown_platform_is_told_with_those_that_are(database: Database) -> None:
    for code in ("b", "a"):
        await add_app(database, f"app-{code}", code)
    with pytest.raises(UnknownPlatformError) as told:
        await actions.import_users(database, "c", ["x"], print)
    assert (told.value.code, told.value.known) == ("c", ["a", "b"])
    assert not await rows(database, "select 1 from mailbox")
