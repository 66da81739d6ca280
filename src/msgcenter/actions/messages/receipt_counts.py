"""Counting receipts, of which there may be millions."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Sequence
from typing import NamedTuple

from msgcenter.database.database import Database
from msgcenter.domain.message import Message
from msgcenter.store.mailboxes import broadcast_receipts, receipts
from msgcenter.store.mailboxes.receipts import ReceiptTotals

_GREAT_AT_ONCE = 2
_QUICK_SECONDS = 0.5
_GOOD_FOR = 10
_KEPT = 1_000


class _Counted(NamedTuple):
    message: Message
    counts: ReceiptTotals
    until: float


class _Counting(NamedTuple):
    message: Message
    counts: "asyncio.Task[ReceiptTotals]"


class ReceiptCounts:
    """ReceiptTotals receipts afresh each time, but those of a great audience that took long to count.

    Such counts stay good for ten times as long as they took, whoever asks meanwhile waits for the count that is under
    way, and few of them run at once, each giving its connection back after every part: so those who ask all the time
    keep neither the database nor its connections from others.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._counted: OrderedDict[int, _Counted] = OrderedDict()
        self._counting: dict[int, _Counting] = {}
        self._great = asyncio.Semaphore(_GREAT_AT_ONCE)

    async def of(self, message: Message) -> ReceiptTotals:
        """Return the counts of a message."""
        (counts,) = await self.of_all([message])
        return counts

    async def of_all(self, messages: Sequence[Message]) -> list[ReceiptTotals]:
        """Return the counts of messages; those to receivers cost one statement together."""
        direct = [message for message in messages if message.topic_number is None]
        found: dict[int, ReceiptTotals] = {}
        if direct:
            async with self._database.connection() as connection:
                counts = await receipts.count_receipts(connection, direct)
            found = {message.id: one for message, one in zip(direct, counts, strict=True)}
        return [found[one.id] if one.topic_number is None else await self._of_broadcast(one) for one in messages]

    async def of_few(self, message: Message, most: int) -> ReceiptTotals | None:
        """Return the counts of a message to a topic or to everyone, None if it is for more than `most` users.

        Those of more may be known from before.
        """
        if (known := self._known(message)) is not None:
            return known
        async with self._database.connection() as connection:
            counts, last = await broadcast_receipts.count_receipts(connection, message, limit=most + 1)
        return counts if last is None else None

    def _known(self, message: Message) -> ReceiptTotals | None:
        known = self._counted.get(message.id)
        is_good = known is not None and known.message == message and known.until > time.monotonic()
        return known.counts if known is not None and is_good else None

    async def _of_broadcast(self, message: Message) -> ReceiptTotals:
        if (known := self._known(message)) is not None:
            return known
        first, last = await self._part(message, "")
        if last is None:
            return first
        under_way = self._counting.get(message.id)
        if under_way is None or under_way.message != message:
            under_way = _Counting(message, asyncio.create_task(self._count_great(message, first, last)))
            self._counting[message.id] = under_way
        return await asyncio.shield(under_way.counts)

    async def _part(self, message: Message, after: str) -> tuple[ReceiptTotals, str | None]:
        async with self._database.connection() as connection:
            return await broadcast_receipts.count_receipts(connection, message, after)

    async def _count_great(self, message: Message, counts: ReceiptTotals, last: str | None) -> ReceiptTotals:
        """Go on counting after the first part."""
        try:
            async with self._great:
                begun = time.monotonic()
                while last is not None:
                    part, last = await self._part(message, last)
                    counts = ReceiptTotals(*map(sum, zip(counts, part, strict=True)))
                self._keep(message, counts, time.monotonic() - begun)
            return counts
        finally:
            under_way = self._counting.get(message.id)
            if under_way is not None and under_way.message is message:
                del self._counting[message.id]

    def _keep(self, message: Message, counts: ReceiptTotals, took: float) -> None:
        if took > _QUICK_SECONDS:
            self._counted[message.id] = _Counted(message, counts, time.monotonic() + _GOOD_FOR * took)
            if len(self._counted) > _KEPT:
                self._counted.popitem(last=False)
