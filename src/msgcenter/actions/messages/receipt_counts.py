"""Counting receipts, of which there may be millions."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Sequence
from typing import NamedTuple

from msgcenter.database.database import Database
from msgcenter.domain.message import Message
from msgcenter.store.mailboxes import broadcast_receipts, receipts
from msgcenter.store.mailboxes.broadcast_receipts import START, AudiencePlace
from msgcenter.store.mailboxes.receipts import ReceiptTotals

_LONG_COUNTS_AT_ONCE = 2
_QUICK_SECONDS = 0.5
"""A count that took longer is cached."""
_CACHED_FACTOR = 10
"""A cached count is good for this many times the seconds that it took."""
_CACHE_SIZE = 1_000


class _CachedCounts(NamedTuple):
    message: Message
    counts: ReceiptTotals
    good_until: float


class _RunningCount(NamedTuple):
    message: Message
    counts: "asyncio.Task[ReceiptTotals]"


class ReceiptCounts:
    """Counts receipts. Counts of large audiences that took long are cached for ten times as long as they took.

    Callers who want a count that is running share it. Few long counts run at once, and each returns its connection to
    the pool after every part. So repeated counts leave the database and its connections to other calls.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._cache: OrderedDict[int, _CachedCounts] = OrderedDict()
        self._running: dict[int, _RunningCount] = {}
        self._long_counts = asyncio.Semaphore(_LONG_COUNTS_AT_ONCE)

    async def of(self, message: Message) -> ReceiptTotals:
        """Return the counts of a message."""
        (counts,) = await self.of_all([message])
        return counts

    async def of_all(self, messages: Sequence[Message]) -> list[ReceiptTotals]:
        """Return the counts of messages. All direct messages together cost one statement for each cell."""
        direct = [message for message in messages if message.topic_number is None]
        direct_counts: dict[int, ReceiptTotals] = {}
        if direct:
            async with self._database.connection() as connection:
                all_counts = await receipts.count_receipts(connection, direct)
            direct_counts = {message.id: counts for message, counts in zip(direct, all_counts, strict=True)}
        return [
            direct_counts[message.id] if message.topic_number is None else await self._of_pulled(message)
            for message in messages
        ]

    async def of_few(self, message: Message, limit: int) -> ReceiptTotals | None:
        """Return the counts of a message to a topic or a broadcast; None if it is for more than `limit` users.

        A cached count is returned in any case.
        """
        if (cached := self._cached(message)) is not None:
            return cached
        counts = ReceiptTotals(0, 0, 0)
        place: AudiencePlace | None = START
        while place is not None:
            async with self._database.connection() as connection:
                left = limit + 1 - counts.receivers
                part, place = await broadcast_receipts.count_receipts(connection, message, place, left)
            counts = _sum(counts, part)
            if counts.receivers > limit:
                return None
        return counts

    def _cached(self, message: Message) -> ReceiptTotals | None:
        cached = self._cache.get(message.id)
        is_good = cached is not None and cached.message == message and cached.good_until > time.monotonic()
        return cached.counts if cached is not None and is_good else None

    async def _of_pulled(self, message: Message) -> ReceiptTotals:
        if (cached := self._cached(message)) is not None:
            return cached
        first, last = await self._count_part(message, START)
        if last is None:
            return first
        running = self._running.get(message.id)
        if running is None or running.message != message:
            running = _RunningCount(message, asyncio.create_task(self._count_rest(message, first, last)))
            self._running[message.id] = running
        return await asyncio.shield(running.counts)

    async def _count_part(self, message: Message, after: AudiencePlace) -> tuple[ReceiptTotals, AudiencePlace | None]:
        async with self._database.connection() as connection:
            return await broadcast_receipts.count_receipts(connection, message, after)

    async def _count_rest(self, message: Message, counts: ReceiptTotals, last: AudiencePlace | None) -> ReceiptTotals:
        """Add the counts of all parts after the first to `counts`."""
        try:
            async with self._long_counts:
                begun = time.monotonic()
                while last is not None:
                    part, last = await self._count_part(message, last)
                    counts = _sum(counts, part)
                self._add_to_cache(message, counts, time.monotonic() - begun)
            return counts
        finally:
            running = self._running.get(message.id)
            if running is not None and running.message is message:
                del self._running[message.id]

    def _add_to_cache(self, message: Message, counts: ReceiptTotals, seconds: float) -> None:
        if seconds > _QUICK_SECONDS:
            self._cache[message.id] = _CachedCounts(message, counts, time.monotonic() + _CACHED_FACTOR * seconds)
            if len(self._cache) > _CACHE_SIZE:
                self._cache.popitem(last=False)


def _sum(counts: ReceiptTotals, part: ReceiptTotals) -> ReceiptTotals:
    return ReceiptTotals(*map(sum, zip(counts, part, strict=True)))
