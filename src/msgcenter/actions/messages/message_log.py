"""The message log: searches of an app's members through its messages."""

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import NamedTuple

from msgcenter.actions.messages.receipt_counts import ReceiptCounts
from msgcenter.database.database import Connection, Database
from msgcenter.domain.account import Recipient
from msgcenter.domain.audience import EVERYONE, Organisations
from msgcenter.domain.list_page import ListPage, cut_page
from msgcenter.domain.message import Message, State
from msgcenter.domain.message_id import bucket_of, now_ms
from msgcenter.messaging.current_mailbox import pulled_mailboxes
from msgcenter.store.apps.platforms import find_platforms
from msgcenter.store.directory.audiences import organisations_of
from msgcenter.store.mailboxes import reading, topics, users
from msgcenter.store.mailboxes.reading import EntryQuery
from msgcenter.store.mailboxes.receipts import ReceiptTotals
from msgcenter.store.messages import audiences, messages
from msgcenter.store.messages.messages import MessageFilter

_COUNTED_OF_MESSAGE = 10_000
_COUNTED_OF_PAGE = 50_000
"""Receivers of one message, and of all messages of a page, whose states a list counts. A message's own page has no
limit."""
_NAMED_RECEIVERS = 3
_IDS_AT_ONCE = 200
_SCANNED_PER_PAGE = 5_000
"""Messages of a receiver's mailbox that are looked through for one page."""


class LogEntry(NamedTuple):
    """A message in the log, with the name of its topic or its organisations, and the first few receivers (`named`).

    `counts` is None if there are too many receivers to count in a list.
    """

    message: Message
    state: State
    counts: ReceiptTotals | None
    topic: str | None
    named: tuple[str, ...]
    organisations: Organisations | None = None


class MessageLog:
    """Reads what apps have sent. It changes nothing, except that the mailboxes searched may pull."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._counts = ReceiptCounts(database)

    async def page(self, query: MessageFilter, receiver: str | None, limit: int) -> ListPage[LogEntry, int]:
        """Return up to `limit` messages that pass the filter, of all receivers or only what one user received.

        A user has received every message that is in the user's mailbox or was withdrawn from it, also messages to
        topics and broadcasts. A page for one user may be short and still not the last.
        """
        page = await (self._list(query, limit) if receiver is None else self._list_received(query, receiver, limit))
        return ListPage(await self._entries(page.items), page.next_cursor)

    async def named_receivers(self, message: Message) -> tuple[str, ...]:
        """Return the first few receivers of a direct message; nothing for any other audience."""
        async with self._database.connection() as connection:
            return (await _first_receivers(connection, [message])).get(message.id, ())

    async def _list(self, query: MessageFilter, limit: int) -> ListPage[Message, int]:
        async with self._database.connection() as connection:
            matching = await messages.list_messages(connection, query, limit + 1)
        return cut_page(matching, limit, _id_of)

    async def _list_received(self, query: MessageFilter, user_id: str, limit: int) -> ListPage[Message, int]:
        async with self._database.connection() as connection:
            platforms = (await find_platforms(connection)).values()
            candidates = [
                platform.recipient(user_id) for platform in platforms if query.platform_code in {None, platform.code}
            ]
            cells = await users.knowing_cells(connection, (recipient.cell for recipient in candidates), user_id)
        recipients = [recipient for recipient in candidates if recipient.cell in cells]
        async with pulled_mailboxes(self._database, recipients, now_ms()) as connection:
            pages = [await _search_mailbox(connection, query, recipient, limit) for recipient in recipients]
        # A mailbox with more to search may hold messages down to its bound: older ones of others have to wait.
        floor = max((page.next_cursor for page in pages if page.next_cursor is not None), default=0)
        matching = _newest_first(message for page in pages for message in page.items if message.id >= floor)
        return cut_page(matching, limit, _id_of, rest=floor or None)

    async def _entries(self, page: Sequence[Message]) -> list[LogEntry]:
        now = now_ms()
        async with self._database.connection() as connection:
            topic_numbers = {message.topic_number for message in page if message.topic_number}
            names = await topics.topic_names(connection, topic_numbers)
            organisations = await organisations_of(connection, topic_numbers)
            named = await _first_receivers(connection, page)
        counts = await self._counts_of(page)
        return [
            LogEntry(
                message,
                message.state_at(now),
                counts.get(message.id),
                names.get(message.topic_number or EVERYONE),
                named.get(message.id, ()),
                organisations.get(message.topic_number or EVERYONE),
            )
            for message in page
        ]

    async def _counts_of(self, page: Sequence[Message]) -> dict[int, ReceiptTotals]:
        """Return the counts of as many messages as a list may count, beginning with the first."""
        counts: dict[int, ReceiptTotals] = {}
        direct = []
        left = _COUNTED_OF_PAGE
        for message in page:
            limit = min(left, _COUNTED_OF_MESSAGE)
            if message.topic_number is None:
                if message.receivers <= limit:
                    direct.append(message)
                    left -= message.receivers
            elif limit:
                message_counts = await self._counts.of_few(message, limit)
                left -= limit if message_counts is None else min(limit, message_counts.receivers)
                if message_counts is not None:
                    counts[message.id] = message_counts
        direct_counts = await self._counts.of_all(direct)
        return counts | {message.id: totals for message, totals in zip(direct, direct_counts, strict=True)}


async def _search_mailbox(
    connection: Connection, query: MessageFilter, recipient: Recipient, limit: int
) -> ListPage[Message, int]:
    """Return up to `limit` messages of a mailbox that pass the filter, newest first, and where to continue."""
    matching: list[Message] = []
    batch: list[int] = []
    scanned = 0
    async for message_id in reading.received_ids(
        connection, EntryQuery(recipient, query.app_number, before_id=query.before_id)
    ):
        if message_id < query.first_id:
            break
        batch.append(message_id)
        if len(batch) < _IDS_AT_ONCE:
            continue
        scanned += len(batch)
        matching += await _filtered(connection, query, recipient, batch)
        if len(matching) >= limit or scanned >= _SCANNED_PER_PAGE:
            return cut_page(matching, limit, _id_of, rest=batch[-1])
        batch = []
    matching += await _filtered(connection, query, recipient, batch)
    return cut_page(matching, limit, _id_of)


def _id_of(message: Message) -> int:
    return message.id


async def _filtered(
    connection: Connection, query: MessageFilter, recipient: Recipient, ids: Sequence[int]
) -> list[Message]:
    matching = await messages.find_messages(connection, recipient.platform.first_cell, ids)
    return _newest_first(message for message in matching if query.matches(message))


def _newest_first(matching: Iterable[Message]) -> list[Message]:
    return sorted(matching, key=_id_of, reverse=True)


async def _first_receivers(connection: Connection, page: Sequence[Message]) -> dict[int, tuple[str, ...]]:
    # Each chunk has a receiver at least, and those of one cell each may have no more.
    first_chunks = {
        message.id: [(chunk, bucket_of(message.id)) for chunk in message.audience[:_NAMED_RECEIVERS]]
        for message in page
        if message.audience
    }
    user_ids = await audiences.first_user_ids(connection, chain(*first_chunks.values()), _NAMED_RECEIVERS)
    return {
        message_id: tuple(chain(*(user_ids.get(chunk, ()) for chunk in chunks)))[:_NAMED_RECEIVERS]
        for message_id, chunks in first_chunks.items()
    }
