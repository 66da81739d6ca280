"""The stored data of apps and platforms."""

from msgcenter.database.database import Database
from msgcenter.store.apps import apps
from msgcenter.store.apps.platforms import ensure_platform
from tests.scene import START, add_app


async def test_a_new_app_is_found_with_its_data(database: Database) -> None:
    number = await add_app(database, "app", "home")
    async with database.connection() as connection:
        record = await apps.find_app(connection, "app")
        assert record is not None
        assert (record.app.number, record.app.app_id, record.app.platform_code) == (number, "app", "home")
        assert (record.app.account, record.app.disabled, record.app.platforms) == ("app", False, {})
        assert (record.key_sealed, record.key_version, record.created_at) == (b"sealed", 1, START)
        assert (record.inbox_scope, record.origins) == ("own", ())
        assert await apps.find_apps(connection, [number, number + 1]) == {number: record}
        assert await apps.find_app(connection, "APP") is None


async def test_an_app_id_is_unique(database: Database) -> None:
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


async def test_an_origin_is_allowed_while_its_app_is_enabled(database: Database) -> None:
    for app_id in ("one", "two"):
        await add_app(database, app_id, "home")
    async with database.connection() as connection:
        await apps.set_origins(connection, "one", ["https://a.example", "https://b.example"])
        await apps.set_origins(connection, "two", ["https://b.example"])
        await apps.set_inbox_scope(connection, "two", "platform")
        origins = ("https://a.example", "https://b.example", "https://c.example")

        async def allowed(*, live_only: bool) -> list[bool]:
            return [await apps.origin_is_allowed(connection, origin, live_only=live_only) for origin in origins]

        assert await allowed(live_only=False) == [True, True, False]
        await apps.set_live(connection, "one", live=False)
        assert await allowed(live_only=True) == [False, True, False]
        assert await allowed(live_only=False) == [True, True, False]
        await apps.set_disabled(connection, "one", START)
        assert await allowed(live_only=False) == [False, True, False]
        record = await apps.find_app(connection, "two")
        assert record is not None
        assert (record.inbox_scope, record.origins) == ("platform", ("https://b.example",))


async def test_an_existing_platform_keeps_its_name(database: Database) -> None:
    assert await database.in_transaction(ensure_platform, "home", "Home", START)
    assert not await database.in_transaction(ensure_platform, "home", "Another", START)
    async with database.connection() as connection:
        assert await connection.fetchval("select name from platform where code = 'home'") == "Home"
