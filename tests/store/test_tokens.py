"""Stored access tokens: how long they are valid, and when they are deleted."""

import pytest

from msgcenter.database.database import Connection, Database
from msgcenter.store.apps import apps
from msgcenter.store.apps.tokens import add_token, delete_expired_tokens, find_tokens
from tests.scene import START, add_app

TOKEN = b"digest of a token".ljust(32)
EXPIRES_AT = START + 7_200_000


@pytest.fixture
async def app(database: Database) -> int:
    """The number of an app named `app` of the platform `home`, with a token that expires at EXPIRES_AT."""
    number = await add_app(database, "app", "home")
    async with database.connection() as connection:
        assert await add_token(connection, TOKEN, number, 1, EXPIRES_AT) == EXPIRES_AT
    return number


async def is_valid(connection: Connection, *, now: int = START, token: bytes = TOKEN) -> bool:
    """Return whether a token is found."""
    return token in await find_tokens(connection, [token, b"another"], now)


async def test_a_token_is_valid_until_it_expires(database: Database, app: int) -> None:
    async with database.connection() as connection:
        (record,) = (await find_tokens(connection, [TOKEN], EXPIRES_AT - 1)).values()
        assert (record.app.number, record.expires_at) == (app, EXPIRES_AT)
        assert not await is_valid(connection, now=EXPIRES_AT)
        assert not await is_valid(connection, token=b"another")


async def test_storing_a_token_again_keeps_its_expiry(database: Database, app: int) -> None:
    async with database.connection() as connection:
        assert await add_token(connection, TOKEN, app, 1, EXPIRES_AT + 5) == EXPIRES_AT
        assert not await is_valid(connection, now=EXPIRES_AT)


async def test_replacing_the_key_ends_its_tokens(database: Database, app: int) -> None:
    async with database.connection() as connection:
        assert await apps.replace_key(connection, "app", b"new")
        assert not await is_valid(connection)
        record = await apps.find_app(connection, "app")
        assert record is not None
        assert (record.key_sealed, record.key_version) == (b"new", 2)
        await add_token(connection, b"of the new key", app, 2, EXPIRES_AT)
        assert await is_valid(connection, token=b"of the new key")
        # A token that was made with the old key at the same time is invalid from the start.
        await add_token(connection, b"late", app, 1, EXPIRES_AT)
        assert not await is_valid(connection, token=b"late")
        assert not await apps.replace_key(connection, "unknown", b"new")


async def test_tokens_of_a_disabled_app_stay_invalid_after_it_is_enabled(database: Database, app: int) -> None:
    async with database.connection() as connection:
        assert await apps.set_disabled(connection, "app", START)
        tokens = await find_tokens(connection, [TOKEN], START)
        assert tokens[TOKEN].app.disabled
        assert await apps.set_disabled(connection, "app", None)
        assert not await is_valid(connection)
        record = await apps.find_app(connection, "app")
        assert record is not None
        assert not record.app.disabled
        assert not await apps.set_disabled(connection, "unknown", START)


async def test_tokens_of_other_apps_stay_valid(database: Database, app: int) -> None:
    other = await add_app(database, "other", "home")
    async with database.connection() as connection:
        await add_token(connection, b"of the other", other, 1, EXPIRES_AT)
        await apps.replace_key(connection, "app", b"new")
        assert await is_valid(connection, token=b"of the other")


async def test_expired_tokens_are_deleted_oldest_first(database: Database, app: int) -> None:
    async with database.connection() as connection:
        for number in range(4):
            await add_token(connection, b"%d" % number, app, 1, START + number)
        assert await delete_expired_tokens(connection, START + 2, 2) == 2
        remaining = await connection.fetch("select digest from access_token order by expires_at")
        assert [row["digest"] for row in remaining] == [b"2", b"3", TOKEN]
        assert await delete_expired_tokens(connection, START + 2, 2) == 1
        assert await delete_expired_tokens(connection, START + 2, 2) == 0
