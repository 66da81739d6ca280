"""An announcement is approved and sent in one transaction."""

import asyncio

import pytest

from msgcenter.actions.apps.apps import Apps
from msgcenter.actions.apps.key_ring import KeyRing
from msgcenter.actions.messages.message_status import MessageStatuses
from msgcenter.actions.portal.announcement_views import AnnouncementViews
from msgcenter.actions.portal.announcements import Announcements
from msgcenter.actions.portal.people import People
from msgcenter.database.database import Database
from msgcenter.domain.announcement import AnnouncementVersion
from msgcenter.domain.content import Text
from msgcenter.domain.event import MailboxEvent
from msgcenter.domain.message_id import now_ms
from msgcenter.domain.person import COMMAND, Person
from msgcenter.domain.refusal import Reason, Refusal
from msgcenter.store import audit
from msgcenter.store.mailboxes import users
from msgcenter.store.messages.node_lease import NodeLease
from msgcenter.store.portal import announcements as store
from tests.channel_rows import ChannelRows
from tests.conftest import PLATFORM, SECRET_KEY
from tests.scene import HOME, rows

SAID = AnnouncementVersion(PLATFORM, Text("School is closed."), None, None)


class Office:
    """Two operators, and the events that were published after commits."""

    def __init__(self, database: Database, lease: NodeLease) -> None:
        self.database = database
        self.events: list[MailboxEvent] = []
        keys = KeyRing(SECRET_KEY)
        self.announcements = Announcements(database, keys, lease, on_change=self.events.extend)
        self.views = AnnouncementViews(database, MessageStatuses(database, waiting_limit=10))
        self.people = People(database)
        self.apps = Apps(database, keys)

    async def open(self) -> tuple[Person, Person]:
        """Create the platform and both operators."""
        await self.apps.create("Test app", PLATFORM)
        async with self.database.connection() as connection:
            await users.register(connection, HOME.first_cell, ["u-1", "u-2"])
        password = "correct horse battery"
        author = await self.people.create("author@example.edu", "Author", password, "operator")
        return author, await self.people.create("other@example.edu", "Other", password, "operator")

    async def waiting(self, author: Person, version: AnnouncementVersion = SAID) -> int:
        """Return the number of a submitted announcement."""
        number = await self.announcements.draft(version, author, COMMAND)
        await self.announcements.submit(number, 1, author, COMMAND)
        return number

    async def messages(self) -> int:
        """Return the number of messages."""
        async with self.database.connection() as connection:
            count: int = await connection.fetchval("select count(*) from message")
            return count


async def test_an_announcement_is_planned_by_the_platforms_channels(database: Database) -> None:
    async with NodeLease(database.url) as lease:
        office = Office(database, lease)
        author, other = await office.open()
        decided = ChannelRows(database, PLATFORM)
        await decided.add_gateways("email")
        await decided.set_defaults(["email"], 20)
        number = await office.waiting(author)
        message_id = await office.announcements.approve(number, 1, other, COMMAND)
        (plan,) = await rows(database, "select message_id, channels, due_at - created_at as delay from channel_plan")
        assert tuple(plan) == (message_id, ["email"], 20 * 60_000)


async def test_concurrent_approvals_send_one_message(database: Database) -> None:
    async with NodeLease(database.url) as lease:
        office = Office(database, lease)
        author, other = await office.open()
        number = await office.waiting(author)
        approve = office.announcements.approve
        ids = await asyncio.gather(*(approve(number, 1, other, COMMAND) for _ in range(8)))
        assert len(set(ids)) == 1
        assert await office.messages() == 1
        opened = await office.views.open(number, other)
        assert (opened.announcement.state, opened.announcement.message_id) == ("sent", ids[0])
        assert [step.step for step in opened.steps] == ["draft", "submit", "approve"]
        report = await office.views.message_status(opened.announcement, opened.version)
        assert report is not None
        assert report.counts.receivers == 2


