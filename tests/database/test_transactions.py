"""Transactions: arguments are passed on, errors roll back, and what failed by chance runs again."""

import asyncio
from contextlib import AsyncExitStack

import asyncpg
import pytest

from msgcenter.database.database import PATIENT_LOCK_MS, Connection, Database, transactional
from msgcenter.database.statements import affected_rows, column_arrays, columns
from tests.scene import rows


async def _add(connection: Connection, name: str, *, value: bytes, failures: list[Exception]) -> str:
    await connection.execute("insert into installation (name, value) values ($1, $2)", name, value)
    if failures:
        raise failures.pop()
    return name


class _Facts:
    def __init__(self, database: Database) -> None:
        self._database = database

    @transactional
    async def add(self, connection: Connection, name: str, *, failures: list[Exception]) -> str:
        """Add a fact."""
        return await _add(connection, name, value=b"1", failures=failures)


async def _names(database: Database) -> set[str]:
    return {row["name"] for row in await rows(database, "select name from installation")}


async def test_in_transaction_passes_arguments_and_returns_the_result(database: Database) -> None:
    assert await database.in_transaction(_add, "a", value=b"1", failures=[]) == "a"
    assert "a" in await _names(database)


async def test_a_method_is_one_transaction_that_runs_again_after_a_deadlock(database: Database) -> None:
    assert await _Facts(database).add("b", failures=[asyncpg.DeadlockDetectedError()]) == "b"
    assert "b" in await _names(database)
    assert _Facts.add.__doc__ == "Add a fact."


async def test_an_error_rolls_the_transaction_back(database: Database) -> None:
    with pytest.raises(ValueError, match="no"):
        await _Facts(database).add("c", failures=[ValueError("no")])
    assert "c" not in await _names(database)


async def test_what_waits_for_a_frozen_transaction_fails_before_that_is_ended(database: Database) -> None:
    """Otherwise a frozen server's waiting transactions would hold the row, one after the other, for as long again."""
    update = "update installation set value = value where name = 'row'"

    async def wait_for_the_row(connection: Connection) -> None:
        async with connection.transaction():
            await connection.execute(f"set local lock_timeout = {PATIENT_LOCK_MS}")
            await connection.execute(update)

    async with AsyncExitStack() as stack:
        holder, *waiting = [await stack.enter_async_context(database.connection()) for _ in range(4)]
        await holder.execute("insert into installation (name, value) values ('row', '')")
        await holder.execute("begin")
        await holder.execute(update)
        waits = []
        for connection in waiting:
            waits.append(asyncio.create_task(wait_for_the_row(connection)))
            while not await holder.fetchval(
                "select exists (select from pg_locks where pid = $1 and not granted)", connection.get_server_pid()
            ):
                await asyncio.sleep(0.01)
            # The next one begins to wait in the queue when this one has waited for a while.
            await asyncio.sleep(PATIENT_LOCK_MS / 10_000)
        # The holder is idle from here on, as if it was frozen.
        await holder.fetchval("select 1")
        errors = await asyncio.gather(*waits, return_exceptions=True)
        assert {type(error) for error in errors} == {asyncpg.LockNotAvailableError}
        await holder.execute("rollback")


def test_column_lists_and_arrays() -> None:
    assert columns("app", "number, name") == "app.number, app.name"
    assert column_arrays([("a", 1), ("b", 2)], 2) == [["a", "b"], [1, 2]]
    assert column_arrays([], 2) == [[], []]


@pytest.mark.parametrize(("status", "count"), [("INSERT 0 3", 3), ("UPDATE 0", 0), ("DELETE 12", 12)])
def test_affected_rows_are_read_from_the_status(status: str, count: int) -> None:
    assert affected_rows(status) == count
