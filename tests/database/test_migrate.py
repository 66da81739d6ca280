"""Migrations: from nothing, by several at once, and never backwards."""

import asyncio

import asyncpg
import pytest

from msgcenter.database.migrate import SchemaError, known_migrations, migrate, pending_migrations
from tests.conftest import execute


async def test_from_nothing_and_again(empty_database: str) -> None:
    assert await migrate(empty_database) == known_migrations()
    assert await migrate(empty_database) == []


async def test_by_several_at_once_each_is_applied_once(empty_database: str) -> None:
    applied = await asyncio.gather(*(migrate(empty_database) for _ in range(4)))
    assert sorted(len(steps) for steps in applied) == [0, 0, 0, len(known_migrations())]


async def test_numbers_are_unique_and_without_gap() -> None:
    assert [step.number for step in known_migrations()] == list(range(1, len(known_migrations()) + 1))


async def test_a_database_of_a_newer_version_is_refused(empty_database: str) -> None:
    await migrate(empty_database)
    await execute(empty_database, "insert into schema_migration (number, name, applied_at) values (999, 'later', 0)")
    with pytest.raises(SchemaError, match="999"):
        await migrate(empty_database)


async def test_a_step_that_fails_leaves_nothing_behind(empty_database: str) -> None:
    await execute(empty_database, "create table message (id int)")  # in the way of the first step
    with pytest.raises(asyncpg.PostgresError):
        await migrate(empty_database)
    connection = await asyncpg.connect(empty_database)
    try:
        assert [step.number for step in await pending_migrations(connection)] == [s.number for s in known_migrations()]
        assert await connection.fetchval("select to_regclass('platform')") is None
    finally:
        await connection.close()


async def test_messages_of_the_last_day_learn_which_request_made_them(
    empty_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    earlier = [step for step in known_migrations() if step.number < 8]
    with monkeypatch.context() as patched:
        patched.setattr("msgcenter.database.migrate.known_migrations", lambda: earlier)
        await migrate(empty_database)
    await execute(
        empty_database,
        "insert into message (id, created_at, app_number, receivers, delivered_chunks, approval, platform_code, kind,"
        " audience, content) select n, 1, 1, 1, 1, false, 'p', 'text', '', '{}' from generate_series(1, 2) as n;"
        "insert into idempotency_key values (1, 'made-it', '', 2, 1), (9, 'of another app', '', 1, 1)",
    )
    await migrate(empty_database)
    connection = await asyncpg.connect(empty_database)
    try:
        rows = await connection.fetch("select id, request_id from message order by id")
        assert [tuple(row) for row in rows] == [(1, None), (2, "made-it")]
    finally:
        await connection.close()
