"""The message log: the messages that a user received, and the cost of finding them."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from msgcenter.actions.mailboxes.topics import Topics
from msgcenter.actions.messages import message_log
from msgcenter.actions.messages.message_log import MessageLog
from msgcenter.actions.messages.sending import Sending
from msgcenter.actions.messages.sent_messages import SentMessages
from msgcenter.database.database import Connection, Database
from msgcenter.domain.account import App, Platform
from msgcenter.domain.audience import Everyone, Receivers, Topic
from msgcenter.domain.content import Text
from msgcenter.domain.message_id import MAX_ID, MessageIds, now_ms
from msgcenter.domain.person import COMMAND
from msgcenter.messaging.send import send_drafts
from msgcenter.store import audit
from msgcenter.store.apps.apps import find_app
from msgcenter.store.apps.platforms import ensure_platform
from msgcenter.store.audit import AuditFilter
from msgcenter.store.mailboxes import reading
from msgcenter.store.mailboxes import users as directory
from msgcenter.store.mailboxes.reading import EntryQuery
from msgcenter.store.messages import messages
from msgcenter.store.messages.messages import MessageFilter
from msgcenter.store.messages.node_lease import NodeLease
from msgcenter.store.webhooks import deliveries
from msgcenter.store.webhooks.deliveries import DeliveryFilter
from tests.scene import add_app, find_platform, rows, short_pages, text_to

DAY = 86_400_000
AWAY, HOME = Platform("away", 1), Platform("home", 2)


async def app_of(database: Database, app_id: str = "app") -> App:
    """Register an app that may send on two platforms."""
    await add_app(database, "other", AWAY.code)
    await add_app(database, app_id, HOME.code)
    async with database.connection() as connection:
        await connection.execute("update app set platforms = $1 where app_id = $2", [AWAY.code], app_id)
        record = await find_app(connection, app_id)
    assert record is not None
    return record.app


async def send(database: Database, ids: Callable[[], int], app: App, user: str, platform: Platform = HOME) -> int:
    """Send a text with an id from `ids`."""
    (sent,) = await send_drafts(database, MessageIds(1, ids), [text_to(app.number, platform, [user])])
    assert isinstance(sent, int)
    return sent


async def received(database: Database, query: MessageFilter, user: str, limit: int = 100) -> list[int]:
    """Return the messages that the log lists for a user, over all its pages."""
    ids: list[int] = []
    before: int | None = query.before_id
    while before is not None:
        page = await MessageLog(database).page(query._replace(before_id=before), user, limit)
        assert len(page.items) <= limit
        assert page.next_cursor is None or page.next_cursor < before
        ids += [entry.message.id for entry in page.items]
        before = page.next_cursor
    return ids


@pytest.mark.parametrize("limit", [1, 3, 7, 100])
async def test_all_pages_together_list_what_the_user_received(
    database: Database, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    short_pages(monkeypatch, 3)
    monkeypatch.setattr(message_log, "_IDS_AT_ONCE", 4)
    monkeypatch.setattr(message_log, "_SCANNED_PER_PAGE", 8)
    app = await app_of(database)
    sent: list[tuple[int, Platform]] = []
    for number in range(40):
        at = now_ms() - (40 - number) * 2 * DAY
        platform = AWAY if number % 3 == 0 else HOME
        sent.append((await send(database, lambda at=at: at, app, "li", platform), platform))  # type: ignore[misc]
        await send(database, lambda at=at: at + 1, app, "wang", platform)  # type: ignore[misc]
    newest_first = [message_id for message_id, _ in sent[::-1]]
    assert await received(database, MessageFilter(app.number), "li", limit) == newest_first
    home = [message_id for message_id, platform in sent[::-1] if platform == HOME]
    assert await received(database, MessageFilter(app.number, platform_code=HOME.code), "li", limit) == home
    part = MessageFilter(app.number, first_id=newest_first[20], before_id=newest_first[5])
    assert await received(database, part, "li", limit) == newest_first[6:21]
    assert await received(database, MessageFilter(app.number, kind="oa"), "li", limit) == []
    assert await received(database, MessageFilter(app.number, business_id="x"), "li", limit) == []
    assert await received(database, MessageFilter(app.number + 1), "li", limit) == []
    assert await received(database, MessageFilter(app.number), "unknown", limit) == []


async def test_topic_messages_and_broadcasts_are_listed_for_their_audience(
    database: Database, database_url: str
) -> None:
    app = await app_of(database)
    topics, sent_messages = Topics(database), SentMessages(database)
    async with NodeLease(database_url) as lease:
        sending = Sending(database, lease, waiting_limit=10)

        async def sent_to(audience: Receivers | Topic | Everyone, platform: Platform = HOME) -> int:
            return await sending.send(app, Text("x"), audience, platform_code=platform.code)

        await sent_to(Everyone())  # before any user is known
        await topics.subscribe(app, "class", ["li"], by=COMMAND)
        to_class = await sent_to(Topic("class"))
        await topics.subscribe(app, "class", ["wang"], by=COMMAND)
        to_both = await sent_to(Topic("class"))
        await topics.unsubscribe(app, "class", ["li"], by=COMMAND)
        to_wang = await sent_to(Topic("class"))
        to_all = await sent_to(Everyone())
        elsewhere = await sent_to(Everyone(), AWAY)
        direct = await sent_to(Receivers.of(["li"]), AWAY)
        all_there = await sent_to(Everyone(), AWAY)
    query = MessageFilter(app.number)
    assert await rows(database, "select from mailbox_page where cell = $1", HOME.first_cell) == []
    assert await received(database, query, "li") == [all_there, direct, to_all, to_both, to_class]
    assert await received(database, query, "wang") == [to_all, to_wang, to_both]
    await sent_messages.recall(app, to_all, by=COMMAND)
    await sent_messages.recall(app, direct, by=COMMAND)
    assert await received(database, query, "li") == [all_there, direct, to_all, to_both, to_class]
    assert elsewhere not in await received(database, query, "li")
    assert await received(database, query, "chen") == []
    async with database.connection() as connection:
        cells = [HOME.first_cell, AWAY.first_cell]
        assert await directory.knowing_cells(connection, cells, "chen") == set()  # a search makes no user known


async def test_expired_messages_stay_in_the_log(database: Database) -> None:
    app = await app_of(database)
    draft = text_to(app.number, HOME, ["li"], expires_at=now_ms() - 1)
    (sent,) = await send_drafts(database, MessageIds(1), [draft])
    page = await MessageLog(database).page(MessageFilter(app.number), "li", 10)
    assert [(entry.message.id, entry.state) for entry in page.items] == [(sent, "expired")]


async def test_a_list_counts_receipts_up_to_its_limits(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(message_log, "_COUNTED_OF_MESSAGE", 4)
    monkeypatch.setattr(message_log, "_COUNTED_OF_PAGE", 7)
    app = await app_of(database)
    users = [f"user-{number}" for number in range(6)]
    for audience in (users[:2], users[:3], users, users[:3]):  # the newest last
        await send_drafts(database, MessageIds(1), [text_to(app.number, HOME, audience)])
    page = await MessageLog(database).page(MessageFilter(app.number), None, 10)
    counted = [entry.counts and entry.counts.delivered for entry in page.items]
    assert counted == [3, None, 3, None]  # 3 of 7; 6 is over 4; 3 more; 1 is left, too few for 2
    assert [entry.named for entry in page.items] == [tuple(users[:3])] * 3 + [tuple(users[:2])]


async def test_the_first_receivers_are_named_whatever_their_cells(database: Database) -> None:
    await database.in_transaction(ensure_platform, HOME.code, HOME.code, 1, cells=4)
    app_number = await add_app(database, "app", HOME.code)
    home = await find_platform(database, HOME.code)
    users = [next(f"user-{it}" for it in range(100) if home.cell_of(f"user-{it}") == cell) for cell in home.all_cells]
    for count in (2, 4):
        await send_drafts(database, MessageIds(1), [text_to(app_number, home, users[:count])])
    page = await MessageLog(database).page(MessageFilter(app_number), None, 10)
    assert [entry.named for entry in page.items] == [tuple(users[:3]), tuple(users[:2])]


async def test_a_broadcast_over_the_limit_is_not_counted(
    database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = await app_of(database)
    async with database.connection() as connection:
        await directory.register(connection, HOME.first_cell, [f"user-{number}" for number in range(20)])
    async with NodeLease(database_url) as lease:
        await Sending(database, lease, waiting_limit=10).send(app, Text("x"), Everyone())
    for limit, expected in ((20, (20, 20, 0)), (19, None)):
        monkeypatch.setattr(message_log, "_COUNTED_OF_MESSAGE", limit)
        (entry,) = (await MessageLog(database).page(MessageFilter(app.number), None, 10)).items
        assert entry.counts == expected


# --- Query plans ----------------------------------------------------------------------------------------------------


class _Spy:
    """A connection that records the plan of each statement."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.plans: list[str] = []

    async def fetch(self, statement: str, *values: object) -> list[Any]:
        plan = await self._connection.fetch(f"explain {statement}", *values)
        self.plans.append("\n".join(row[0] for row in plan))
        return await self._connection.fetch(statement, *values)

    async def execute(self, statement: str) -> None:
        await self._connection.execute(statement)


