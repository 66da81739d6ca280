"""Bytes on disk per delivered message, measured with messages to the same large class."""

from typing import NamedTuple

import msgspec

from bench.api import Api
from bench.databases import Postgres, TableSize
from bench.mailboxes import Mailbox, mailboxes_of, users
from bench.options import Sizes

_MESSAGES_PER_LOOK = 100


class Growth(msgspec.Struct, frozen=True):
    """The growth of the tables by a number of deliveries, after VACUUM; `raw_bytes` is the growth before it."""

    deliveries: int
    tables: list[TableSize]
    raw_bytes: int
    wal_bytes: int

    @property
    def bytes_per_delivery(self) -> float:
        """The growth of all tables per delivery."""
        return sum(table.total for table in self.tables) / self.deliveries


class FilledClass(NamedTuple):
    """The mailboxes of a class, and what they cost on disk."""

    mailboxes: list[Mailbox]
    growth: Growth


async def fill_class(api: Api, postgres: Postgres, sizes: Sizes) -> FilledClass:
    """Send messages to the same users, one call at a time, and measure the growth of the tables.

    After every hundred messages all receivers look at their mailboxes, so that messages are measured as they are stored
    for their receivers, whether the send or the receiver's next call stores them there.
    """
    receivers = users("class", sizes.group)
    looks = [api.unread_count(user_id) for user_id in receivers]
    texts = [f"The parents' evening of class {number} begins at seven." for number in range(sizes.messages)]
    before = await postgres.table_sizes()
    wal_before = await postgres.wal_position()
    answers: list[bytes] = []
    for start in range(0, len(texts), _MESSAGES_PER_LOOK):
        sends = [api.send_text(receivers, text) for text in texts[start : start + _MESSAGES_PER_LOOK]]
        answers += await api.call_all(sends, connections=1)
        await api.call_all(looks)
    raw = _difference(before, await postgres.table_sizes())
    wal = await postgres.wal_position() - wal_before
    await postgres.vacuum()
    growth = Growth(
        deliveries=sizes.messages * sizes.group,
        tables=_difference(before, await postgres.table_sizes()),
        raw_bytes=sum(table.total for table in raw),
        wal_bytes=wal,
    )
    return FilledClass(mailboxes_of(receivers, answers), growth)


def _difference(before: dict[str, TableSize], after: dict[str, TableSize]) -> list[TableSize]:
    nothing = TableSize("", 0, 0)
    grown = [
        TableSize(name, size.heap - before.get(name, nothing).heap, size.indexes - before.get(name, nothing).indexes)
        for name, size in after.items()
    ]
    return sorted((table for table in grown if table.total), key=lambda table: -table.total)
