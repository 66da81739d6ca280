"""Mailboxes as they are now: what the feed has for them is pulled, and expired entries are withdrawn.

Whatever reads or counts mailboxes begins here. What sets read states (`set_status`) does both in its own statements,
which saves a round trip.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar

from msgcenter.database.database import Connection, Database
from msgcenter.domain.account import Recipient
from msgcenter.messaging.pull import pull, pull_within
from msgcenter.store.mailboxes import sweeping
from msgcenter.store.mailboxes.mailbox_reads import IdQuery, ListQuery, Reading
from msgcenter.store.mailboxes.sweeping import sweep_mailboxes

Counted = TypeVar("Counted")
Count = Callable[[Connection], Awaitable[tuple[Counted, Collection[Recipient]]]]
"""Returns counts, and the mailboxes whose expired entries must be withdrawn before their counts are right."""
Query = TypeVar("Query", ListQuery, IdQuery)


@asynccontextmanager
async def current_mailbox(database: Database, recipient: Recipient, now: int) -> AsyncIterator[Connection]:
    """Give a connection on which a mailbox has pulled and holds nothing that has expired at `now` (ms since 1970)."""
    async with pulled_mailboxes(database, [recipient], now) as connection:
        if not await sweeping.has_expired(connection, recipient, now):
            yield connection
            return
    await database.in_transaction(sweep_mailboxes, [recipient], now)
    async with database.connection() as connection:
        yield connection


@asynccontextmanager
async def pulled_mailboxes(
    database: Database, recipients: Collection[Recipient], now: int
) -> AsyncIterator[Connection]:
    """Give a connection on which mailboxes have pulled, for readers that leave out expired entries themselves."""
    await pull(database, recipients, now)
    async with database.connection() as connection:
        yield connection


async def make_current(connection: Connection, recipient: Recipient, now: int) -> None:
    """Pull and withdraw expired entries in the caller's transaction, which must not have locked a page yet."""
    await pull_within(connection, recipient, now)
    await sweep_mailboxes(connection, [recipient], now)


async def read_current(
    database: Database,
    queries: Sequence[Query],
    now: int,
    read: Callable[[Connection, Sequence[Query]], Awaitable[list[Reading]]],
) -> list[Reading]:
    """Return the readings of mailboxes as they are at `now` (ms since 1970).

    `read` itself tells which mailboxes are not current, which costs it almost nothing. Only those pull or are swept,
    and are read again. All this is in tables of cells.
    """
    cells = database.cells
    async with cells.connection() as connection:
        readings = await read(connection, queries)
    stale = [place for place, reading in enumerate(readings) if not reading.is_current]
    if not stale:
        return readings
    await pull(cells, {queries[place].recipient for place in stale if readings[place].is_behind}, now)
    expired = sorted({queries[place].recipient for place in stale if readings[place].has_expired})
    if expired:
        await cells.in_transaction(sweep_mailboxes, expired, now)
    async with cells.connection() as connection:
        for place, reading in zip(stale, await read(connection, [queries[place] for place in stale]), strict=True):
            readings[place] = reading
    return readings


async def count_current(
    database: Database, recipients: Collection[Recipient], now: int, count: Count[Counted]
) -> Counted:
    """Return the counts of mailboxes of one cell as they are at `now`.

    `count` itself finds the mailboxes with expired entries, which costs it nothing; only with such does it run twice.
    All this is in tables of cells.
    """
    cells = database.cells
    async with pulled_mailboxes(cells, recipients, now) as connection:
        counts, stale = await count(connection)
    if not stale:
        return counts
    await cells.in_transaction(sweep_mailboxes, sorted(stale), now)
    async with cells.connection() as connection:
        counts, _ = await count(connection)
    return counts
