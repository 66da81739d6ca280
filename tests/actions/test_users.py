"""Importing the users of a platform."""

import asyncio

import pytest

from msgcenter.actions.apps.platforms import UnknownPlatformError
from msgcenter.actions.mailboxes import users
from msgcenter.database.database import Database
from tests.conftest import PLATFORM
from tests.scene import add_app, rows


async def test_overlapping_imports_register_each_user_once(
    database: Database, app_number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(users, "_USERS_PER_COMMIT", 10)
    progress: list[int] = []
    user_ids = [str(number % 37) for number in range(100)]
    assert await users.import_users(database, PLATFORM, user_ids, progress.append) == 37
    assert progress == [10] * 10
    assert await users.count_users(database, PLATFORM) == 37
    counts = await asyncio.gather(
        *(
            users.import_users(database, PLATFORM, map(str, numbers), progress.append)
            for numbers in (range(300), range(299, 0, -1))
        )
    )
    assert sum(counts) == 300 - 37


async def test_an_unknown_platform_is_refused_with_the_known_ones(database: Database) -> None:
    for code in ("b", "a"):
        await add_app(database, f"app-{code}", code)
    with pytest.raises(UnknownPlatformError) as refused:
        await users.import_users(database, "c", ["x"], print)
    assert (refused.value.code, refused.value.known) == ("c", ["a", "b"])
    assert not await rows(database, "select 1 from mailbox")
