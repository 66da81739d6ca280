"""What an app asks about the messages that it sent: receipts, lists, unread counts."""

from collections.abc import Sequence
from typing import NamedTuple

from msgcenter.domain.account import App, Recipient
from msgcenter.domain.message import Message, State
from msgcenter.domain.message_id import now_ms
from msgcenter.domain.refusal import Reason, Refusal
from msgcenter.store import mailboxes, messages, receipts
from msgcenter.store.database import Connection, Database
from msgcenter.store.group_commit import GroupCommit
from msgcenter.store.messages import MessageFilter
from msgcenter.store.receipts import Receipt

_MAILBOXES_PER_QUERY = 256
_RECEIVERS_PER_LIST = 50_000
"""A list page ends early once its messages have this many receivers: each one's state is looked up."""


class Mailbox(NamedTuple):
    """One app's messages to one recipient."""

    recipient: Recipient
    app_number: int


class Report(NamedTuple):
    """A message and where it stands."""

    message: Message
    state: State
    delivered: int
    read: int


class ReportPage(NamedTuple):
    """Some reports, newest first; `next_before` is the id bound of the next page, None on the last."""

    reports: list[Report]
    next_before: int | None


class ReceiptPage(NamedTuple):
    """A message's report with some of its receipts; `next_position` is None on the last page."""

    report: Report
    receipts: list[Receipt]
    next_position: int | None


class Reports:
    """Answers questions; changes nothing but the traces of expired messages."""

    def __init__(self, database: Database, *, waiting_limit: int) -> None:
        self._database = database
        self._counts = GroupCommit(self._count_unread, batch_weight=_MAILBOXES_PER_QUERY, waiting_limit=waiting_limit)

    async def unread_count(self, app: App, user_id: str, platform_code: str | None = None) -> int:
        """Return how many of the app's messages a user has not read. Refuses with NOT_AUTHORISED (platform)."""
        return await self._counts.submit(Mailbox(Recipient(user_id, app.platform_for(platform_code)), app.number))

    async def receipts(
        self, app: App, message_id: int | None, *, read: bool | None, start: int, limit: int
    ) -> ReceiptPage:
        """Return where a message stands and up to `limit` of its receipts, all or only (un)read ones.

        `start` is a position in its audience (`next_position`). Refuses with MESSAGE_UNKNOWN.
        """
        async with self._database.connection() as connection:
            message = None if message_id is None else await messages.find_message(connection, message_id)
            if message is None or message.app_number != app.number:
                raise Refusal(Reason.MESSAGE_UNKNOWN)
            report = await _report(connection, message, now_ms())
            page: list[Receipt] = []
            async for receipt in receipts.receipts(connection, message, start):
                if read is None or (receipt.read_at is not None) == read:
                    if len(page) == limit:
                        return ReceiptPage(report, page, receipt.position)
                    page.append(receipt)
        return ReceiptPage(report, page, None)

    async def list_messages(self, wanted: MessageFilter, limit: int) -> ReportPage:
        """Return up to `limit` messages that pass the filter, newest first, with their counts."""
        async with self._database.connection() as connection:
            found = await messages.list_messages(connection, wanted, limit + 1)
            reports: list[Report] = []
            scanned = 0
            for message in found[:limit]:
                scanned += message.receivers
                if reports and scanned > _RECEIVERS_PER_LIST:
                    break
                reports.append(await _report(connection, message, now_ms()))
        more = len(reports) < len(found)
        return ReportPage(reports, reports[-1].message.id if more else None)

    async def _count_unread(self, asked: list[Mailbox]) -> Sequence[int]:
        distinct = list(set(asked))
        now = now_ms()
        async with self._database.connection() as connection:
            counts, stale = await mailboxes.unread_counts(connection, distinct, now)
        if stale:

            async def sweep(connection: Connection) -> None:
                await mailboxes.sweep_expired(connection, sorted(stale), now)

            await self._database.in_transaction(sweep)
            async with self._database.connection() as connection:
                counts, _ = await mailboxes.unread_counts(connection, distinct, now)
        return [counts.get((*recipient, app_number), 0) for recipient, app_number in asked]


async def _report(connection: Connection, message: Message, now: int) -> Report:
    counts = await receipts.count_states(connection, message)
    return Report(message, message.state_at(now), counts.delivered, counts.read)
