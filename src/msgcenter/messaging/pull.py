"""Pulling: a mailbox takes over what the feed has for it, before anybody looks into it."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from msgcenter.database.database import Connection, Database
from msgcenter.domain.account import Recipient
from msgcenter.messaging.send import Delivery, deliver
from msgcenter.store.mailboxes import feed, pages, reading
from msgcenter.store.mailboxes.feed import Action, Pending
from msgcenter.store.mailboxes.pages import PageChange, PageKey, change_pages, page_key

_MAILBOXES_PER_COMMIT = 200
_ENTRIES_PER_COMMIT = 5_000
"""Of the feed, for all mailboxes of a transaction together: who was away for long pulls in several."""


async def bring_up_to_date(database: Database, recipients: Collection[Recipient], now: int) -> None:
    """Let those of the mailboxes that are behind pull, at `now` (ms since 1970)."""
    async with database.connection() as connection:
        lagging = await feed.behind(connection, recipients)
    while lagging:
        part = lagging[:_MAILBOXES_PER_COMMIT]

        async def write(connection: Connection, part: list[Recipient] = part) -> list[Recipient]:
            return await _pull_some(connection, part, now)

        lagging = await database.in_transaction(write) + lagging[_MAILBOXES_PER_COMMIT:]


async def refresh(database: Database, recipient: Recipient, now: int) -> None:
    """Let a mailbox pull, and rid it of what has expired at `now` (ms since 1970)."""
    await bring_up_to_date(database, [recipient], now)
    async with database.connection() as connection:
        stale = await reading.has_expired(connection, recipient, now)
    if stale:

        async def sweep(connection: Connection) -> None:
            await pages.sweep_expired(connection, [recipient], now)

        await database.in_transaction(sweep)


async def pull(connection: Connection, recipients: Sequence[Recipient], now: int) -> None:
    """Let mailboxes take over all that the feed has for them.

    Runs inside a transaction, before this locks any page: whoever pulls, joins or leaves holds the mailbox first.
    """
    left = recipients
    while left:
        left = await _pull_some(connection, left, now)


async def _pull_some(connection: Connection, recipients: Sequence[Recipient], now: int) -> list[Recipient]:
    """Let mailboxes take over what a transaction can bear of that; return those, sorted, that may have more to pull."""
    marks = await feed.lock_marks(connection, recipients)
    if not marks:
        return []
    each = max(1, _ENTRIES_PER_COMMIT // len(marks))
    pending = await feed.pending(connection, marks, each)
    news = _sorted_out([entry for entries in pending for entry in entries], now)
    await deliver(connection, news.arrived)
    if news.unread_again:
        await change_pages(connection, news.unread_again, now)
    if news.withdrawn:
        await pages.withdraw(connection, news.withdrawn)
    pulled_to = {
        mark.recipient: entries[-1].position if len(entries) == each else mark.head
        for mark, entries in zip(marks, pending, strict=True)
    }
    await feed.set_pulled(connection, pulled_to)
    return [mark.recipient for mark, entries in zip(marks, pending, strict=True) if len(entries) == each]


class _News(NamedTuple):
    arrived: list[Delivery]
    withdrawn: list[tuple[PageKey, int]]
    unread_again: dict[PageKey, PageChange]


def _sorted_out(entries: Sequence[Pending], now: int) -> _News:
    """Tell what is to be added to the mailboxes, and what is to happen to entries that they have."""
    arrived: dict[tuple[Recipient, int], Pending] = {}
    withdrawn: list[tuple[PageKey, int]] = []
    unread: dict[PageKey, set[int]] = defaultdict(set)
    for entry in entries:
        itself = (entry.recipient, entry.message_id)
        place = page_key(entry.recipient, entry.message_id, entry.app_number)
        if entry.action is Action.MESSAGE:
            if entry.expires_at is None or entry.expires_at > now:
                arrived[itself] = entry
        elif entry.action is Action.UNREAD_AGAIN:
            if itself not in arrived:
                unread[place].add(entry.message_id)
        elif itself in arrived:
            del arrived[itself]
        else:
            withdrawn.append((place, entry.message_id))
    return _News(
        _deliveries(arrived.values()),
        sorted(withdrawn),
        {key: PageChange(unread=sorted(ids)) for key, ids in unread.items()},
    )


def _deliveries(arrived: Iterable[Pending]) -> list[Delivery]:
    users: dict[tuple[int, int, str, int | None], list[str]] = defaultdict(list)
    for entry in arrived:
        users[entry.message_id, entry.app_number, entry.recipient.platform_code, entry.expires_at].append(
            entry.recipient.user_id
        )
    return [
        Delivery(message_id, app_number, platform_code, tuple(user_ids), expires_at)
        for (message_id, app_number, platform_code, expires_at), user_ids in users.items()
    ]
