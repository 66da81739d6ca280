"""Pulling: a mailbox copies what the feed has for it, before it is read, counted or changed."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from msgcenter.database.database import Connection, Database
from msgcenter.domain.account import Recipient
from msgcenter.messaging.add_entries import NewEntries, add_entries
from msgcenter.store.mailboxes import entry_changes, feed
from msgcenter.store.mailboxes.feed import FeedAction, PendingRow
from msgcenter.store.mailboxes.pages import PageKey, page_key
from msgcenter.store.mailboxes.read_states import PageChange, change_pages

_MAILBOXES_PER_COMMIT = 200
_ENTRIES_PER_COMMIT = 5_000
"""Feed rows, for all mailboxes of a transaction together. A mailbox with more to pull takes several transactions."""


async def pull(database: Database, recipients: Collection[Recipient], now: int) -> None:
    """Make those of the mailboxes pull that need it, at `now` (ms since 1970)."""
    async with database.connection() as connection:
        remaining = await feed.mailboxes_to_pull(connection, recipients)
    while remaining:
        batch, rest = remaining[:_MAILBOXES_PER_COMMIT], remaining[_MAILBOXES_PER_COMMIT:]
        remaining = await database.in_transaction(_pull_batch, batch, now) + rest


async def pull_within(connection: Connection, recipients: Sequence[Recipient], now: int) -> None:
    """Make mailboxes pull everything in the caller's transaction, which must not have locked a page yet.

    Lock order: a pull, and whatever adds or removes a subscription, locks the mailbox before its pages.
    """
    remaining = recipients
    while remaining:
        remaining = await _pull_batch(connection, remaining, now)


async def _pull_batch(connection: Connection, recipients: Sequence[Recipient], now: int) -> list[Recipient]:
    """Pull as many feed rows as one transaction should. Return, sorted, the mailboxes that may have more to pull."""
    states = await feed.lock_pull_states(connection, recipients)
    if not states:
        return []
    limit = max(1, _ENTRIES_PER_COMMIT // len(states))
    pending = await feed.pending_rows(connection, states, limit)
    effects = _effects([row for rows in pending for row in rows], now)
    await add_entries(connection, effects.new_entries)
    if effects.unread:
        await change_pages(connection, effects.unread, now)
    if effects.withdrawn:
        await entry_changes.withdraw(connection, effects.withdrawn)
    positions = {
        state.recipient: rows[-1].position if len(rows) == limit else state.feed_position
        for state, rows in zip(states, pending, strict=True)
    }
    await feed.set_pull_positions(connection, positions)
    return [state.recipient for state, rows in zip(states, pending, strict=True) if len(rows) == limit]


class _Effects(NamedTuple):
    """What feed rows do to mailboxes: entries to add, to withdraw (sorted) and to set unread."""

    new_entries: list[NewEntries]
    withdrawn: list[tuple[PageKey, int]]
    unread: dict[PageKey, PageChange]


def _effects(rows: Sequence[PendingRow], now: int) -> _Effects:
    """Return the effects of feed rows, which are in feed order for each mailbox.

    A row about a message that arrives with the same pull changes only what arrives.
    """
    arriving: dict[tuple[Recipient, int], PendingRow] = {}
    withdrawn: list[tuple[PageKey, int]] = []
    unread: dict[PageKey, set[int]] = defaultdict(set)
    for row in rows:
        entry = (row.recipient, row.message_id)
        page = page_key(row.recipient, row.message_id, row.app_number)
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
        _new_entries(arriving.values()),
        sorted(withdrawn),
        {page: PageChange(unread=sorted(ids)) for page, ids in unread.items()},
    )


def _new_entries(rows: Iterable[PendingRow]) -> list[NewEntries]:
    users: dict[tuple[int, int, str, int | None], list[str]] = defaultdict(list)
    for row in rows:
        message = (row.message_id, row.app_number, row.recipient.platform_code, row.expires_at)
        users[message].append(row.recipient.user_id)
    return [
        NewEntries(message_id, app_number, platform_code, tuple(user_ids), expires_at)
        for (message_id, app_number, platform_code, expires_at), user_ids in users.items()
    ]
