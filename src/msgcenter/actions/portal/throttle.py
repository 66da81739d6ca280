"""Limits for attempts that can fail. An attempt is counted before it is checked."""

from collections.abc import Sequence
from typing import NamedTuple

from msgcenter.database.database import Connection, Database
from msgcenter.domain.message_id import now_ms
from msgcenter.domain.person import ThrottledError
from msgcenter.store.portal.throttle import count_attempt, forgive_attempt

WINDOW_MS = 15 * 60_000


class Limit(NamedTuple):
    """How many attempts are checked in 15 minutes, and the name that they are counted under."""

    bucket: str
    tries: int


async def count(database: Database, limits: Sequence[Limit]) -> None:
    """Count an attempt for each of `limits`, in order. Raises ThrottledError at the first limit that is exceeded.

    The limits after it are not counted, so a throttled attacker cannot exhaust the limits of others.
    """
    now = now_ms()
    async with database.connection() as connection:
        for bucket, limit in limits:
            tries, since = await count_attempt(connection, bucket, now, WINDOW_MS)
            if tries > limit:
                raise ThrottledError(max(1, (since + WINDOW_MS - now) // 1_000))


async def forgive(connection: Connection, limits: Sequence[Limit]) -> None:
    """Take back the count of an attempt that succeeded."""
    for limit in limits:
        await forgive_attempt(connection, limit.bucket, all_of_them=False)
