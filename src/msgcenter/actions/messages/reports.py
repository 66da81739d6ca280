"""What an app asks about the messages that it sent: receipts, lists, unread counts."""

from collections.abc import AsyncIterator, Iterator, Sequence
from typing import NamedTuple

from msgcenter.actions.mailboxes.old_user_ids import check_old_user_ids
from msgcenter.actions.messages.receipt_counts import ReceiptCounts
from msgcenter.database.database import Connection, Database
from msgcenter.database.group_commit import GroupCommit
from msgcenter.domain.account import App, Recipient
from msgcenter.domain.message import Message, State
from msgcenter.domain.message_id import now_ms, parse_message_id
from msgcenter.domain.refusal import Reason, Refusal, malformed
from msgcenter.messaging.current_mailbox import count_current
from msgcenter.store.mailboxes import broadcast_receipts, pages, receipts, topics
from msgcenter.store.mailboxes.receipts import Counts, Receipt
from msgcenter.store.messages import messages
from msgcenter.store.messages.messages import MessageFilter

_MAILBOXES_PER_QUERY = 256
_RECEIVERS_PER_LIST = 50_000
"""A list page ends early once its messages have this many receivers: each one's state is looked up."""
_RECEIPTS_PER_PAGE = 20_000
"""A page ends early, perhaps empty, once so many receipts are looked through for the read or the unread ones."""


class Mailbox(NamedTuple):
    """One app's messages to one recipient."""

    recipient: Recipient
    app_number: int


class Report(NamedTuple):
    """A message and where it stands."""

    message: Message
    state: State
    counts: Counts
    topic: str | None = None


class ReportPage(NamedTuple):
    """Some reports, newest first; `next_before` is the id bound of the next page, None on the last."""

    reports: list[Report]
    next_before: int | None


class ReceiptPage(NamedTuple):
    """A message's report with some of its receipts; `next_cursor` is None on the last page."""

    report: Report
    receipts: list[Receipt]
    next_cursor: str | None


class Reports:
    """Answers questions; changes nothing but the traces of expired messages."""

    def __init__(self, database: Database, *, waiting_limit: int) -> None:
        self._database = database
        self._receipt_counts = ReceiptCounts(database)
        self._counts = GroupCommit(self._count_unread, batch_weight=_MAILBOXES_PER_QUERY, waiting_limit=waiting_limit)

    def waiting(self) -> int:
        """Return how many questions for unread counts wait."""
        return self._counts.waiting

    async def unread_count(self, app: App, user_id: str, platform_code: str | None = None) -> int:
        """Return how many of the app's messages a user has not read.

        Refuses with NOT_AUTHORISED (platform) or FIELD_MALFORMED (publisherId).
        """
        recipient = Recipient(user_id, app.platform_for(platform_code))
        await check_old_user_ids(self._database, [recipient], "publisherId")
        return await self._counts.submit(Mailbox(recipient, app.number))

    async def report(self, app: App, message_id: int) -> Report:
        """Return where one of an app's messages stands. Refuses with MESSAGE_UNKNOWN."""
        async with self._database.connection() as connection:
            message = await own_message(connection, app, message_id)
        (report,) = await self._reports([message])
        return report

    async def receipts(
        self, app: App, message_id: int | None, *, read: bool | None, cursor: str | None, limit: int
    ) -> ReceiptPage:
        """Return where a message stands and up to `limit` of its receipts, all or only (un)read ones.

        `cursor` is that of the page before. A page of only (un)read ones may be short and still not the last. Refuses
        with MESSAGE_UNKNOWN, or FIELD_MALFORMED a cursor that is none.
        """
        async with self._database.connection() as connection:
            message = await own_message(connection, app, message_id)
        (report,) = await self._reports([message])
        async with self._database.connection() as connection:
            page: list[Receipt] = []
            scanned = 0
            last = None
            async for receipt in _receipts(connection, message, cursor):
                if read is None or (receipt.read_at is not None) == read:
                    if len(page) == limit:
                        return ReceiptPage(report, page, page[-1].cursor)
                    page.append(receipt)
                elif scanned >= _RECEIPTS_PER_PAGE and last is not None:
                    return ReceiptPage(report, page, last)
                scanned += 1
                last = receipt.cursor
        return ReceiptPage(report, page, None)

    async def list_messages(self, wanted: MessageFilter, limit: int) -> ReportPage:
        """Return up to `limit` messages that pass the filter, newest first, with their counts."""
        async with self._database.connection() as connection:
            found = await messages.list_messages(connection, wanted, limit + 1)
        reports = await self._reports(found[:limit])
        more = len(reports) < len(found)
        return ReportPage(reports, reports[-1].message.id if more else None)

    async def _reports(self, asked: Sequence[Message]) -> list[Report]:
        """Return reports of the messages, but not of all if there would be too much to count."""
        now = now_ms()
        async with self._database.connection() as connection:
            names = await topics.topic_names(connection, {one.topic_number for one in asked if one.topic_number})
        reports: list[Report] = []
        for part in _parts_to_count(asked):
            for message, counts in zip(part, await self._receipt_counts.of_all(part), strict=True):
                topic = names.get(message.topic_number) if message.topic_number else None
                reports.append(Report(message, message.state_at(now), counts, topic))
            if sum(report.counts.receivers for report in reports) >= _RECEIVERS_PER_LIST:
                break
        return reports

    async def _count_unread(self, mailboxes: list[Mailbox]) -> Sequence[int]:
        distinct = list(set(mailboxes))
        now = now_ms()
        counts = await count_current(
            self._database,
            {mailbox.recipient for mailbox in distinct},
            now,
            lambda connection: pages.unread_counts(connection, distinct, now),
        )
        return [counts.get((*recipient, app_number), 0) for recipient, app_number in mailboxes]


async def own_message(connection: Connection, app: App, message_id: int | None) -> Message:
    """Return one of an app's messages. Refuses with MESSAGE_UNKNOWN; None is an id that no message can have."""
    message = None if message_id is None else await messages.find_message(connection, message_id)
    if message is None or message.app_number != app.number:
        raise Refusal(Reason.MESSAGE_UNKNOWN)
    return message


def _parts_to_count(asked: Sequence[Message]) -> Iterator[Sequence[Message]]:
    """Cut messages, in their order, into parts to count: those to receivers together, broadcasts one by one."""
    start = 0
    while start < len(asked):
        end = start + 1
        receivers = asked[start].receivers
        while end < len(asked) and asked[start].topic_number is None and asked[end].topic_number is None:
            receivers += asked[end].receivers
            if receivers > _RECEIVERS_PER_LIST:
                break
            end += 1
        yield asked[start:end]
        start = end


def _receipts(connection: Connection, message: Message, cursor: str | None) -> AsyncIterator[Receipt]:
    if message.topic_number is not None:
        return broadcast_receipts.receipts(connection, message, cursor or "")
    start = 0 if cursor is None else parse_message_id(cursor)
    if start is None:
        raise malformed("cursor", "须为上一页返回的nextCursor", "must be nextCursor of the page before")
    return receipts.receipts(connection, message, start)
