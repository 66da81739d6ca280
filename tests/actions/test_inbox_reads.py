"""How many statements a look at an inbox takes, and lists that one statement does not settle."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from msgcenter.actions.mailboxes.inbox_reads import InboxReads
from msgcenter.actions.mailboxes.inbox_views import InboxQuery
from msgcenter.actions.mailboxes.user_tokens import AppName, Viewer
from msgcenter.database.database import Connection, Database
from msgcenter.domain.audience import EVERYONE
from msgcenter.domain.content import Text
from msgcenter.domain.message import Draft
from msgcenter.domain.message_id import MessageIds, now_ms
from msgcenter.messaging.send import send_drafts
from msgcenter.store.mailboxes import users
from msgcenter.store.mailboxes.mailbox_reads import ListQuery, read_lists
from msgcenter.store.mailboxes.reading import Filter
from tests.conftest import PLATFORM
from tests.scene import HOME, add_app, short_pages, text_to

USER = HOME.recipient("user")


class CountingDatabase(Database):
    """A database that keeps the statements that are executed outside transactions."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.statements: list[str] = []

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Give a connection whose statements are kept."""
        async with super().connection() as connection:
            with connection.query_logger(lambda logged: self.statements.append(logged.query)):
                yield connection

    def taken(self) -> int:
        """Return the number of statements since the last call."""
        count = len(self.statements)
        self.statements.clear()
        return count


@pytest.fixture
async def counting(database_url: str) -> AsyncIterator[CountingDatabase]:
    """A database of the test's own that counts statements."""
    async with CountingDatabase(database_url) as opened:
        yield opened


async def send(database: Database, app_number: int, ids: MessageIds, count: int) -> list[int]:
    """Send messages to the user, one after the other; return their ids."""
    sent: list[int] = []
    for number in range(count):
        drafts = [text_to(app_number, HOME, ["user"], content=f"number {number}")]
        sent += [i for i in await send_drafts(database, ids, drafts) if isinstance(i, int)]
    return sent


async def test_a_look_at_a_mailbox_takes_one_statement(counting: CountingDatabase, app_number: int) -> None:
    ids = MessageIds(1)
    sent = await send(counting, app_number, ids, 130)
    reads = InboxReads(counting, waiting_limit=100)
    viewer = Viewer(USER, app_number, (), (), 1 << 60, app_name=AppName("a", "A", is_platform=False))
    filters: list[Filter] = ["all", "unread", "todo", "archived"]
    counting.taken()
    for filtered in filters:
        for before_id in (sent[120], sent[20]):
            listed = await reads.read_list(viewer, InboxQuery(filtered, before_id=before_id, limit=20))
            assert len(listed.page.items) == (20 if filtered in {"all", "unread"} else 0)
            assert listed.counts.unread == 130
            assert counting.taken() == 1, filtered
    assert (await reads.counts(viewer)).unread == 130
    assert "join message" not in counting.statements[0], "counts need the cell of the mailbox alone"
    assert counting.taken() == 1
    assert [shown.message.id for shown in await reads.find(viewer, [sent[3]])] == [sent[3]]
    assert counting.taken() == 1


async def test_a_mailbox_that_is_behind_is_read_twice_once(counting: CountingDatabase, app_number: int) -> None:
    ids = MessageIds(1)
    async with counting.connection() as connection:
        await users.register(connection, HOME.first_cell, [USER.user_id])
    draft = Draft(
        app_number=app_number,
        app_cell=HOME.first_cell,
        platform=HOME,
        body=Text("to all"),
        receivers=(),
        topic_number=EVERYONE,
    )
    (position,) = await send_drafts(counting, ids, [draft])
    reads = InboxReads(counting, waiting_limit=100)
    viewer = Viewer(USER, app_number, (), (), 1 << 60, app_name=AppName("a", "A", is_platform=False))
    counting.taken()
    listed = await reads.read_list(viewer, InboxQuery())
    assert [shown.message.id for shown in listed.page.items] == [position]
    assert listed.counts.unread == 1
    assert sum("union all" in statement for statement in counting.statements) >= 2
    counting.taken()
    await reads.read_list(viewer, InboxQuery())
    assert counting.taken() == 1


async def test_a_list_of_many_apps_has_every_message_in_order(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten apps write in turn, in short pages: the newest pages are not enough, and the list is read the long way."""
    short_pages(monkeypatch, 3)
    numbers = [await add_app(database, f"app-{number}", PLATFORM) for number in range(10)]
    ids = MessageIds(1)
    sent: list[int] = []
    for turn in range(40):
        sent += await send(database, numbers[turn % 10], ids, 1)
    reads = InboxReads(database, waiting_limit=100)
    viewer = Viewer(USER, None, (), (), 1 << 60)
    async with database.connection() as connection:
        (wide,) = await read_lists(connection, [ListQuery(USER, limit=20)], now_ms())
        (narrow,) = await read_lists(connection, [ListQuery(USER, limit=5)], now_ms())
    assert (wide.is_complete, narrow.is_complete) == (False, True)
    for limit in (3, 5, 20, 39, 40):
        seen: list[int] = []
        query = InboxQuery(limit=limit)
        while True:
            page = await reads.list_messages(viewer, query)
            seen += [shown.message.id for shown in page.items]
            if page.next_cursor is None:
                break
            query = query.at(page.next_cursor)
        assert seen == sent[::-1], limit


async def test_a_new_database_is_not_read_cell_by_cell(database: Database, app_number: int) -> None:
    """While tables are new, PostgreSQL would join entries with all messages of a cell, and keep that plan a while."""
    await send(database, app_number, MessageIds(1), 2)

    class Explaining:
        """A connection that keeps the plan of a statement instead of its rows."""

        plan = ""

        async def fetch(self, statement: str, *values: object) -> list[object]:
            rows = await connection.fetch(f"explain {statement}", *values)
            self.plan = "\n".join(row[0] for row in rows)
            return []

    explaining: Any = Explaining()
    async with database.connection() as connection:
        await read_lists(explaining, [ListQuery(USER, limit=20)] * 30, now_ms())
    assert "message_pkey" in explaining.plan
    assert "Materialize" not in explaining.plan
