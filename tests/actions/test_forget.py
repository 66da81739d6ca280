"""Removing a person: nothing of the user is left, and the receipts of every message stay exact."""

from collections.abc import AsyncIterator, Iterable

import pytest

from msgcenter.actions.apps.key_ring import KeyRing
from msgcenter.actions.channels.forget import UnknownUserError, forget_user
from msgcenter.actions.mailboxes.inbox import Inbox
from msgcenter.actions.mailboxes.statuses import Statuses
from msgcenter.actions.mailboxes.topics import Topics
from msgcenter.actions.mailboxes.user_tokens import Viewer
from msgcenter.actions.messages.message_status import MessageStatuses
from msgcenter.actions.messages.sending import Sending
from msgcenter.database.database import Database
from msgcenter.domain.account import App, Platform
from msgcenter.domain.audience import Audience, Everyone, Organisations, Receivers, Topic
from msgcenter.domain.channels.contacts import ContactWriting
from msgcenter.domain.content import Text
from msgcenter.domain.directory import UserChange
from msgcenter.domain.forgotten import PREFIX, anonymous_id
from msgcenter.domain.message_id import now_ms
from msgcenter.domain.person import COMMAND
from msgcenter.messaging.directory.change_users import change_users
from msgcenter.messaging.forget import Removed
from msgcenter.store.apps.apps import find_app
from msgcenter.store.apps.platforms import ensure_platform
from msgcenter.store.messages.node_lease import NodeLease
from tests.directory_rows import DirectoryRows
from tests.scene import START, add_app, rows

WANG = "wang-who-leaves"
OTHERS = tuple(f"user-{number:02}" for number in range(40))
USERS = (*OTHERS, WANG)
KEYS = KeyRing("a secret key of the tests")


class Scene:
    """An app on a platform of three cells, and the messages that it has sent."""

    def __init__(self, database: Database, lease: NodeLease, app: App) -> None:
        self.database, self.app, self.platform = database, app, app.platform
        self.sending = Sending(database, lease, waiting_limit=100)
        self.statuses = Statuses(database, waiting_limit=100)
        self.inbox = Inbox(database, self.statuses, waiting_limit=100)
        self.queries = MessageStatuses(database, waiting_limit=100)
        self.sent: list[int] = []

    async def send(self, audience: Audience, *, read_by: Iterable[str] = (), approval: bool = False) -> int:
        """Send a message, which some of its users read."""
        message_id = await self.sending.send(self.app, Text("text"), audience, approval=approval)
        for user in read_by:
            assert await self.statuses.set_status(self.app, user, frozenset([message_id]), read=True) == set()
        self.sent.append(message_id)
        return message_id

    async def play(self) -> None:
        """Send by every way, with the user among the receivers, who reads every second message."""
        directory = DirectoryRows(self.database, self.platform)
        await directory.add_org("school")
        await directory.join("school", USERS[20:])
        await directory.grant(self.app.number, "school")
        await Topics(self.database).subscribe(self.app, "news", USERS[10:], by=COMMAND)
        audiences = (Receivers.of([WANG]), Receivers.of(USERS), Topic("news"), Organisations.of(["school"]), Everyone())
        for audience in audiences:
            for readers in ((WANG, OTHERS[-1]), (), (WANG,)):
                await self.send(audience, read_by=readers if audience != audiences[0] else readers[:1])
        approval = await self.send(Receivers.of([WANG, OTHERS[0]]), approval=True)
        await self.statuses.decide_approvals(self.app, frozenset([approval]), closed=True, approver_id=WANG)
        await self.sending.send(
            self.app, Text("later"), Receivers.of([WANG, *OTHERS[:9]]), send_at=now_ms() + 3_600_000
        )
        await self.database.in_transaction(
            change_users,
            self.platform,
            [UserChange(WANG, "王芳", contacts=(("email", "wang@school.example"), ("wecom", "wang")))],
            ContactWriting(KEYS, self.app.number, START),
        )
        cell = self.platform.cell_of(WANG)
        async with self.database.connection() as connection:
            await connection.execute(_CHANNEL_ROWS, cell, WANG, self.sent[0])

    async def receipts(self) -> dict[int, tuple[int, int, int, dict[str, bool]]]:
        """Return the counts of each message, and who has read it."""
        found = {}
        for message_id in self.sent:
            page = await self.queries.receipts(self.app, message_id, read=None, cursor=None, limit=200)
            counts = page.status.counts
            read = {receipt.user_id: receipt.read_at is not None for receipt in page.receipts}
            assert len(read) == counts.receivers == counts.delivered
            assert sum(read.values()) == counts.read
            found[message_id] = (counts.receivers, counts.delivered, counts.read, read)
        return found

    async def forget(self, user_id: str = WANG, *, dry_run: bool = False) -> Removed:
        """Remove a user."""
        return await forget_user(
            self.database, self.platform.code, user_id, dry_run=dry_run, on_chunks=lambda *_: None, by=COMMAND
        )


_CHANNEL_ROWS = """
    with browser as (
        insert into push_subscription (cell, created_at, user_id, digest, label, sealed)
        values ($1, 1, $2, 'digest', 'Firefox', 'sealed')
    ),
    preference as (
        insert into user_preference (cell, changed_at, user_id) values ($1, 1, $2)
    )
    insert into channel_delivery
        (cell, round, state, urgency, app_number, message_id, due_at, user_id, channel, reason, provider_id)
    select $1, 0, state, 1, 1, $3, 1, $2, channel, reason, 'wang@school.example'
    from (
        values
            (0, 'email', null),
            (1, 'sms', null),
            (2, 'push', null),
            (3, 'wecom', 'wang has left'),
            (4, 'feishu', 'read')
    ) as delivery (state, channel, reason)
"""


