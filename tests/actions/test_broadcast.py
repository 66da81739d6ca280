"""A broadcast to ten thousand users who all pull at the same time."""

import asyncio

from msgcenter.actions.messages.message_status import MessageStatuses
from msgcenter.actions.messages.sending import Sending
from msgcenter.database.database import Connection, Database
from msgcenter.domain.account import App, Platform
from msgcenter.domain.audience import EVERYONE, Everyone
from msgcenter.domain.content import Text
from msgcenter.domain.message_id import now_ms
from msgcenter.messaging.pull import pull
from msgcenter.store.apps.apps import find_app
from msgcenter.store.mailboxes import users
from msgcenter.store.messages.node_lease import NodeLease
from tests.scene import add_app, rows

PLATFORM = Platform("broadcasts", 1)
USERS = [f"user-{number:05}" for number in range(10_000)]
BROADCASTS = 4


async def app_on(database: Database) -> App:
    """Register an app on a platform with ten thousand users."""
    await add_app(database, "broadcaster", PLATFORM.code)

    async def write(connection: Connection) -> list[str]:
        return await users.register(connection, PLATFORM.first_cell, USERS)

    await database.in_transaction(write)
    async with database.connection() as connection:
        record = await find_app(connection, "broadcaster")
    assert record is not None
    return record.app


async def test_ten_thousand_mailboxes_pull_at_once(database: Database, database_url: str) -> None:
    async with NodeLease(database_url) as lease, Database(database_url) as second:
        app = await app_on(database)
        sending = Sending(database, lease, waiting_limit=100)
        # Simulates two processes that pull all mailboxes while more is sent.
        message_statuses = [MessageStatuses(each, waiting_limit=20_000) for each in (database, second)]

        async def send_all() -> list[int]:
            return [await sending.send(app, Text(f"number {number}"), Everyone()) for number in range(BROADCASTS)]

        async def count_all(process: MessageStatuses) -> list[int]:
            return await asyncio.gather(*(process.unread_count(app, user_id) for user_id in USERS))

        sent, *counts = await asyncio.gather(send_all(), *(count_all(process) for process in message_statuses))
        assert all(0 <= count <= BROADCASTS for part in counts for count in part)
        assert await count_all(message_statuses[0]) == [BROADCASTS] * len(USERS)

    assert len(await rows(database, "select from feed where cell = $1", PLATFORM.first_cell)) == BROADCASTS
    pages = await rows(
        database, "select user_id, message_ids, unread from mailbox_page where cell = $1", PLATFORM.first_cell
    )
    assert sorted(page["user_id"] for page in pages) == USERS
    assert all(sorted(page["message_ids"]) == sorted(sent) and page["unread"] == BROADCASTS for page in pages)


async def test_a_broadcast_costs_one_row_until_a_mailbox_pulls(database: Database, database_url: str) -> None:
    async with NodeLease(database_url) as lease:
        app = await app_on(database)
        await Sending(database, lease, waiting_limit=10).send(app, Text("one row"), Everyone())
    (feed,) = await rows(database, "select topic_number from feed where cell = $1", PLATFORM.first_cell)
    assert feed["topic_number"] == EVERYONE
    assert await rows(database, "select from mailbox_page where cell = $1", PLATFORM.first_cell) == []
    await pull(database, [PLATFORM.recipient(USERS[7])], now_ms())
    (page,) = await rows(database, "select user_id from mailbox_page where cell = $1", PLATFORM.first_cell)
    assert page["user_id"] == USERS[7]
