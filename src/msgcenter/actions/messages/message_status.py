"""Queries of an app about the messages that it sent: status, receipts, lists, unread counts."""

from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import aclosing
from typing import NamedTuple

from msgcenter.actions.channels.outcomes import ChannelOutcomes
from msgcenter.actions.mailboxes.old_user_ids import check_old_user_ids
from msgcenter.actions.messages.org_reports import OrgCounts, org_counts, org_of_message
from msgcenter.actions.messages.receipt_counts import ReceiptCounts
from msgcenter.database.database import Connection, Database
from msgcenter.database.group_commit import CellCommits
from msgcenter.domain.account import App, Recipient
from msgcenter.domain.audience import EVERYONE, Organisations, is_org_audience
from msgcenter.domain.list_page import ListPage, parse_cursor
from msgcenter.domain.message import Message, State
from msgcenter.domain.message_id import now_ms
from msgcenter.domain.refusal import Reason, Refusal
from msgcenter.messaging.current_mailbox import count_current
from msgcenter.store.directory import recipients
from msgcenter.store.directory.audiences import find_audience, organisations_of
from msgcenter.store.directory.recipients import Walk
from msgcenter.store.mailboxes import broadcast_receipts, receipts, topics
from msgcenter.store.mailboxes.audience_place import AudiencePlace
from msgcenter.store.mailboxes.mailbox_counts import unread_counts
from msgcenter.store.mailboxes.receipts import Receipt, ReceiptBatch, ReceiptTotals
from msgcenter.store.messages import messages
from msgcenter.store.messages.messages import MessageFilter

_MAILBOXES_PER_QUERY = 256
_RECEIVERS_PER_LIST = 50_000
"""A page of a list ends early once its messages have this many receivers, because the state of each is looked up."""
_LOOKED_AT_PER_PAGE = 20_000
"""A page of receipts ends early, perhaps empty, once this many users are looked at: those who have not read it, or
members without the roles of the message."""


class AppMailbox(NamedTuple):
    """The messages of one app to one recipient."""

    recipient: Recipient
    app_number: int


class MessageStatus(NamedTuple):
    """A message, its state, the counts of its receipts, and the name of its topic or its organisations, if any."""

    message: Message
    state: State
    counts: ReceiptTotals
    topic: str | None = None
    organisations: Organisations | None = None


class ReceiptPage(NamedTuple):
    """A message with some of its receipts. `next_cursor` is None on the last page."""

    status: MessageStatus
    receipts: list[Receipt]
    next_cursor: str | None


