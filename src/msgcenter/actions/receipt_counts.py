"""Counting receipts, of which there may be millions."""

import time
from collections import OrderedDict
from typing import NamedTuple

from msgcenter.domain.message import Message
from msgcenter.store import feed_receipts, receipts
from msgcenter.store.database import Connection
from msgcenter.store.receipts import Counts

_MANY = 20_000
_QUICK_SECONDS = 0.5
_GOOD_FOR = 10
_KEPT = 1_000


class _Counted(NamedTuple):
    message: Message
    counts: Counts
    until: float


class ReceiptCounts:
    """Counts receipts afresh each time, but those of a great audience that took long to count.

    Such counts stay good for ten times as long as they took, so that whoever asks all the time does not keep the
    database busy with it.
    """

    def __init__(self) -> None:
        self._counted: OrderedDict[int, _Counted] = OrderedDict()

    async def of(self, connection: Connection, message: Message) -> Counts:
        """Return the counts of a message."""
        if message.topic_number is None:
            return await receipts.count_states(connection, message)
        known = self._counted.get(message.id)
        if known is not None and known.message == message and known.until > time.monotonic():
            return known.counts
        begun = time.monotonic()
        counts = await feed_receipts.count_states(connection, message)
        took = time.monotonic() - begun
        if took > _QUICK_SECONDS and counts.receivers > _MANY:
            self._counted[message.id] = _Counted(message, counts, time.monotonic() + _GOOD_FOR * took)
            if len(self._counted) > _KEPT:
                self._counted.popitem(last=False)
        return counts
