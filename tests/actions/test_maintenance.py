"""What grows goes: expired tokens and old request ids, in small statements, by any number of processes."""

import asyncio
from contextlib import suppress

import pytest

from msgcenter.actions import maintenance
from msgcenter.actions.maintenance import clean_up, run_maintenance
from msgcenter.database.database import Database
from msgcenter.domain.message import IDEMPOTENCY_MS
from msgcenter.domain.message_id import now_ms
from msgcenter.domain.refusal import Reason, Refusal
from tests.store.scene import rows

HOUR = 3_600_000


async def fill(database: Database, old: int, new: int) -> None:
    """Add tokens and request ids that are past their time, and some that are not."""
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
            "insert into idempotency_key (app_number, request_id, digest, message_id, created_at)"
            " select 1, $1 || n, '', n, $2 from generate_series(1, $3::int) as n",
            name,
            created_at,
            count,
        )


async def left(database: Database) -> tuple[int, int]:
    """How many tokens and request ids there are."""
    (row,) = await rows(
        database, "select (select count(*) from access_token) as t, (select count(*) from idempotency_key) as k"
    )
    return row["t"], row["k"]


async def test_only_what_is_past_its_time_goes(database: Database) -> None:
    await fill(database, 2_300, 7)
    assert await clean_up(database) == 4_600
    assert await left(database) == (7, 7)
    assert await clean_up(database) == 0


async def test_several_processes_share_the_work(database: Database) -> None:
    await fill(database, 2_500, 3)
    assert sum(await asyncio.gather(*(clean_up(database) for _ in range(3)))) == 5_000
    assert await left(database) == (3, 3)


async def test_it_goes_on_after_the_database_was_away(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    await fill(database, 3, 1)
    tries = 0

    async def first_in_vain(given: Database) -> int:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise Refusal(Reason.DATABASE_UNAVAILABLE)
        return await clean_up(given)

    monkeypatch.setattr(maintenance, "clean_up", first_in_vain)
    monkeypatch.setattr(maintenance, "_CLEAN_UP_SECONDS", 0.01)
    keeping = asyncio.create_task(run_maintenance(database))
    async with asyncio.timeout(10):
        while await left(database) != (1, 1):
            await asyncio.sleep(0.01)
    assert not keeping.done()
    keeping.cancel()
    with suppress(asyncio.CancelledError):
        await keeping
