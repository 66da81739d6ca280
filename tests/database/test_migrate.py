"""Migrations: of an empty database, by concurrent processes, and never backwards."""

import asyncio

import asyncpg
import pytest

from msgcenter.database.migrate import Migration, SchemaError, known_migrations, migrate, pending_migrations
from tests.conftest import execute


async def test_an_empty_database_is_migrated_once(empty_database: str) -> None:
    assert await migrate(empty_database) == known_migrations()
    assert await migrate(empty_database) == []


async def test_concurrent_processes_apply_each_migration_once(empty_database: str) -> None:
    applied = await asyncio.gather(*(migrate(empty_database) for _ in range(4)))
    assert sorted(len(migrations) for migrations in applied) == [0, 0, 0, len(known_migrations())]


async def test_migration_numbers_have_no_gaps_and_no_duplicates() -> None:
    assert [migration.number for migration in known_migrations()] == list(range(1, len(known_migrations()) + 1))


async def test_a_database_of_a_newer_version_is_refused(empty_database: str) -> None:
    await migrate(empty_database)
    await execute(empty_database, "insert into schema_migration (number, name, applied_at) values (999, 'later', 0)")
    with pytest.raises(SchemaError, match="999"):
        await migrate(empty_database)


async def test_a_failed_migration_leaves_nothing_behind(empty_database: str) -> None:
    await execute(empty_database, "create table message (id int)")  # conflicts with the first migration
    with pytest.raises(asyncpg.PostgresError):
        await migrate(empty_database)
    connection = await asyncpg.connect(empty_database)
    try:
        assert await pending_migrations(connection) == known_migrations()
        assert await connection.fetchval("select to_regclass('platform')") is None
    finally:
        await connection.close()


async def test_messages_of_the_last_day_get_the_request_ids_that_made_them(
    empty_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    earlier = [migration for migration in known_migrations() if migration.number < 8]
    with monkeypatch.context() as patched:
        patched.setattr("msgcenter.database.migrate.known_migrations", lambda: earlier)
        await migrate(empty_database)
    await execute(
        empty_database,
        """
        insert into message
            (id, created_at, app_number, receivers, delivered_chunks, approval, platform_code, kind, audience, content)
        select id, 1, 1, 1, 1, false, 'p', 'text', '', '{}' from generate_series(1, 2) as id;
        insert into idempotency_key values (1, 'made-it', '', 2, 1), (9, 'of another app', '', 1, 1)
        """,
    )
    await migrate(empty_database)
    connection = await asyncpg.connect(empty_database)
    try:
        rows = await connection.fetch("select id, request_id from message order by id")
        assert [tuple(row) for row in rows] == [(1, None), (2, "made-it")]
    finally:
        await connection.close()


def test_a_migration_is_cut_into_its_commands() -> None:
    sql = (
        "-- A comment; with a semicolon.\n"
        "create table a (\n  b int  -- first; of all\n);  -- the end\n"
        "create function f() returns int language sql as $$\n  select 1;\n$$;\n"
        "drop table a;\n"
    )
    table, function, drop = Migration(1, "m", sql).commands()
    assert table.splitlines()[1:] == ["create table a (", "  b int  -- first; of all", ");  -- the end"]
    assert function == "create function f() returns int language sql as $$\n  select 1;\n$$;"
    assert drop == "drop table a;"
