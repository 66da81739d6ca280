"""Pulling: the size of its transactions, and its result among many concurrent changes."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

import pytest

from msgcenter.actions.mailboxes.topics import Topics
from msgcenter.actions.messages.message_status import MessageStatuses
from msgcenter.actions.messages.sending import Sending
from msgcenter.actions.messages.sent_messages import SentMessages
from msgcenter.database.database import Connection, Database
from msgcenter.domain.account import App, Platform, Recipient
from msgcenter.domain.audience import Everyone, Topic
from msgcenter.domain.content import Text
from msgcenter.domain.message import State
from msgcenter.domain.message_id import now_ms
from msgcenter.domain.person import COMMAND
from msgcenter.domain.refusal import Refusal
from msgcenter.messaging import add_entries, pull
from msgcenter.messaging.add_entries import NewEntries
from msgcenter.store.apps.apps import find_app
from msgcenter.store.mailboxes import feed, users
from msgcenter.store.messages.node_lease import NodeLease
from tests.citus import one_server
from tests.scene import add_app, rows

PLATFORM = Platform("pulls", 1)
USERS = [f"user-{number:02}" for number in range(12)]


async def app_of(database: Database) -> App:
    """Register an app on a platform that knows the users."""
    await add_app(database, "puller", PLATFORM.code)

    async def write(connection: Connection) -> list[str]:
        return await users.register(connection, PLATFORM.first_cell, USERS)

    await database.in_transaction(write)
    async with database.connection() as connection:
        record = await find_app(connection, "puller")
    assert record is not None
    return record.app


def mailboxes() -> list[Recipient]:
    return [PLATFORM.recipient(user_id) for user_id in USERS]


async def test_a_mailbox_far_behind_pulls_in_small_transactions(
    database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = await app_of(database)
    async with NodeLease(database_url) as lease:
        sending = Sending(database, lease, waiting_limit=100)
        sent = [await sending.send(app, Text(f"number {number}"), Everyone()) for number in range(30)]
    pulled: list[int] = []

    async def counted(connection: Connection, new_entries: Sequence[NewEntries], *, are_known: bool) -> None:
        pulled.append(sum(len(entries.user_ids) for entries in new_entries))
        await add_entries.add_entries(connection, new_entries, are_known=are_known)

    monkeypatch.setattr(pull, "add_entries", counted)
    monkeypatch.setattr(pull, "_ENTRIES_PER_COMMIT", 60)
    await pull.pull(database, mailboxes(), now_ms())
    assert sum(pulled) == len(USERS) * len(sent)
    assert max(pulled) <= 60
    pages = await rows(database, "select message_ids from mailbox_page where cell = $1", PLATFORM.first_cell)
    assert [page["message_ids"] for page in pages] == [sent] * len(USERS)


async def test_a_former_subscriber_of_a_busy_topic_moves_on_without_its_rows(
    database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "_FAR_BEHIND", 10)
    app = await app_of(database)
    topics = Topics(database)
    async with NodeLease(database_url) as lease:
        sending = Sending(database, lease, waiting_limit=100)
        await topics.subscribe(app, "busy", USERS[:2], by=COMMAND)
        await sending.send(app, Text("for both"), Topic("busy"))
        await topics.unsubscribe(app, "busy", USERS[:1], by=COMMAND)
        for number in range(12):
            await sending.send(app, Text(f"number {number}"), Topic("busy"))
            await pull.pull(database, mailboxes()[:1], now_ms())
    (mark,) = await rows(
        database, "select pulled_to from mailbox where user_id = $1 and cell = $2", USERS[0], PLATFORM.first_cell
    )
    assert mark["pulled_to"] > 10
    (page,) = await rows(database, "select message_ids from mailbox_page where cell = $1", PLATFORM.first_cell)
    assert len(page["message_ids"]) == 1


async def test_a_pull_ends_at_the_position_that_the_feed_had_when_the_mailbox_was_locked(
    database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = await app_of(database)
    mailbox = mailboxes()[:1]
    async with NodeLease(database_url) as lease:
        sending = Sending(database, lease, waiting_limit=100)
        await sending.send(app, Text("before"), Everyone())
        pending_rows = feed.pending_rows

        async def after_another_broadcast(
            connection: Connection, cell: int, states: Sequence[feed.PullState], limit: int
        ) -> list[list[feed.PendingRow]]:
            monkeypatch.setattr(feed, "pending_rows", pending_rows)
            await sending.send(app, Text("after"), Everyone())
            return await pending_rows(connection, cell, states, limit)

        monkeypatch.setattr(feed, "pending_rows", after_another_broadcast)
        await pull.pull(database, mailbox, now_ms())
        (mark,) = await rows(database, "select pulled_to from mailbox where user_id = $1", USERS[0])
        assert mark["pulled_to"] == 1
        await pull.pull(database, mailbox, now_ms())
    (page,) = await rows(database, "select message_ids from mailbox_page where cell = $1", PLATFORM.first_cell)
    assert len(page["message_ids"]) == 2


class Crowd:
    """Simulates several processes that send, subscribe, recall, reset and pull at the same time."""

    def __init__(self, app: App, databases: Sequence[Database], leases: Sequence[NodeLease], seed: int) -> None:
        self.app = app
        self.dice = random.Random(seed)
        self.databases = databases
        self.sending = [
            Sending(database, lease, waiting_limit=100) for database, lease in zip(databases, leases, strict=True)
        ]
        self.sent: list[int] = []

    async def do_something(self) -> None:
        number = self.dice.randrange(len(self.databases))
        database, sending = self.databases[number], self.sending[number]
        topics, messages = Topics(database), SentMessages(database)
        topic = self.dice.choice(["a", "b"])
        some = self.dice.sample(USERS, 4)
        message_id = self.dice.choice(self.sent[-8:]) if self.sent else None

        async def send() -> None:
            to = Everyone() if self.dice.random() < 0.4 else Topic(topic)
            self.sent.append(await sending.send(self.app, Text("news"), to))

        async def join() -> None:
            await topics.subscribe(self.app, topic, some, by=COMMAND)

        async def leave() -> None:
            await topics.unsubscribe(self.app, topic, some, by=COMMAND)

        async def recall() -> None:
            await messages.recall(self.app, message_id, by=COMMAND)

        async def reset() -> None:
            await messages.update(self.app, message_id, Text(f"news {self.dice.random()}"), reset_read=True, by=COMMAND)

        async def pull_some() -> None:
            await pull.pull(database, [PLATFORM.recipient(user_id) for user_id in some], now_ms())

        chosen: Callable[[], Awaitable[None]] = self.dice.choices(
            [send, join, leave, recall, reset, pull_some], [6, 4, 3, 1, 1, 8]
        )[0]
        with suppress(Refusal):  # the topic does not exist yet, or the message is recalled
            await chosen()


@pytest.mark.parametrize("seed", range(3))
async def test_concurrent_changes_deliver_each_message_once_and_receipts_agree(
    database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(pull, "_ENTRIES_PER_COMMIT", 25)
    monkeypatch.setattr(feed, "_FAR_BEHIND", 20)
    async with Database(database_url) as second, NodeLease(database_url) as lease, NodeLease(database_url) as other:
        app = await app_of(database)
        crowd = Crowd(app, [database, second], [lease, other], seed)

        async def act() -> None:
            for _ in range(40):
                await crowd.do_something()

        await asyncio.gather(*(act() for _ in range(8)))
        await pull.pull(database, mailboxes(), now_ms())
        assert len(crowd.sent) > 40
        message_statuses = MessageStatuses(second, waiting_limit=100)
        recalled = 0
        for message_id in crowd.sent:
            page = await message_statuses.receipts(app, message_id, read=None, cursor=None, limit=100)
            states = await rows(
                database,
                "select p.user_id, e.r from mailbox_page p, unnest(p.message_ids, p.read_at) as e (i, r)"
                " where p.cell = $1 and e.i = $2 order by p.user_id",
                PLATFORM.first_cell,
                message_id,
            )
            if page.status.state is State.RECALLED:
                recalled += 1
                assert all(state["r"] < 0 for state in states)
                assert {state["user_id"] for state in states} <= {receipt.user_id for receipt in page.receipts}
            else:
                assert [state["user_id"] for state in states] == [receipt.user_id for receipt in page.receipts]
                assert all(state["r"] is None for state in states)
            assert page.status.counts.delivered == len(page.receipts)
        assert recalled > 0


@one_server
async def test_a_pull_that_waited_for_a_lock_never_moves_a_mailbox_back(database: Database, database_url: str) -> None:
    """A locked row is read as its last holder left it, while the feed's position is as old as the snapshot."""
    app = await app_of(database)
    recipient = mailboxes()[0]
    async with NodeLease(database_url) as lease, Database(database_url, connections=2) as other:
        sending = Sending(database, lease, waiting_limit=100)
        first = await sending.send(app, Text("first"), Everyone())
        async with other.connection() as holder:
            held = holder.transaction()
            await held.start()
            await feed.lock_pull_states(holder, recipient.cell, [recipient.user_id])
            waiter = asyncio.create_task(pull.pull(database, [recipient], now_ms()))
            await _until_a_session_waits_for_a_lock(database)
            second = await sending.send(app, Text("second"), Everyone())
            await pull.pull_within(holder, recipient, now_ms())
            await held.commit()
        await waiter
        mark = await rows(database, "select pulled_to from mailbox where user_id = $1", recipient.user_id)
        assert [row["pulled_to"] for row in mark] == [2]
        await pull.pull(database, [recipient], now_ms())
    (page,) = await rows(database, "select message_ids from mailbox_page where user_id = $1", recipient.user_id)
    assert page["message_ids"] == [first, second]


async def _until_a_session_waits_for_a_lock(database: Database) -> None:
    waiting = "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    async with asyncio.timeout(30):
        while not await rows(database, waiting):
            await asyncio.sleep(0.02)