async def test_a_failure_after_the_send_leaves_nothing_behind(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fail like a kill before the commit: everything is one transaction."""

    async def fail(*_: object, **__: object) -> None:
        raise RuntimeError("killed")

    async with NodeLease(database.url) as lease:
        office = Office(database, lease)
        author, other = await office.open()
        number = await office.waiting(author)
        record = audit.record
        monkeypatch.setattr(audit, "record", fail)
        with pytest.raises(RuntimeError, match="killed"):
            await office.announcements.approve(number, 1, other, COMMAND)
        monkeypatch.setattr(audit, "record", record)
        assert await office.messages() == 0
        assert office.events == [], "no event is published without a commit"
        opened = await office.views.open(number, other)
        assert (opened.announcement.state, opened.announcement.message_id) == ("waiting", None)
        message_id = await office.announcements.approve(number, 1, other, COMMAND)
        assert await office.messages() == 1
        assert [event.message_ids for event in office.events] == [(message_id,)]


async def test_a_concurrent_edit_and_approval_never_send_an_unseen_version(database: Database) -> None:
    async with NodeLease(database.url) as lease:
        office = Office(database, lease)
        author, other = await office.open()
        for attempt in range(6):
            number = await office.waiting(author, AnnouncementVersion(PLATFORM, Text(f"Before {attempt}."), None, None))
            changed = AnnouncementVersion(PLATFORM, Text(f"After {attempt}."), None, None)
            outcomes = await asyncio.gather(
                office.announcements.edit(number, 1, changed, person=author, by=COMMAND),
                office.announcements.approve(number, 1, other, COMMAND),
                return_exceptions=True,
            )
            assert sum(isinstance(outcome, Refusal) for outcome in outcomes) == 1, "exactly one of them was first"
        async with database.connection() as connection:
            sent = [row[0] for row in await connection.fetch("select content->>'content' from message")]
        assert not [text for text in sent if text.startswith("After")]


async def test_an_announcement_outlives_its_message(database: Database) -> None:
    async with NodeLease(database.url) as lease:
        office = Office(database, lease)
        author, other = await office.open()
        number = await office.waiting(author)
        await office.announcements.approve(number, 1, other, COMMAND)
        async with database.connection() as connection:
            await connection.execute("delete from message")  # as retention does later
        opened = await office.views.open(number, other)
        assert await office.views.message_status(opened.announcement, opened.version) is None
        with pytest.raises(Refusal) as refused:
            await office.announcements.recall(number, 1, other, COMMAND)
        assert refused.value.reason is Reason.MESSAGE_UNKNOWN
        assert (await office.views.open(number, other)).announcement.state == "sent"


async def test_a_time_that_has_passed_before_the_approval_is_refused(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    import msgcenter.actions.portal.announcements as module

    async with NodeLease(database.url) as lease:
        office = Office(database, lease)
        author, other = await office.open()
        later = now_ms() + 3_600_000
        number = await office.waiting(author, AnnouncementVersion(PLATFORM, Text("Later."), later, None))
        monkeypatch.setattr(module, "now_ms", lambda: later + 120_000)
        with pytest.raises(Refusal) as refused:
            await office.announcements.approve(number, 1, other, COMMAND)
        assert refused.value.data["field"] == "sendTime"
        assert await office.messages() == 0
        await office.announcements.send_back(number, 1, "Its time has passed", other, COMMAND)


async def test_the_same_content_makes_no_new_version(database: Database) -> None:
    async with NodeLease(database.url) as lease:
        office = Office(database, lease)
        author, _ = await office.open()
        number = await office.waiting(author)
        assert await office.announcements.edit(number, 1, SAID, person=author, by=COMMAND) == 1
        assert (await office.views.open(number, author)).announcement.state == "waiting"


async def test_concurrent_approvals_create_one_app_for_announcements(database: Database) -> None:
    async with NodeLease(database.url) as lease:
        office = Office(database, lease)
        author, other = await office.open()
        numbers = [await office.waiting(author) for _ in range(5)]
        await asyncio.gather(*(office.announcements.approve(number, 1, other, COMMAND) for number in numbers))
        async with database.connection() as connection:
            assert await connection.fetchval("select count(*) from app where notices") == 1
        assert await office.messages() == 5


async def test_the_list_is_filtered_and_paged(database: Database) -> None:
    async with NodeLease(database.url) as lease:
        office = Office(database, lease)
        author, _ = await office.open()
        numbers = [await office.waiting(author) for _ in range(5)]
        drafted = await office.announcements.draft(SAID, author, COMMAND)
        page, following = await office.views.page("waiting", PLATFORM, 1 << 30, 3)
        assert [one.announcement.number for one in page] == numbers[:1:-1]
        rest, end = await office.views.page("waiting", PLATFORM, following or 0, 3)
        assert [one.announcement.number for one in rest] == numbers[1::-1]
        assert end is None
        assert (await office.views.page("draft", None, 1 << 30, 3))[0][0].announcement.number == drafted
        assert (await office.views.page(None, "elsewhere", 1 << 30, 3))[0] == []
        assert await office.views.waiting() == 5


async def test_unknown_announcements_are_refused(database: Database) -> None:
    async with NodeLease(database.url) as lease:
        office = Office(database, lease)
        author, other = await office.open()
        for act in (
            office.announcements.submit(7, 1, author, COMMAND),
            office.announcements.approve(7, 1, other, COMMAND),
            office.announcements.recall(7, 1, other, COMMAND),
            office.views.open(7, other),
        ):
            with pytest.raises(Refusal) as refused:
                await act
            assert refused.value.reason is Reason.MESSAGE_UNKNOWN
        async with database.connection() as connection:
            assert await store.find_version(connection, 7, 1) is None
