"""Apps and access tokens as the tables hold them."""

import pytest

from msgcenter.database.database import Connection, Database
from msgcenter.store.apps import apps
from msgcenter.store.apps.platforms import ensure_platform
from msgcenter.store.apps.tokens import add_token, delete_expired_tokens, find_tokens
from tests.store.scene import START, add_app

TOKEN = b"digest of a token".ljust(32)
END = START + 7_200_000


@pytest.fixture
async def app(database: Database) -> int:
    """The number of an app named `app` of platform `home`, with a token that is valid until END."""
    number = await add_app(database, "app", "home")
    async with database.connection() as connection:
        assert await add_token(connection, TOKEN, number, 1, END) == END
    return number


async def is_valid(connection: Connection, *, now: int = START, token: bytes = TOKEN) -> bool:
    """Tell whether a token is found."""
    return token in await find_tokens(connection, [token, b"another"], now)


async def test_an_app_is_found_as_it_was_made(database: Database) -> None:
    number = await add_app(database, "app", "home")
    async with database.connection() as connection:
        record = await apps.find_app(connection, "app")
        assert record is not None
        assert (record.app.number, record.app.app_id, record.app.platform_code) == (number, "app", "home")
        assert (record.app.account, record.app.disabled, record.app.platforms) == ("app", False, frozenset())
        assert (record.key_sealed, record.key_version, record.created_at) == (b"sealed", 1, START)
        assert (record.inbox_scope, record.origins) == ("own", ())
        assert await apps.find_apps(connection, [number, number + 1]) == {number: record}
        assert await apps.find_app(connection, "APP") is None


async def test_an_app_id_is_taken_once(database: Database) -> None:
    await add_app(database, "app", "home")
    async with database.connection() as connection:
        assert not await apps.insert_app(
            connection, app_id="app", name="another", platform_code="home", key_sealed=b"", now=START
        )
        assert [record.app.name for record in await apps.list_apps(connection)] == ["app"]


async def test_apps_are_listed_by_platform_oldest_first(database: Database) -> None:
    for app_id, platform_code in (("c", "home"), ("a", "away"), ("b", "home")):
        await add_app(database, app_id, platform_code)
    async with database.connection() as connection:
        assert [record.app.app_id for record in await apps.list_apps(connection)] == ["c", "a", "b"]
        assert [record.app.app_id for record in await apps.list_apps(connection, "home")] == ["c", "b"]
        assert await apps.list_apps(connection, "nowhere") == []


async def test_a_token_is_valid_until_its_end(database: Database, app: int) -> None:
    async with database.connection() as connection:
        (record,) = (await find_tokens(connection, [TOKEN], END - 1)).values()
        assert (record.app.number, record.expires_at) == (app, END)
        assert not await is_valid(connection, now=END)
        assert not await is_valid(connection, token=b"another")


async def test_the_same_token_again_keeps_its_end(database: Database, app: int) -> None:
    async with database.connection() as connection:
        assert await add_token(connection, TOKEN, app, 1, END + 5) == END
        assert not await is_valid(connection, now=END)


async def test_another_key_ends_the_tokens_of_the_old_one(database: Database, app: int) -> None:
    async with database.connection() as connection:
        assert await apps.replace_key(connection, "app", b"new")
        assert not await is_valid(connection)
        record = await apps.find_app(connection, "app")
        assert record is not None
        assert (record.key_sealed, record.key_version) == (b"new", 2)
        await add_token(connection, b"of the new key", app, 2, END)
        assert await is_valid(connection, token=b"of the new key")
        # One that was made from the old key meanwhile is void from the start.
        await add_token(connection, b"late", app, 1, END)
        assert not await is_valid(connection, token=b"late")
        assert not await apps.replace_key(connection, "nobody", b"new")


async def test_a_disabled_app_is_told_so_and_its_tokens_stay_void(database: Database, app: int) -> None:
    async with database.connection() as connection:
        assert await apps.set_disabled(connection, "app", START)
        found = await find_tokens(connection, [TOKEN], START)
        assert found[TOKEN].app.disabled
        assert await apps.set_disabled(connection, "app", None)
        assert not await is_valid(connection)
        record = await apps.find_app(connection, "app")
        assert record is not None
        assert not record.app.disabled
        assert not await apps.set_disabled(connection, "nobody", START)


async def test_tokens_of_other_apps_are_left_alone(database: Database, app: int) -> None:
    other = await add_app(database, "other", "home")
    async with database.connection() as connection:
        await add_token(connection, b"of the other", other, 1, END)
        await apps.replace_key(connection, "app", b"new")
        assert await is_valid(connection, token=b"of the other")


async def test_origins_count_while_their_app_is_active(database: Database) -> None:
    for app_id in ("one", "two"):
        await add_app(database, app_id, "home")
    async with database.connection() as connection:
        await apps.set_origins(connection, "one", ["https://a.example", "https://b.example"])
        await apps.set_origins(connection, "two", ["https://b.example"])
        await apps.set_inbox_scope(connection, "two", "platform")
        asked = ("https://a.example", "https://b.example", "https://c.example")

        async def allowed(*, live_only: bool) -> list[bool]:
            return [await apps.origin_is_allowed(connection, origin, live_only=live_only) for origin in asked]

        assert await allowed(live_only=False) == [True, True, False]
        await apps.set_live(connection, "one", live=False)
        assert await allowed(live_only=True) == [False, True, False]
        assert await allowed(live_only=False) == [True, True, False]
        await apps.set_disabled(connection, "one", START)
        assert await allowed(live_only=False) == [False, True, False]
        record = await apps.find_app(connection, "two")
        assert record is not None
        assert (record.inbox_scope, record.origins) == ("platform", ("https://b.example",))


async def test_a_platform_keeps_its_first_name(database: Database) -> None:
    async with database.connection() as connection:
        await ensure_platform(connection, "home", "Home", START)
        await ensure_platform(connection, "home", "Another", START)
        assert await connection.fetchval("select name from platform where code = 'home'") == "Home"


async def test_expired_tokens_go_the_oldest_first(database: Database, app: int) -> None:
    async with database.connection() as connection:
        for number in range(4):
            await add_token(connection, b"%d" % number, app, 1, START + number)
        assert await delete_expired_tokens(connection, START + 2, 2) == 2
        left = await connection.fetch("select digest from access_token order by expires_at")
        assert [row[0] for row in left] == [b"2", b"3", TOKEN]
        assert await delete_expired_tokens(connection, START + 2, 2) == 1
        assert await delete_expired_tokens(connection, START + 2, 2) == 0
