"""Counting the receipts of large audiences among other calls."""

import asyncio
from collections.abc import Sequence
from typing import TypeAlias

import pytest

from msgcenter.actions.mailboxes.statuses import Statuses
from msgcenter.actions.messages import receipt_counts
from msgcenter.actions.messages.message_status import MessageStatuses
from msgcenter.actions.messages.receipt_counts import ReceiptCounts
from msgcenter.actions.messages.sending import Sending
from msgcenter.database.database import Connection, Database
from msgcenter.domain.account import App, Platform
from msgcenter.domain.audience import Everyone, Receivers
from msgcenter.domain.content import Text
from msgcenter.domain.message import Message
from msgcenter.domain.message_id import now_ms
from msgcenter.domain.person import COMMAND
from msgcenter.messaging.current_mailbox import current_mailbox
from msgcenter.messaging.update import update
from msgcenter.store.apps.apps import find_app
from msgcenter.store.mailboxes import broadcast_receipts, receipts, users
from msgcenter.store.mailboxes.audience_place import START, AudiencePlace
from msgcenter.store.mailboxes.receipts import ReceiptTotals
from msgcenter.store.messages.messages import MessageFilter, MessageKey, find_message
from msgcenter.store.messages.node_lease import NodeLease
from tests.scene import add_app

PLATFORM = Platform("counted", 1)
USERS = [f"user-{number}" for number in range(10, 50)]
_Part: TypeAlias = tuple[ReceiptTotals, AudiencePlace | None]


async def broadcast(database: Database, url: str, *, expires_at: int | None = None) -> tuple[App, Message]:
    """Return an app and its broadcast to forty users, three of which have read it."""
    await add_app(database, "counted", PLATFORM.code)

    async def write(connection: Connection) -> list[str]:
        return await users.register(connection, PLATFORM.first_cell, USERS)

    await database.in_transaction(write)
    async with database.connection() as connection:
        record = await find_app(connection, "counted")
    assert record is not None
    async with NodeLease(url) as lease:
        sending = Sending(database, lease, waiting_limit=10)
        message_id = await sending.send(record.app, Text("to all"), Everyone(), expires_at=expires_at)
    statuses = Statuses(database, waiting_limit=10)
    for user_id in USERS[:3]:
        assert not await statuses.set_status(record.app, user_id, frozenset({message_id}), read=True)
    return record.app, await find(database, message_id)


async def find(database: Database, message_id: int) -> Message:
    async with database.connection() as connection:
        message = await find_message(connection, MessageKey(PLATFORM.first_cell, message_id))
    assert message is not None
    return message


async def test_concurrent_long_counts_of_a_message_are_shared(
    database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broadcast_receipts, "USERS_PER_COUNT", 7)
    _, message = await broadcast(database, database_url)
    parts: list[AudiencePlace] = []
    go_on = asyncio.Event()
    original = broadcast_receipts.count_receipts

    async def counted(
        connection: Connection, message: Message, after: AudiencePlace = START, limit: int | None = None
    ) -> _Part:
        parts.append(after)
        if after != START:
            await go_on.wait()
        return await original(connection, message, after, limit)

    monkeypatch.setattr(broadcast_receipts, "count_receipts", counted)
    counts = ReceiptCounts(database)
    counting = asyncio.gather(*(counts.of(message) for _ in range(30)))
    # Each counts the first part, which is not the last; all share one count of the rest.
    async with asyncio.timeout(30):
        while len(parts) < 31 or database.pool.get_idle_size() < database.pool.get_size() - 1:
            await asyncio.sleep(0.01)
    go_on.set()
    assert await counting == [ReceiptTotals(40, 40, 3)] * 30
    assert len(parts) == 30 + 5
    monkeypatch.setattr(receipt_counts, "_QUICK_SECONDS", 0)
    assert await counts.of(message) == await counts.of(message) == ReceiptTotals(40, 40, 3)
    assert len(parts) == 30 + 5 + 6


