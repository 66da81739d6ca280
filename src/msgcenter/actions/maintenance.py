"""Maintenance: deletes expired tokens, old keys and counts, and messages past their platform's retention."""

import asyncio
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import structlog

from msgcenter.actions.portal.throttle import WINDOW_MS
from msgcenter.actions.retention import remove_due
from msgcenter.database.database import Database
from msgcenter.domain.message import IDEMPOTENCY_MS
from msgcenter.domain.message_id import now_ms
from msgcenter.domain.refusal import Refusal
from msgcenter.domain.webhook import KEPT_MS
from msgcenter.messaging import groups
from msgcenter.store.apps import call_counts, quotas
from msgcenter.store.apps.tokens import delete_expired_tokens
from msgcenter.store.messages import idempotency
from msgcenter.store.portal import sessions
from msgcenter.store.portal.throttle import delete_old_throttles
from msgcenter.store.webhooks import deliveries, outbox

_log = structlog.get_logger(__name__)
_CLEAN_UP_SECONDS = 300
_RETENTION_SECONDS = 3_600
_ROWS_PER_STATEMENT = 1_000
STATISTICS_DAYS = 400
"""How long counts of calls and of daily quotas are kept: long enough to compare a year with the one before."""


async def run_maintenance(database: Database) -> None:
    """Clean up every five minutes and remove old messages every hour, until cancelled.

    Any number of processes may run it: each deletes what is left.
    """
    removed_at = float("-inf")
    while True:
        with suppress(Refusal):  # without the database, the next turn does the work
            await clean_up(database)
            if time.monotonic() - removed_at >= _RETENTION_SECONDS:
                await _remove_old_messages(database)
                removed_at = time.monotonic()
        await asyncio.sleep(_CLEAN_UP_SECONDS)


async def _remove_old_messages(database: Database) -> None:
    try:
        await remove_due(database)
    except Refusal:
        raise
    except Exception:  # an error here must not stop the deletion of tokens
        _log.exception("old messages could not be removed")


async def clean_up(database: Database) -> int:
    """Delete everything that is past its time, in small statements. Return how many rows were deleted."""
    deleted = 0
    while True:
        now = now_ms()
        async with database.connection() as connection:
            batch = await delete_expired_tokens(connection, now, _ROWS_PER_STATEMENT)
            batch += await sessions.delete_old_sessions(connection, now, _ROWS_PER_STATEMENT)
            batch += await delete_old_throttles(connection, now - WINDOW_MS, _ROWS_PER_STATEMENT)
            batch += await idempotency.delete_old(connection, now - IDEMPOTENCY_MS, _ROWS_PER_STATEMENT)
            batch += await deliveries.delete_old(connection, now - KEPT_MS, _ROWS_PER_STATEMENT)
            batch += await outbox.delete_old(connection, now - KEPT_MS, _ROWS_PER_STATEMENT)
            oldest = datetime.fromtimestamp(now / 1_000, UTC) - timedelta(days=STATISTICS_DAYS)
            batch += await call_counts.delete_old(connection, int(oldest.timestamp() * 1_000), _ROWS_PER_STATEMENT)
            batch += await quotas.delete_old(connection, oldest.date(), _ROWS_PER_STATEMENT)
        batch += await groups.remove_idle(database, now)
        deleted += batch
        if batch < _ROWS_PER_STATEMENT:
            return deleted