class MessageStatuses:
    """Queries about sent messages. They change nothing, but mailboxes may pull and withdraw expired entries.

    `channels` are the queries about ways outside the inbox.
    """

    def __init__(self, database: Database, *, waiting_limit: int) -> None:
        self._database = database
        self._receipt_counts = ReceiptCounts(database)
        self.channels = ChannelOutcomes(database)
        self._unread_counts = CellCommits(
            self._count_unread, batch_weight=_MAILBOXES_PER_QUERY, waiting_limit=waiting_limit
        )

    def waiting(self) -> int:
        """Return how many queries for unread counts wait."""
        return self._unread_counts.waiting

    async def unread_count(self, app: App, user_id: str, platform_code: str | None = None) -> int:
        """Return how many of the app's messages a user has not read.

        Refuses with NOT_AUTHORISED (platform) or FIELD_MALFORMED (publisherId).
        """
        recipient = app.platform_for(platform_code).recipient(user_id)
        await check_old_user_ids(self._database, [recipient], "publisherId")
        return await self._unread_counts.submit(recipient.cell, AppMailbox(recipient, app.number))

    async def status(self, app: App, message_id: int | None) -> MessageStatus:
        """Return the status of one of an app's messages. Refuses with MESSAGE_UNKNOWN."""
        async with self._database.connection() as connection:
            message = await own_message(connection, app, message_id)
        (status,) = await self._statuses([message])
        return status

    async def receipts(
        self,
        app: App,
        message_id: int | None,
        *,
        read: bool | None,
        cursor: str | None,
        limit: int,
        org_id: str | None = None,
    ) -> ReceiptPage:
        """Return a message's status and up to `limit` of its receipts, all or only the read or unread ones.

        `org_id` limits the receipts of a message to organisations to the members of one with all below it.

        `cursor` is the `next_cursor` of the previous page. A page may be short and still not the last. Refuses with
        MESSAGE_UNKNOWN, ORGANISATION_UNKNOWN, FIELDS_CONTRADICT (`org_id` for another message), or FIELD_MALFORMED if
        the cursor is not one of ours.
        """
        status = await self.status(app, message_id)
        async with self._database.connection() as connection:
            page: list[Receipt] = []
            looked_at = 0
            async for batch in await _receipts(connection, status.message, cursor, org_id):
                for receipt in batch.receipts:
                    if read is not None and (receipt.read_at is not None) != read:
                        continue
                    if len(page) == limit:
                        return ReceiptPage(status, page, page[-1].cursor)
                    page.append(receipt)
                looked_at += batch.looked_at
                if looked_at >= _LOOKED_AT_PER_PAGE and batch.cursor is not None:
                    return ReceiptPage(status, page, batch.cursor)
        return ReceiptPage(status, page, None)

    async def all_receipts(
        self, app: App, message_id: int | None, *, read: bool | None, org_id: str | None = None
    ) -> AsyncIterator[list[Receipt]]:
        """Yield all receipts that `receipts` returns page by page, in parts, some of which may be empty.

        The connection returns to the pool after every part. Refuses as `receipts` does.
        """
        cursor = None
        while True:
            async with self._database.connection() as connection:
                message = await own_message(connection, app, message_id)
                async with aclosing(await _receipts(connection, message, cursor, org_id)) as batches:
                    batch = await anext(batches, None)
            if batch is None:
                return
            yield [receipt for receipt in batch.receipts if read is None or (receipt.read_at is not None) == read]
            if batch.cursor is None:
                return
            cursor = batch.cursor

    async def org_counts(self, message: Message, org_id: str | None) -> list[OrgCounts]:
        """Return the counts of a message by organisation, see `org_reports.org_counts`."""
        return await org_counts(self._database, self._receipt_counts, message, org_id)

    async def list_messages(self, query: MessageFilter, limit: int) -> ListPage[MessageStatus, int]:
        """Return up to `limit` messages that pass the filter, newest first, with their counts."""
        async with self._database.connection() as connection:
            listed = await messages.list_messages(connection, query, limit + 1)
        statuses = await self._statuses(listed[:limit])
        has_more = len(statuses) < len(listed)
        return ListPage(statuses, statuses[-1].message.id if has_more else None)

    async def _statuses(self, listed: Sequence[Message]) -> list[MessageStatus]:
        """Return the statuses of messages, of the first ones only if there would be too many receipts to count."""
        now = now_ms()
        async with self._database.connection() as connection:
            topic_numbers = {message.topic_number for message in listed if message.topic_number}
            names = await topics.topic_names(connection, topic_numbers)
            organisations = await organisations_of(connection, topic_numbers)
        statuses: list[MessageStatus] = []
        for part in _parts_to_count(listed):
            for message, counts in zip(part, await self._receipt_counts.of_all(part), strict=True):
                number = message.topic_number or EVERYONE
                statuses.append(
                    MessageStatus(message, message.state_at(now), counts, names.get(number), organisations.get(number))
                )
            if sum(status.counts.receivers for status in statuses) >= _RECEIVERS_PER_LIST:
                break
        return statuses

    async def _count_unread(self, mailboxes: list[AppMailbox]) -> Sequence[int]:
        distinct = list(set(mailboxes))
        now = now_ms()
        counts = await count_current(
            self._database,
            {mailbox.recipient for mailbox in distinct},
            now,
            lambda connection: unread_counts(connection, distinct, now),
        )
        return [counts.get(mailbox, 0) for mailbox in mailboxes]


async def own_message(connection: Connection, app: App, message_id: int | None) -> Message:
    """Return one of an app's messages. Refuses with MESSAGE_UNKNOWN; None is an id that no message can have."""
    sent = [] if message_id is None else await messages.find_sent(connection, app.number, [message_id])
    if not sent:
        raise Refusal(Reason.MESSAGE_UNKNOWN)
    return sent[0]


def _parts_to_count(listed: Sequence[Message]) -> Iterator[Sequence[Message]]:
    """Cut messages, in their order, into parts to count: direct ones together, others one by one."""
    start = 0
    while start < len(listed):
        end = start + 1
        receivers = listed[start].receivers
        while end < len(listed) and listed[start].topic_number is None and listed[end].topic_number is None:
            receivers += listed[end].receivers
            if receivers > _RECEIVERS_PER_LIST:
                break
            end += 1
        yield listed[start:end]
        start = end


async def _receipts(
    connection: Connection, message: Message, cursor: str | None, org_id: str | None
) -> AsyncGenerator[ReceiptBatch, None]:
    groups = None if org_id is None else ((await org_of_message(connection, message, org_id)).number,)
    if message.topic_number is None:
        return receipts.receipts(connection, message, parse_cursor(cursor) or 0)
    place = AudiencePlace.parse(message, cursor)
    if not is_org_audience(message.topic_number):
        return broadcast_receipts.receipts(connection, message, place)
    walk = Walk(message, await find_audience(connection, message.topic_number), groups)
    return recipients.receipts(connection, walk, place)