async def test_long_counts_leave_connections_to_other_calls(
    database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broadcast_receipts, "USERS_PER_COUNT", 7)
    app, message = await broadcast(database, database_url)
    running = peak = 0
    go_on = asyncio.Event()
    original = broadcast_receipts.count_receipts

    async def count_slowly(
        connection: Connection, message: Message, after: AudiencePlace = START, limit: int | None = None
    ) -> _Part:
        nonlocal running, peak
        if after != START:
            running += 1
            peak = max(peak, running)
            await go_on.wait()
            running -= 1
        return await original(connection, message, after, limit)

    monkeypatch.setattr(broadcast_receipts, "count_receipts", count_slowly)
    async with NodeLease(database_url) as lease, Database(database_url, connections=3) as few:
        sending = Sending(few, lease, waiting_limit=10)
        ids = [message.id, *[await sending.send(app, Text("again"), Everyone()) for _ in range(5)]]
        message_statuses = MessageStatuses(few, waiting_limit=10)
        counting = [
            asyncio.create_task(message_statuses.receipts(app, i, read=None, cursor=None, limit=5)) for i in ids
        ]
        async with asyncio.timeout(60):
            while peak < 2:
                await asyncio.sleep(0.01)
            assert await message_statuses.unread_count(app, USERS[-1]) == 6
        go_on.set()
        pages = await asyncio.gather(*counting)
        assert peak == 2
        assert [page.status.counts for page in pages] == [ReceiptTotals(40, 40, 3), *[ReceiptTotals(40, 40, 0)] * 5]


async def test_a_list_counts_direct_messages_with_one_statement(
    database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, _ = await broadcast(database, database_url)
    async with NodeLease(database_url) as lease:
        sending = Sending(database, lease, waiting_limit=10)
        sent = [await sending.send(app, Text("x"), Receivers.of(USERS[: number + 1])) for number in range(20)]
    await Statuses(database, waiting_limit=10).set_status(app, USERS[0], frozenset(sent), read=True)
    batch_sizes: list[int] = []
    original = receipts.count_receipts

    async def counted(connection: Connection, messages: Sequence[Message]) -> list[ReceiptTotals]:
        batch_sizes.append(len(messages))
        return await original(connection, messages)

    monkeypatch.setattr(receipts, "count_receipts", counted)
    page = await MessageStatuses(database, waiting_limit=10).list_messages(MessageFilter(app.number), 50)
    assert [status.counts for status in page.items] == [
        *[ReceiptTotals(number + 1, number + 1, 1) for number in reversed(range(20))],
        ReceiptTotals(40, 40, 3),
    ]
    assert batch_sizes == [20]


async def test_a_read_after_a_reset_counts_even_if_the_clock_is_behind(
    database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, message = await broadcast(database, database_url)
    await update(database, app.number, message.id, Text("news"), reset_read=True, by=COMMAND)
    behind = now_ms() - 5_000
    monkeypatch.setattr("msgcenter.messaging.set_status.now_ms", lambda: behind)
    statuses = Statuses(database, waiting_limit=10)
    assert not await statuses.set_status(app, USERS[0], frozenset({message.id}), read=True)
    assert await ReceiptCounts(database).of(await find(database, message.id)) == ReceiptTotals(40, 40, 1)
    page = await MessageStatuses(database, waiting_limit=10).receipts(app, message.id, read=True, cursor=None, limit=5)
    assert [(receipt.user_id, receipt.read_at) for receipt in page.receipts] == [(USERS[0], behind)]


async def test_a_read_before_a_reset_does_not_count_after_the_expiry(database: Database, database_url: str) -> None:
    end = now_ms() + 60_000
    app, message = await broadcast(database, database_url, expires_at=end)
    await update(database, app.number, message.id, Text("news"), reset_read=True, by=COMMAND)
    async with current_mailbox(database, PLATFORM.recipient(USERS[0]), end):
        pass
    assert await ReceiptCounts(database).of(await find(database, message.id)) == ReceiptTotals(40, 40, 0)
