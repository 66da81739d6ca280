"""Pulling: a mailbox copies what the feed has for it, before it is read, counted or changed."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from itertools import groupby
from typing import NamedTuple

from msgcenter.database.database import Connection, Database
from msgcenter.domain.account import Platform, Recipient
from msgcenter.domain.message_id import bucket_of
from msgcenter.messaging.add_entries import NewEntries, add_entries
from msgcenter.store.mailboxes import entry_changes, feed
from msgcenter.store.mailboxes.feed import FeedAction, PendingRow
from msgcenter.store.mailboxes.pages import PageKey
from msgcenter.store.mailboxes.read_states import PageChange, change_pages

_MAILBOXES_PER_COMMIT = 200
_ENTRIES_PER_COMMIT = 5_000
"""Feed rows, for all mailboxes of a transaction together. A mailbox with more to pull takes several transactions."""


async def pull(database: Database, recipients: Collection[Recipient], now: int) -> None:
    """Make those of the mailboxes pull that need it, at `now` (ms since 1970)."""
    for cell, cell_recipients in groupby(sorted(recipients), key=lambda recipient: recipient.cell):
        by_user = {recipient.user_id: recipient for recipient in cell_recipients}
        async with database.connection() as connection:
            remaining = await feed.mailboxes_to_pull(connection, cell, by_user)
        while remaining:
            batch, rest = remaining[:_MAILBOXES_PER_COMMIT], remaining[_MAILBOXES_PER_COMMIT:]
            platform = by_user[batch[0]].platform
            remaining = await database.in_transaction(_pull_batch, platform, cell, batch, now) + rest


async def pull_within(connection: Connection, recipient: Recipient, now: int) -> None:
    """Make a mailbox pull everything in the caller's transaction, which must not have locked a page yet.

    Lock order: a pull, and whatever adds or removes a subscription, locks the mailbox before its pages.
    """
    await pull_all_within(connection, recipient.platform, recipient.cell, [recipient.user_id], now)


async def pull_all_within(
    connection: Connection, platform: Platform, cell: int, user_ids: Sequence[str], now: int
) -> None:
    """Make the mailboxes of users of a cell pull everything, as `pull_within` does."""
    remaining = user_ids
    while remaining:
        remaining = await _pull_batch(connection, platform, cell, remaining, now)


async def _pull_batch(
    connection: Connection, platform: Platform, cell: int, user_ids: Sequence[str], now: int
) -> list[str]:
    """Pull as many feed rows as one transaction should, for users of a cell of the platform.

    Return, sorted, the users whose mailboxes may have more to pull.
    """
    states = await feed.lock_pull_states(connection, cell, user_ids)
    if not states:
        return []
    limit = max(1, _ENTRIES_PER_COMMIT // len(states))
    pending = await feed.pending_rows(connection, cell, states, limit)
    effects = _effects(cell, [row for rows in pending for row in rows], now)
    await add_entries(connection, effects.new_entries, are_known=True)
    if effects.unread:
        await change_pages(connection, platform, effects.unread, now)
    if effects.withdrawn:
        await entry_changes.withdraw(connection, effects.withdrawn)
    positions = {
        state.user_id: rows[-1].position if len(rows) == limit else state.feed_position
        for state, rows in zip(states, pending, strict=True)
    }
    await feed.set_pull_positions(connection, cell, positions)
    return [state.user_id for state, rows in zip(states, pending, strict=True) if len(rows) == limit]


class _Effects(NamedTuple):
    """What feed rows do to mailboxes: entries to add, to withdraw (sorted) and to set unread."""

    new_entries: list[NewEntries]
    withdrawn: list[tuple[PageKey, int]]
    unread: dict[PageKey, PageChange]


def _effects(cell: int, rows: Sequence[PendingRow], now: int) -> _Effects:
    """Return the effects of feed rows of a cell, which are in feed order for each mailbox.

    A row about a message that arrives with the same pull changes only what arrives.
    """
    arriving: dict[tuple[str, int], PendingRow] = {}
    withdrawn: list[tuple[PageKey, int]] = []
    unread: dict[PageKey, set[int]] = defaultdict(set)
    for row in rows:
        entry = (row.user_id, row.message_id)
        page = PageKey(cell, row.user_id, bucket_of(row.message_id), row.app_number)
        if row.action is FeedAction.MESSAGE:
            if row.expires_at is None or row.expires_at > now:
                arriving[entry] = row
        elif row.action is FeedAction.UNREAD_AGAIN:
            if entry not in arriving:
                unread[page].add(row.message_id)
        elif entry in arriving:
            del arriving[entry]
        else:
            withdrawn.append((page, row.message_id))
    return _Effects(
        _new_entries(cell, arriving.values()),
        sorted(withdrawn),
        {page: PageChange(unread=sorted(ids)) for page, ids in unread.items()},
    )


def _new_entries(cell: int, rows: Iterable[PendingRow]) -> list[NewEntries]:
    users: dict[tuple[int, int, int | None], list[str]] = defaultdict(list)
    for row in rows:
        users[row.message_id, row.app_number, row.expires_at].append(row.user_id)
    return [
        NewEntries(message_id, app_number, cell, tuple(user_ids), expires_at)
        for (message_id, app_number, expires_at), user_ids in users.items()
    ]
