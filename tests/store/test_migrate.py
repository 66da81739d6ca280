"""Migrations: from nothing, by several at once, and never backwards."""

import asyncio

import asyncpg
import pytest

from msgcenter.store.migrate import SchemaError, known_migrations, migrate, pending_migrations
from tests.conftest import execute, other_database


@pytest.fixture
async def empty(postgres: str, request: pytest.FixtureRequest) -> str:
    """The URL of a database with nothing in it."""
    name = f"empty_{abs(hash(request.node.name))}"
    await execute(postgres, f"create database {name}")
    return other_database(postgres, name)


async def test_from_nothing_and_again(empty: str) -> None:
    assert await migrate(empty) == known_migrations()
    assert await migrate(empty) == []


async def test_by_several_at_once_each_is_applied_once(empty: str) -> None:
    applied = await asyncio.gather(*(migrate(empty) for _ in range(4)))
    assert sorted(len(steps) for steps in applied) == [0, 0, 0, len(known_migrations())]


async def test_numbers_are_unique_and_without_gap() -> None:
    assert [step.number for step in known_migrations()] == list(range(1, len(known_migrations()) + 1))


async def test_a_database_of_a_newer_version_is_refused(empty: str) -> None:
    await migrate(empty)
    await execute(empty, "insert into schema_migration (number, name, applied_at) values (999, 'later', 0)")
    with pytest.raises(SchemaError, match="999"):
        await migrate(empty)


async def test_a_step_that_fails_leaves_nothing_behind(empty: str) -> None:
    await execute(empty, "create table message (id int)")  # in the way of the first step
    with pytest.raises(asyncpg.PostgresError):
        await migrate(empty)
    connection = await asyncpg.connect(empty)
    try:
        assert [step.number for step in await pending_migrations(connection)] == [s.number for s in known_migrations()]
        assert await connection.fetchval("select to_regclass('platform')") is None
    finally:
        await connection.close()


async def test_messages_of_the_last_day_learn_which_request_made_them(
    empty: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    earlier = [step for step in known_migrations() if step.number < 8]
    with monkeypatch.context() as patched:
        patched.setattr("msgcenter.store.migrate.known_migrations", lambda: earlier)
        await migrate(empty)
    await execute(
        empty,
        "insert into message (id, created_at, app_number, receivers, delivered_chunks, approval, platform_code, kind,"
        " audience, content) select n, 1, 1, 1, 1, false, 'p', 'text', '', '{}' from generate_series(1, 2) as n;"
        "insert into idempotency_key values (1, 'made-it', '', 2, 1), (9, 'of another app', '', 1, 1)",
    )
    await migrate(empty)
    connection = await asyncpg.connect(empty)
    try:
        rows = await connection.fetch("select id, request_id from message order by id")
        assert [tuple(row) for row in rows] == [(1, None), (2, "made-it")]
    finally:
        await connection.close()
