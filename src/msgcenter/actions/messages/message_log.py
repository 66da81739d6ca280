"""The message log: an app's messages as the people who look after it search for them."""

from collections.abc import Sequence
from typing import NamedTuple

from msgcenter.actions.messages.receipt_counts import ReceiptCounts
from msgcenter.database.database import Connection, Database
from msgcenter.domain.account import Recipient
from msgcenter.domain.list_page import ListPage, cut_page
from msgcenter.domain.message import Message, State
from msgcenter.domain.message_id import bucket_of, now_ms
from msgcenter.messaging.current_mailbox import pulled_mailboxes
from msgcenter.store.mailboxes import reading, topics, users
from msgcenter.store.mailboxes.reading import EntryQuery
from msgcenter.store.mailboxes.receipts import ReceiptTotals
from msgcenter.store.messages import audiences, messages
from msgcenter.store.messages.messages import MessageFilter

_COUNTED_OF_ONE = 10_000
_COUNTED_OF_ALL = 50_000
"""Receivers of one message, and of all on a page, whose states are counted in a list; a message's page counts any."""
_NAMED = 3
_IDS_AT_ONCE = 200
_LOOKED_THROUGH = 5_000
"""Messages in a receiver's mailbox that are looked through for one page."""


class LogEntry(NamedTuple):
    """A message in the log.

    `counts` is None where there are too many receivers to count in a list; `named` are the first few of the receivers.
    """

    message: Message
    state: State
    counts: ReceiptTotals | None
    topic: str | None
    named: tuple[str, ...]


class MessageLog:
    """Reads what apps have sent; changes nothing but that a mailbox pulls what it has yet to pull."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._counts = ReceiptCounts(database)

    async def page(self, wanted: MessageFilter, receiver: str | None, limit: int) -> ListPage[LogEntry, int]:
        """Return up to `limit` messages that pass the filter, perhaps only those that a user got.

        A user got what stands, or stood before it was withdrawn, in the user's mailbox: sent to the user, to a topic
        or to everyone. A page of a user's may be short and still not the last.
        """
        found = await (self._listed(wanted, limit) if receiver is None else self._received(wanted, receiver, limit))
        return ListPage(await self._entries(found.items), found.next_cursor)

    async def named_receivers(self, message: Message) -> tuple[str, ...]:
        """Return the first few of a message's receivers; none of one to a topic or to everyone."""
        async with self._database.connection() as connection:
            return (await _named(connection, [message])).get(message.id, ())

    async def _listed(self, wanted: MessageFilter, limit: int) -> ListPage[Message, int]:
        async with self._database.connection() as connection:
            found = await messages.list_messages(connection, wanted, limit + 1)
        return cut_page(found, limit, _id_of)

    async def _received(self, wanted: MessageFilter, user_id: str, limit: int) -> ListPage[Message, int]:
        async with self._database.connection() as connection:
            known = await users.platforms_of(connection, user_id)
        codes = known if wanted.platform_code is None else [wanted.platform_code]
        recipients = [Recipient(user_id, code) for code in codes]
        async with pulled_mailboxes(self._database, recipients, now_ms()) as connection:
            parts = [await _in_mailbox(connection, wanted, recipient, limit) for recipient in recipients]
        # What lies below the place where one mailbox was left may not be told before what that one still has.
        floor = max((part.next_cursor for part in parts if part.next_cursor is not None), default=0)
        found = sorted(
            (message for part in parts for message in part.items if message.id >= floor),
            key=lambda message: -message.id,
        )
        return cut_page(found, limit, _id_of, rest=floor or None)

    async def _entries(self, found: Sequence[Message]) -> list[LogEntry]:
        now = now_ms()
        async with self._database.connection() as connection:
            names = await topics.topic_names(connection, {one.topic_number for one in found if one.topic_number})
            named = await _named(connection, found)
        counts = await self._counts_of(found)
        return [
            LogEntry(
                message,
                message.state_at(now),
                counts.get(message.id),
                names.get(message.topic_number) if message.topic_number else None,
                named.get(message.id, ()),
            )
            for message in found
        ]

    async def _counts_of(self, found: Sequence[Message]) -> dict[int, ReceiptTotals]:
        """Return the counts of as many messages as a list may count, the first ones first."""
        counts: dict[int, ReceiptTotals] = {}
        direct = []
        left = _COUNTED_OF_ALL
        for message in found:
            most = min(left, _COUNTED_OF_ONE)
            if message.topic_number is None:
                if message.receivers <= most:
                    direct.append(message)
                    left -= message.receivers
            elif most:
                few = await self._counts.of_few(message, most)
                left -= most if few is None else min(most, few.receivers)
                if few is not None:
                    counts[message.id] = few
        of_direct = await self._counts.of_all(direct)
        return counts | {message.id: one for message, one in zip(direct, of_direct, strict=True)}


async def _in_mailbox(
    connection: Connection, wanted: MessageFilter, recipient: Recipient, limit: int
) -> ListPage[Message, int]:
    """Return up to `limit` wanted messages of a mailbox, newest first, and where to go on."""
    found: list[Message] = []
    batch: list[int] = []
    looked = 0
    async for message_id in reading.received_ids(
        connection, EntryQuery(recipient, wanted.app_number, before_id=wanted.before_id)
    ):
        if message_id < wanted.first_id:
            break
        batch.append(message_id)
        if len(batch) < _IDS_AT_ONCE:
            continue
        looked += len(batch)
        found += await _wanted(connection, wanted, batch)
        if len(found) >= limit or looked >= _LOOKED_THROUGH:
            return cut_page(found, limit, _id_of, rest=batch[-1])
        batch = []
    found += await _wanted(connection, wanted, batch)
    return cut_page(found, limit, _id_of)


def _id_of(message: Message) -> int:
    return message.id


async def _wanted(connection: Connection, wanted: MessageFilter, ids: Sequence[int]) -> list[Message]:
    found = [message for message in await messages.find_messages(connection, ids) if wanted.matches(message)]
    return sorted(found, key=lambda message: -message.id)


async def _named(connection: Connection, found: Sequence[Message]) -> dict[int, tuple[str, ...]]:
    firsts = {one.id: (one.audience[0], bucket_of(one.id)) for one in found if one.audience}
    user_ids = await audiences.first_user_ids(connection, firsts.values(), _NAMED)
    return {message_id: user_ids.get(key, ()) for message_id, key in firsts.items()}
