"""Bytes on disk per delivered message, measured with messages to a thousand recipients each."""

import msgspec

from bench.api import Api
from bench.databases import Postgres, TableSize
from bench.mailboxes import GROUP, users


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


async def growth(api: Api, postgres: Postgres, messages: int) -> Growth:
    """Send messages to the same thousand users, one call at a time, and return the growth of the tables."""
    receivers = users("class", GROUP)
    before = await postgres.table_sizes()
    wal_before = await postgres.wal_position()
    requests = [
        api.send_text(receivers, f"The parents' evening of class {number} begins at seven.")
        for number in range(messages)
    ]
    await api.call_all(requests, connections=1)
    raw = _difference(before, await postgres.table_sizes())
    wal = await postgres.wal_position() - wal_before
    await postgres.vacuum()
    return Growth(
        deliveries=messages * GROUP,
        tables=_difference(before, await postgres.table_sizes()),
        raw_bytes=sum(table.total for table in raw),
        wal_bytes=wal,
    )


def _difference(before: dict[str, TableSize], after: dict[str, TableSize]) -> list[TableSize]:
    nothing = TableSize("", 0, 0)
    grown = [
        TableSize(name, size.heap - before.get(name, nothing).heap, size.indexes - before.get(name, nothing).indexes)
        for name, size in after.items()
    ]
    return sorted((table for table in grown if table.total), key=lambda table: -table.total)