@pytest.fixture
async def scene(database: Database, database_url: str) -> AsyncIterator[Scene]:
    """The app, which has sent nothing yet."""
    await database.in_transaction(ensure_platform, "cells", "cells", START, cells=3)
    await add_app(database, "app", "cells")
    async with database.connection() as connection:
        record = await find_app(connection, "app")
    assert record is not None
    async with NodeLease(database_url) as lease:
        yield Scene(database, lease, record.app)


async def whole_database(database: Database) -> dict[str, list[str]]:
    """Return all rows of all tables as text."""
    tables = await rows(
        database, "select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace"
    )
    return {
        row["relname"]: sorted(
            it["line"] for it in await rows(database, f'select t::text as line from "{row["relname"]}" as t')
        )
        for row in tables
    }


async def test_nothing_of_the_user_is_left_and_every_count_is_as_before(scene: Scene) -> None:
    await scene.play()
    before = await scene.receipts()
    removed = await scene.forget()
    assert removed.is_known
    assert removed.in_directory
    assert removed.entries == len(scene.sent)
    assert removed == removed._replace(memberships=1, contacts=2, browsers=1, preferences=True, waiting=2)
    database = await whole_database(scene.database)
    assert [table for table, lines in database.items() if any("wang" in line for line in lines)] == []
    after = await scene.receipts()
    for message_id, (*counts, read) in before.items():
        *counts_now, read_now = after[message_id]
        assert counts_now == counts
        (anonymous,) = set(read_now) - set(read)
        assert anonymous.startswith(PREFIX)
        assert {**read_now, WANG: read_now[anonymous]} == {**read, anonymous: read[WANG]}
    outcomes = await rows(scene.database, "select state, reason, provider_id from channel_delivery order by state")
    assert list(map(tuple, outcomes)) == [(2, None, None), (3, None, None), (4, "read", None)]


async def test_later_messages_count_only_those_who_are_still_there(scene: Scene) -> None:
    await scene.play()
    await scene.forget()
    news, school, everyone = Topic("news"), Organisations.of(["school"]), Everyone()
    for audience, users in ((news, OTHERS[10:]), (school, OTHERS[20:]), (everyone, OTHERS)):
        message_id = await scene.send(audience)
        assert set((await scene.receipts())[message_id][3]) == set(users)


async def test_a_user_who_comes_back_is_a_new_one(scene: Scene) -> None:
    await scene.play()
    old = len(scene.sent)
    await scene.forget()
    for audience in (Receivers.of(USERS[20:]), Receivers.of([WANG, OTHERS[3]]), Everyone()):
        await scene.send(audience, read_by=[WANG])
    viewer = Viewer(scene.platform.recipient(WANG), None, (), (), 1 << 60)
    counts = await scene.inbox.counts(viewer)
    assert counts.unread == 0
    receipts = await scene.receipts()
    for message_id in scene.sent[old:]:
        assert receipts[message_id][3][WANG]
    for message_id in scene.sent[:old]:
        assert WANG not in receipts[message_id][3]


async def test_a_list_that_is_addressed_again_reaches_a_user_who_was_removed(scene: Scene) -> None:
    """Its chunk is stored with the anonymous id: the user is a receiver, but the receipt has that id."""
    await scene.play()
    await scene.forget()
    for _ in range(2):
        message_id = await scene.sending.send(scene.app, Text("again"), Receivers.of(USERS))
        viewer = Viewer(scene.platform.recipient(WANG), None, (), (), 1 << 60)
        assert [item.message.id for item in await scene.inbox.find(viewer, [message_id])] == [message_id]
        page = await scene.queries.receipts(scene.app, message_id, read=None, cursor=None, limit=200)
        assert page.status.counts.receivers == len(page.receipts) == len(USERS)


async def test_a_dry_run_counts_the_same_and_changes_nothing(scene: Scene) -> None:
    await scene.play()
    before = await whole_database(scene.database)
    removed = await scene.forget(dry_run=True)
    assert await whole_database(scene.database) == before
    assert await scene.forget() == removed


async def test_a_user_of_whom_nothing_is_known_is_refused(scene: Scene) -> None:
    await scene.play()
    with pytest.raises(UnknownUserError):
        await scene.forget("nobody")
    await scene.forget()
    with pytest.raises(UnknownUserError):
        await scene.forget()


async def test_the_audit_log_says_how_much_was_removed_and_not_whose(scene: Scene) -> None:
    await scene.play()
    await scene.forget()
    (entry,) = await rows(scene.database, "select subject, detail from audit_entry where action = 'platform.forget'")
    assert entry["subject"] == "cells"
    assert '"waiting":2' in entry["detail"].replace(" ", "")
    assert "wang" not in entry["detail"]


def test_an_anonymous_id_is_in_the_users_cell() -> None:
    platform = Platform("p", 1, 64)
    ids = {anonymous_id(platform, WANG) for _ in range(5)}
    assert len(ids) == 5
    assert {platform.cell_of(it) for it in ids} == {platform.cell_of(WANG)}
