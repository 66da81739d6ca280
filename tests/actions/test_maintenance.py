"""Maintenance deletes expired tokens and old request ids, in small statements and any number of processes."""

import asyncio
from contextlib import suppress

import pytest

from msgcenter.actions import maintenance
from msgcenter.actions.maintenance import clean_up, run_maintenance
from msgcenter.database.database import Database
from msgcenter.domain.message import IDEMPOTENCY_MS
from msgcenter.domain.message_id import now_ms
from msgcenter.domain.refusal import Reason, Refusal
from tests.scene import rows

HOUR = 3_600_000


async def fill(database: Database, old: int, new: int) -> None:
    """Add `old` tokens and request ids that are past their time, and `new` ones that are not."""
    now = now_ms()
    for count, expires_at, created_at in ((old, now - HOUR, now - IDEMPOTENCY_MS - HOUR), (new, now + HOUR, now)):
        name = "old" if count is old else "new"
        await rows(
            database,
            "insert into access_token (digest, app_number, key_version, expires_at)"
            " select ($1 || n)::bytea, 1, 1, $2 from generate_series(1, $3::int) as n",
            name,
            expires_at,
            count,
        )
        await rows(
            database,
            "insert into idempotency_key (cell, app_number, request_id, digest, message_id, created_at)"
            " select 1, 1, $1 || n, '', n, $2 from generate_series(1, $3::int) as n",
            name,
            created_at,
            count,
        )


async def remaining(database: Database) -> tuple[int, int]:
    """Return the numbers of tokens and request ids."""
    (row,) = await rows(
        database, "select (select count(*) from access_token) as t, (select count(*) from idempotency_key) as k"
    )
    return row["t"], row["k"]


async def test_only_expired_rows_are_deleted(database: Database) -> None:
    await fill(database, 2_300, 7)
    assert await clean_up(database) == 4_600
    assert await remaining(database) == (7, 7)
    assert await clean_up(database) == 0


async def test_several_processes_share_the_work(database: Database) -> None:
    await fill(database, 2_500, 3)
    assert sum(await asyncio.gather(*(clean_up(database) for _ in range(3)))) == 5_000
    assert await remaining(database) == (3, 3)


async def test_maintenance_continues_after_an_outage(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    await fill(database, 3, 1)
    attempts = 0

    async def fail_first(database: Database) -> int:
        nonlocal attempts
        attempts += 1
        if attempts == 1:
            raise Refusal(Reason.DATABASE_UNAVAILABLE)
        return await clean_up(database)

    monkeypatch.setattr(maintenance, "clean_up", fail_first)
    monkeypatch.setattr(maintenance, "_CLEAN_UP_SECONDS", 0.01)
    running = asyncio.create_task(run_maintenance(database))
    async with asyncio.timeout(60):
        while await remaining(database) != (1, 1):
            await asyncio.sleep(0.01)
    assert not running.done()
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
