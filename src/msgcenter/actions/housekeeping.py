"""What grows and must go: expired tokens and old idempotency keys."""

import asyncio
from contextlib import suppress

from msgcenter.domain.message import IDEMPOTENCY_MS
from msgcenter.domain.message_id import now_ms
from msgcenter.domain.refusal import Refusal
from msgcenter.store import accounts, idempotency
from msgcenter.store.database import Database

_EVERY_SECONDS = 300
_ROWS_PER_STATEMENT = 1_000


async def keep_house(database: Database) -> None:
    """Clean up every five minutes until cancelled. Any number of processes may: each deletes what is left."""
    while True:
        with suppress(Refusal):  # while the database is away, what is left over waits
            await clean_up(database)
        await asyncio.sleep(_EVERY_SECONDS)


async def clean_up(database: Database) -> int:
    """Delete what is past its time, in small statements; return how many rows."""
    deleted = 0
    while True:
        now = now_ms()
        async with database.connection() as connection:
            batch = await accounts.delete_expired_tokens(connection, now, _ROWS_PER_STATEMENT)
            batch += await idempotency.delete_old(connection, now - IDEMPOTENCY_MS, _ROWS_PER_STATEMENT)
        deleted += batch
        if batch < _ROWS_PER_STATEMENT:
            return deleted
