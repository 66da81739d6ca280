"""Counting receipts, of which there may be millions."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Sequence
from typing import NamedTuple

from msgcenter.database.database import Database
from msgcenter.domain.audience import is_org_audience
from msgcenter.domain.message import Message
from msgcenter.store.directory import recipients
from msgcenter.store.directory.audiences import find_audience
from msgcenter.store.directory.recipients import WHOLE, CountedPart, Walk, add_counts
from msgcenter.store.mailboxes import broadcast_receipts, receipts
from msgcenter.store.mailboxes.audience_place import START, AudiencePlace
from msgcenter.store.mailboxes.receipts import ReceiptTotals

_LONG_COUNTS_AT_ONCE = 2
_QUICK_SECONDS = 0.5
"""A count that took longer is cached."""
_CACHED_FACTOR = 10
"""A cached count is good for this many times the seconds that it took."""
_CACHE_SIZE = 1_000
_NOBODY = ReceiptTotals(0, 0, 0)


_Counts = dict[int, ReceiptTotals]
"""Counts by the number of an organisation, or `WHOLE`."""


class _Task(NamedTuple):
    """What to count: the receipts of a message, of all recipients or (`groups`) of organisations that it reached."""

    message: Message
    groups: tuple[int, ...] | None = None

    @property
    def key(self) -> tuple[int, tuple[int, ...] | None]:
        """What identifies it, whatever has become of the message."""
        return self.message.id, self.groups


class _CachedCounts(NamedTuple):
    task: _Task
    counts: _Counts
    good_until: float


class _RunningCount(NamedTuple):
    task: _Task
    counts: "asyncio.Task[_Counts]"


class ReceiptCounts:
    """Counts receipts. Counts of large audiences that took long are cached for ten times as long as they took.

    Callers who want a count that is running share it. Few long counts run at once, and each returns its connection to
    the pool after every part. So repeated counts leave the database and its connections to other calls.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._cache: OrderedDict[object, _CachedCounts] = OrderedDict()
        self._running: dict[object, _RunningCount] = {}
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
            direct_counts[message.id] if message.topic_number is None else _whole(await self._of_pulled(_Task(message)))
            for message in messages
        ]

    async def of_few(self, message: Message, limit: int) -> ReceiptTotals | None:
        """Return the counts of a pulled message; None if more than `limit` users must be looked at for them.

        A cached count is returned in any case.
        """
        task = _Task(message)
        if (cached := self._cached(task)) is not None:
            return _whole(cached)
        parts: list[_Counts] = []
        looked_at = 0
        place: AudiencePlace | None = START
        while place is not None:
            part = await self._count_part(task, place, limit + 1 - looked_at)
            parts.append(part.counts)
            looked_at += part.looked_at
            if looked_at > limit:
                return None
            place = part.next_place
        return _whole(add_counts(parts))

    async def of_organisations(self, message: Message, org_numbers: Sequence[int]) -> dict[int, ReceiptTotals]:
        """Return the counts of a message to organisations for each of these organisations with all below it.

        Each user counts once in each of them. An organisation without recipients is left out.
        """
        return await self._of_pulled(_Task(message, tuple(org_numbers)))

    def _cached(self, task: _Task) -> _Counts | None:
        cached = self._cache.get(task.key)
        is_good = cached is not None and cached.task == task and cached.good_until > time.monotonic()
        return cached.counts if cached is not None and is_good else None

    async def _of_pulled(self, task: _Task) -> _Counts:
        if (cached := self._cached(task)) is not None:
            return cached
        first = await self._count_part(task, START)
        if first.next_place is None:
            return first.counts
        running = self._running.get(task.key)
        if running is None or running.task != task:
            running = _RunningCount(task, asyncio.create_task(self._count_rest(task, first)))
            self._running[task.key] = running
        return await asyncio.shield(running.counts)

    async def _count_part(self, task: _Task, after: AudiencePlace, limit: int | None = None) -> CountedPart:
        message = task.message
        async with self._database.connection() as connection:
            if is_org_audience(message.topic_number):
                audience = await find_audience(connection, message.topic_number)
                walk = Walk(message, audience, task.groups)
                return await recipients.count_receipts(connection, walk, after, limit)
            counts, place = await broadcast_receipts.count_receipts(connection, message, after, limit)
            return CountedPart({WHOLE: counts}, counts.receivers, place)

    async def _count_rest(self, task: _Task, first: CountedPart) -> _Counts:
        """Return the counts of all parts, of which the first is known."""
        try:
            async with self._long_counts:
                begun = time.monotonic()
                parts, place = [first.counts], first.next_place
                while place is not None:
                    part = await self._count_part(task, place)
                    parts.append(part.counts)
                    place = part.next_place
                counts = add_counts(parts)
                self._add_to_cache(task, counts, time.monotonic() - begun)
            return counts
        finally:
            running = self._running.get(task.key)
            if running is not None and running.task is task:
                del self._running[task.key]

    def _add_to_cache(self, task: _Task, counts: _Counts, seconds: float) -> None:
        if seconds > _QUICK_SECONDS:
            self._cache[task.key] = _CachedCounts(task, counts, time.monotonic() + _CACHED_FACTOR * seconds)
            if len(self._cache) > _CACHE_SIZE:
                self._cache.popitem(last=False)


def _whole(counts: _Counts) -> ReceiptTotals:
    return counts.get(WHOLE, _NOBODY)