async def _fill(connection: Connection) -> None:
    """Fill tables until PostgreSQL prefers indexes."""
    await connection.execute(
        "insert into webhook_delivery (cell, endpoint_number, id, webhook_id, kind, message_ids, event_count, body,"
        " created_at, next_attempt_at)"
        " select $1::int, n % 10, n, n::text, 'message.read', array[n, n + 1], 2, '{}', n, n"
        " from generate_series(1, 20000) as n",
        HOME.first_cell,
    )
    # Few entries of each app and actor: with many, scanning the newest entries is as fast, and PostgreSQL 15 does that.
    for n in range(3_000):
        await audit.record(connection, COMMAND._replace(name=f"u{n % 300}"), "app.face", "x", now=n, app_number=n % 299)
    async with connection.transaction():
        await connection.execute("set local lock_timeout = '60s'")  # autovacuum may be analysing one of them
        await connection.execute("analyze webhook_delivery; analyze audit_entry; analyze mailbox_page; analyze message")


async def test_every_search_uses_an_index(database: Database) -> None:
    app = await app_of(database)
    drafts = [text_to(app.number, HOME, [f"user-{n % 500}", "li"]) for n in range(1_500)]
    ids = [i for i in await send_drafts(database, MessageIds(1), drafts) if isinstance(i, int)]
    async with database.connection() as connection:
        await _fill(connection)
        spy: Any = _Spy(connection)
        listed = [i async for i in reading.received_ids(spy, EntryQuery(HOME.recipient("li"), app.number))]
        assert listed == sorted(ids, reverse=True)
        assert await directory.knowing_cells(spy, [HOME.first_cell, AWAY.first_cell], "li") == {HOME.first_cell}
        await messages.find_messages(spy, HOME.first_cell, ids[:200])
        await messages.list_messages(spy, MessageFilter(app.number, before_id=MAX_ID), 30)
        await messages.list_messages(spy, MessageFilter(app.number, business_id="x"), 30)
        about = DeliveryFilter(HOME.first_cell, tuple(range(10)), message_id=500)
        async with connection.transaction():
            listed_deliveries = await deliveries.list_deliveries(spy, about, 20)
        assert [delivery.number for delivery in listed_deliveries] == [500, 499]
        assert "webhook_delivery_messages" in spy.plans[-1]
        for query, index in (
            (AuditFilter(app_number=3), "audit_entry_app"),
            (AuditFilter(actor="u7"), "audit_entry_actor"),
            (AuditFilter(), "audit_entry_pkey"),
        ):
            assert len(await audit.list_entries(spy, query, 5)) == 5
            assert index in spy.plans[-1]
    plans: Iterable[str] = spy.plans
    for plan in plans:
        assert "Seq Scan on mailbox" not in plan
        assert "Seq Scan on message" not in plan
        assert "Seq Scan on webhook_delivery" not in plan
        assert "Seq Scan on audit_entry" not in plan
