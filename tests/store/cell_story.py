"""A story that makes almost every statement of `store/` about mailboxes and messages, on a platform with some cells."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import count
from operator import itemgetter
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from msgcenter.actions import retention
from msgcenter.actions.mailboxes.inbox import Inbox
from msgcenter.actions.mailboxes.inbox_views import InboxQuery
from msgcenter.actions.mailboxes.statuses import Statuses
from msgcenter.actions.mailboxes.topics import Topics, topic_readers
from msgcenter.actions.mailboxes.user_tokens import Viewer
from msgcenter.actions.mailboxes.users import count_users, import_users
from msgcenter.actions.maintenance import clean_up
from msgcenter.actions.messages.message_log import MessageLog
from msgcenter.actions.messages.message_status import MessageStatuses
from msgcenter.actions.messages.sending import Sending
from msgcenter.actions.messages.sent_messages import SentMessages
from msgcenter.actions.webhooks.deliveries import WebhookDeliveries
from msgcenter.database.database import Connection, Database
from msgcenter.domain import message as messages
from msgcenter.domain.account import App, AppChangedError, Platform
from msgcenter.domain.audience import EVERYONE, Audience, Everyone, Organisations, Receivers, Topic
from msgcenter.domain.content import Text
from msgcenter.domain.directory import NEVER, FormerMembership, Membership, OrgChange, UserChange
from msgcenter.domain.message import Draft, Message, State
from msgcenter.domain.message_id import MessageIds, bucket_of, now_ms
from msgcenter.domain.person import COMMAND
from msgcenter.domain.quota import quota_of
from msgcenter.domain.refusal import Reason, Refusal
from msgcenter.domain.webhook_schedule import Outcome, Settlement, Verdict
from msgcenter.messaging.directory.change_members import add_members, remove_members
from msgcenter.messaging.directory.change_orgs import change_orgs, end_members_of_deleted
from msgcenter.messaging.directory.change_users import change_users
from msgcenter.messaging.fan_out import fan_out
from msgcenter.messaging.groups import IDLE_MS, known_groups, remove_idle
from msgcenter.messaging.send import send_drafts
from msgcenter.store.apps import quotas
from msgcenter.store.apps.apps import find_app
from msgcenter.store.apps.platforms import ensure_platform
from msgcenter.store.directory import orgs
from msgcenter.store.directory.members import Member, count_all, count_by_role, list_members, list_org_members
from msgcenter.store.directory.search import find_users, with_orgs_below_at
from msgcenter.store.directory.users import list_users
from msgcenter.store.mailboxes import entry_marks
from msgcenter.store.mailboxes.pages import PageKey, page_key
from msgcenter.store.mailboxes.reading import Filter
from msgcenter.store.messages import audiences
from msgcenter.store.messages.groups import set_used
from msgcenter.store.messages.jobs import Delivery
from msgcenter.store.messages.messages import MessageFilter, list_messages
from msgcenter.store.messages.node_lease import NodeLease
from msgcenter.store.webhooks import deliveries, due, leases, outbox
from msgcenter.store.webhooks.deliveries import WebhookDelivery
from tests import citus
from tests.channel_rows import ChannelRows
from tests.delivery.scene import webhooks_of
from tests.directory_rows import DirectoryRows
from tests.scene import START, add_app, add_webhook
from tests.store import channel_engine_story, channel_story
from tests.store.partitioned import remainders_of

CODE = "cells"
USERS = tuple(f"user-{number:02}" for number in range(12))
SUBSCRIBERS = USERS[:6]
MEMBERS = USERS[3:9]
TOPIC = "班级"
FAR = 1 << 60
DAY_MS = 86_400_000
_OLD_DAYS = 400
_SMALL = 5
"""Receivers that a send delivers to at once, and the chunk size of fan-outs."""


def small_parts(patch: pytest.MonkeyPatch) -> None:
    """Make a send to all users a fan-out of several chunks, and a list of one mailbox one page."""
    patch.setattr(messages, "IMMEDIATE_RECEIVERS", _SMALL)
    patch.setattr(audiences, "CHUNK_SIZE", _SMALL)
    patch.setattr(audiences, "LARGE_CHUNK", 2)
    patch.setattr(retention, "_READER_SECONDS", 0)


@dataclass
class Story:
    """A platform with an app that has a webhook for status events and another app, and what each mailbox shows."""

    database: Database
    lease: NodeLease
    platform: Platform
    app: App
    plain_app: App
    shown: dict[str, set[int]] = field(default_factory=lambda: {user: set() for user in USERS})

    def __post_init__(self) -> None:
        database = self.database
        self.sending = Sending(database, self.lease, waiting_limit=100)
        self.statuses = Statuses(database, waiting_limit=100)
        self.inbox = Inbox(database, self.statuses, waiting_limit=100)
        self.topics = Topics(database)
        self.sent = SentMessages(database)
        self.queries = MessageStatuses(database, waiting_limit=100)
        self.log = MessageLog(database)

    @classmethod
    async def begin(cls, database: Database, lease: NodeLease, cells: int) -> "Story":
        """Create the platform, with cells in different partitions, and its apps."""
        await _create_platform(database, cells)
        numbers = [await add_app(database, app_id, CODE) for app_id in ("app", "plain")]
        await database.in_transaction(add_webhook, numbers[0])
        async with database.connection() as connection:
            records = [await find_app(connection, app_id) for app_id in ("app", "plain")]
        app, plain_app = (record.app for record in records if record is not None)
        assert app.platform.cells == cells
        assert {app.platform.cell_of(user) for user in USERS} == set(app.platform.all_cells)
        return cls(database, lease, app.platform, app, plain_app)

    async def play(self) -> None:
        """Play the whole story."""
        # Before the first send: sends remember the rules of a platform for two seconds.
        channels = ChannelRows(self.database, CODE)
        await channels.add_gateways("email")
        await channels.set_defaults(["email"])
        new_users = await self.send_to_new_users()
        assert await import_users(self.database, CODE, USERS, lambda _: None) == len(USERS) - new_users
        assert await count_users(self.database, CODE) == len(USERS)
        await self.compare()
        await self.send_to_receivers()
        await self.send_to_topic()
        await self.send_to_organisations()
        await self.broadcast()
        await self.set_statuses()
        await self.decide_approvals()
        await self.update()
        await self.recall()
        await self.archive_and_read()
        await self.mark()
        await self.expire()
        await self.search_log()
        await self.use_quota()
        await self.keep_old_user_ids()
        await self.feed_directory()
        await self.remove_old()
        await self.remove_groups()
        await self.deliver_webhooks()
        await channel_story.forget(self.database, self.platform, USERS[-1])
        self.shown[USERS[-1]] = set()
        await channel_story.use_contacts(self.database, self.platform, USERS, now_ms())
        await channel_story.use_preferences(self.database, self.platform, USERS, now_ms())
        await channel_story.use_subscriptions(self.database, self.platform, USERS, now_ms())
        await channel_story.use_params(self.database, self.platform)
        await channel_story.use_gateways(self.database, self.platform, now_ms())
        await channel_story.ask_outcomes(self.queries.channels, await self.newest_message(), USERS)
        await channel_engine_story.use_channels(self.database, self.platform, await self.newest_message(), now_ms())
        await clean_up(self.database)
        await self.remove_everything()
        await self.compare()
        await self.compare_counts()

    async def newest_message(self) -> Message:
        """Return the newest message of the app that its audience has."""
        async with self.database.connection() as connection:
            listed = await list_messages(connection, MessageFilter(self.app.number), 100)
        return next(message for message in listed if message.is_sent and message.recalled_at is None)

    def viewer(self, user: str) -> Viewer:
        """Return the viewer of a user's mailbox."""
        return Viewer(self.platform.recipient(user), None, (), (), FAR)

    async def compare(self) -> None:
        """Compare all mailboxes with what they should show."""
        for user in USERS:
            assert await self.ids_of(user, "all") == self.shown[user]

    async def compare_counts(self) -> None:
        """Compare the counts of all mailboxes with their lists."""
        for user in USERS:
            counts = await self.inbox.counts(self.viewer(user))
            assert counts.unread == len(await self.ids_of(user, "unread"))
            assert counts.todo == len(await self.ids_of(user, "todo"))

    async def ids_of(self, user: str, filter_: Filter) -> set[int]:
        """Return the ids of a list of a mailbox."""
        page = await self.inbox.list_messages(self.viewer(user), InboxQuery(filter_, limit=100))
        return {item.message.id for item in page.items}

    async def send(self, audience: Audience, users: Iterable[str], *, approval: bool = False) -> int:
        """Send a message that reaches these users, and fan it out if its audience is large."""
        message_id = await self.sending.send(self.app, Text("text"), audience, approval=approval)
        if isinstance(audience, Receivers) and len(audience.user_ids) > _SMALL:
            # Once as an earlier version would have enqueued it.
            assert await fan_out(self.database, Delivery(None, message_id)) == 0
        for user in users:
            self.shown[user].add(message_id)
        return message_id

    async def send_to_new_users(self) -> int:
        """Send to two users of a cell who are not known yet. Return their number."""
        cell = self.platform.cell_of(USERS[0])
        users = [user for user in USERS if self.platform.cell_of(user) == cell][:2]
        await self.send(Receivers.of(users), users)
        return len(users)

    async def send_to_receivers(self) -> None:
        """Send to some and to all receivers, once by a request that is repeated."""
        for users in (USERS[:5], USERS, USERS):
            message_id = await self.send(Receivers.of(users), users)
            await self.compare_receipts(message_id, users)
        repeated = [
            await self.sending.send(self.app, Text("once"), Receivers.of(USERS[:2]), request_id="r") for _ in range(2)
        ]
        assert repeated[0] == repeated[1]
        for user in USERS[:2]:
            self.shown[user].add(repeated[0])
        imported = replace(self.draft(Receivers.of(USERS[:2])), message_id=4_711)
        await self.sending.import_message(imported)
        await self.sending.import_message(imported)
        for user in USERS[:2]:
            self.shown[user].add(4_711)
        await self.compare()

    async def send_to_topic(self) -> None:
        """Send to a topic before and after some of its subscribers leave."""
        assert await self.topics.subscribe(self.app, TOPIC, SUBSCRIBERS, by=COMMAND) == len(SUBSCRIBERS)
        message_id = await self.send(Topic(TOPIC), SUBSCRIBERS)
        assert await self.topics.unsubscribe(self.app, TOPIC, SUBSCRIBERS[:3], by=COMMAND) == 3
        await self.send(Topic(TOPIC), SUBSCRIBERS[3:])
        page = await self.topics.subscribers(self.app, TOPIC, platform_code=None, cursor=None, limit=100)
        assert page.items == list(SUBSCRIBERS[3:])
        await self.compare()
        await self.compare_receipts(message_id, SUBSCRIBERS)
        recipients = [self.platform.recipient(user) for user in USERS]
        stored = (await self.queries.status(self.app, message_id)).message
        assert stored.topic_number is not None
        assert set(await topic_readers(self.database, stored.topic_number, recipients)) == set(SUBSCRIBERS)
        with pytest.raises(Refusal) as refusal:
            await self.sending.send(replace(self.app, live=False), Text("text"), Topic(TOPIC))
        assert refusal.value.reason is Reason.NOT_AUTHORISED

    async def send_to_organisations(self) -> None:
        """Send to organisations with roles, now and by a schedule; some members are in several of them."""
        directory = DirectoryRows(self.database, self.platform)
        await directory.add_org("school")
        await directory.add_org("class", "school")
        await directory.join("school", MEMBERS[:2], "tea")
        await directory.join("class", MEMBERS, "stu")
        await directory.grant(self.app.number, "school")
        message_id = await self.send(Organisations.of(["school", "class"]), MEMBERS)
        await directory.leave("class", MEMBERS[-1:])
        teachers = await self.send(Organisations.of(["school"], ["tea"]), MEMBERS[:2])
        await self.compare()
        await self.compare_receipts(message_id, MEMBERS)
        await self.compare_receipts(teachers, MEMBERS[:2])
        recipients = [self.platform.recipient(user) for user in USERS]
        stored = (await self.queries.status(self.app, message_id)).message
        assert stored.topic_number is not None
        assert set(await topic_readers(self.database, stored.topic_number, recipients)) == set(MEMBERS)
        (row,) = await self.queries.org_counts(stored, "school")
        assert (row.org.org_id, row.counts.receivers) == ("class", len(MEMBERS))
        page = await self.queries.receipts(self.app, message_id, read=None, cursor=None, limit=100, org_id="class")
        assert {receipt.user_id for receipt in page.receipts} == set(MEMBERS)

    async def broadcast(self) -> None:
        """Send to everyone, now and by a schedule."""
        message_id = await self.send(Everyone(), USERS)
        ids = await self.lease.ids()
        draft = replace(self.draft(Everyone()), send_at=now_ms())
        (scheduled,) = await send_drafts(self.database, ids, [draft])
        assert isinstance(scheduled, int)
        assert await fan_out(self.database, Delivery(self.platform.first_cell, scheduled)) == 0
        for user in USERS:
            self.shown[user].add(scheduled)
        await self.compare()
        await self.compare_receipts(message_id, USERS)

    def draft(self, audience: Receivers | Everyone) -> Draft:
        """Return the draft of a message to receivers or to everyone."""
        is_direct = isinstance(audience, Receivers)
        return Draft(
            app_number=self.app.number,
            app_cell=self.platform.first_cell,
            platform=self.platform,
            body=Text("text"),
            receivers=audience.user_ids if isinstance(audience, Receivers) else (),
            topic_number=None if is_direct else EVERYONE,
        )

    async def compare_receipts(self, message_id: int, users: Iterable[str]) -> None:
        """Compare the receipts of a message, and their counts, with its users."""
        page = await self.queries.receipts(self.app, message_id, read=None, cursor=None, limit=100)
        assert sorted(receipt.user_id for receipt in page.receipts) == sorted(users)
        assert page.status.state is State.SENT
        assert page.status.counts.delivered == len(page.receipts)
        assert page.status.counts.read == sum(receipt.read_at is not None for receipt in page.receipts)

    async def set_statuses(self) -> None:
        """Set messages read and unread by the app and by their users, with and without webhook events."""
        for app in (self.app, replace(self.app, webhook_events=frozenset())):
            for user in USERS[:5]:
                ids = frozenset(self.shown[user])
                for read in (True, False):
                    assert await self.statuses.set_status(app, user, ids, read=read) == set()
                    assert await self.queries.unread_count(app, user) == (0 if read else len(ids))
                some = sorted(ids)[:2]
                assert await self.inbox.set_status(self.viewer(user), some, read=True) == some
                assert await self.ids_of(user, "unread") == ids - set(some)
        if self.database.is_on_one_node:
            outdated, ids = replace(self.plain_app, version=0), frozenset(self.shown[USERS[0]])
            with pytest.raises(AppChangedError):
                await self.statuses.set_status(outdated, USERS[0], ids, read=True)
        # A mailbox that has to pull first.
        message_id = await self.send(Everyone(), USERS)
        assert await self.statuses.set_status(self.plain_app, USERS[0], frozenset([1]), read=True) == {1}
        for app in (self.app, replace(self.app, webhook_events=frozenset())):
            assert await self.statuses.set_status(app, USERS[0], frozenset([message_id]), read=True) == set()

    async def decide_approvals(self) -> None:
        """Close an approval and open it again, for all."""
        message_id = await self.send(Receivers.of(USERS[:5]), USERS[:5], approval=True)
        for closed in (True, False):
            assert await self.statuses.decide_approvals(self.app, frozenset([message_id, 1]), closed=closed) == {1}
            for user in USERS[:5]:
                assert (message_id in await self.ids_of(user, "todo")) is not closed

    async def update(self) -> None:
        """Update a direct message and a broadcast and set them unread again; remind their readers."""
        for message_id in (
            await self.send(Receivers.of(USERS[:4]), USERS[:4]),
            await self.send(Everyone(), USERS),
        ):
            await self.statuses.set_status(self.app, USERS[0], frozenset([message_id]), read=True)
            await self.sent.update(self.app, message_id, Text("new"), reset_read=True, by=COMMAND)
            assert len(await self.sent.versions(self.app, message_id)) == 2
            assert message_id in await self.ids_of(USERS[0], "unread")
            assert await self.sent.remind(self.app, message_id, by=COMMAND) > 0

    async def recall(self) -> None:
        """Recall messages of every audience; then delete the organisations."""
        for audience, users in (
            (Receivers.of(USERS), USERS),
            (Topic(TOPIC), SUBSCRIBERS[3:]),
            (Organisations.of(["school"]), MEMBERS[:-1]),
            (Everyone(), USERS),
        ):
            message_id = await self.send(audience, users)
            await self.compare()
            await self.sent.recall(self.app, message_id, by=COMMAND)
            for user in users:
                self.shown[user].remove(message_id)
            await self.compare()
        for org_id in ("class", "school"):
            await DirectoryRows(self.database, self.platform).delete_org(org_id)

    async def archive_and_read(self) -> None:
        """Archive messages and bring them back; read all of a list, and what a search finds."""
        for user in USERS[:4]:
            viewer, ids = self.viewer(user), sorted(self.shown[user])[:3]
            for archived in (True, False):
                assert sorted(await self.inbox.archive(viewer, ids, archived=archived)) == ids
                assert await self.ids_of(user, "archived") == (set(ids) if archived else set())
            assert sorted(item.message.id for item in await self.inbox.find(viewer, ids)) == ids
            await self.inbox.read_all(viewer, InboxQuery(text="new", before_id=FAR))
            await self.inbox.read_all(viewer, InboxQuery(before_id=FAR))
            assert await self.ids_of(user, "unread") == set()

    async def mark(self) -> None:
        """Star, delete and snooze messages of a mailbox, bring them back, and mute an app."""
        user = USERS[0]
        recipient, ids = self.platform.recipient(user), sorted(self.shown[user])[:3]
        keys = sorted((page_key(recipient, i, self.app.number), i) for i in ids)
        pages = sorted({key for key, _ in keys})
        run = self.database.in_transaction
        await run(entry_marks.set_starred, keys, starred=True)
        assert await self.ids_of(user, "starred") == set(ids)
        for hide, show in ((entry_marks.delete, entry_marks.restore), (self.snooze, entry_marks.wake)):
            await run(hide, keys)
            assert await self.ids_of(user, "all") == self.shown[user] - set(ids)
            async with self.database.connection() as connection:
                marks = await entry_marks.read(connection, pages, ids)
            assert {mark.is_deleted for mark in marks.values()} == {hide is entry_marks.delete}
            await run(show, keys)
        await run(self.snooze, keys, until=1)
        page = await self.inbox.list_messages(self.viewer(user), InboxQuery(limit=100))
        assert [item.message.id for item in page.items if item.message.woken] == []
        await self.inbox.set_status(self.viewer(user), ids, read=False)
        await run(self.snooze, keys, until=1)
        page = await self.inbox.list_messages(self.viewer(user), InboxQuery(limit=100))
        assert [item.message.id for item in page.items[:3]] == ids[::-1], "they have woken"
        await self.inbox.read_all(self.viewer(user), InboxQuery(text="text", before_id=FAR))
        await run(entry_marks.set_muted, recipient, self.app.number, muted=True)
        async with self.database.connection() as connection:
            muted = await entry_marks.muted_apps(connection, recipient.cell, USERS)
        assert muted == {user: {self.app.number}}

    async def snooze(self, connection: Connection, keys: Sequence[tuple[PageKey, int]], until: int = FAR) -> None:
        """Put entries to sleep."""
        await entry_marks.snooze(connection, keys, until)

    async def expire(self) -> None:
        """Send messages that have expired already: to a list, a count or a status change they are gone."""
        ids = await self.lease.ids()
        draft = replace(self.draft(Receivers.of(USERS[:5])), expires_at=now_ms() - 1)
        await send_drafts(self.database, ids, [draft])
        assert await self.ids_of(USERS[0], "all") == self.shown[USERS[0]]
        assert await self.queries.unread_count(self.app, USERS[1]) == len(await self.ids_of(USERS[1], "unread"))
        await self.compare()
        (message_id,) = await send_drafts(self.database, ids, [draft])
        assert isinstance(message_id, int)
        expired = frozenset([message_id])
        assert await self.statuses.set_status(self.app, USERS[0], expired, read=True) == expired

    async def search_log(self) -> None:
        """List an app's messages: all of them, by platform, and those that one user has received."""
        query = MessageFilter(self.app.number)
        assert (await self.queries.list_messages(query, 100)).items
        page = await self.log.page(query._replace(platform_code=CODE, kind="text"), None, 100)
        assert all(entry.named for entry in page.items if entry.message.topic_number is None)
        received = await self.log.page(query, USERS[0], 200)
        assert {entry.message.id for entry in received.items} >= self.shown[USERS[0]] - {4_711}

    async def use_quota(self) -> None:
        """Send more than the daily quota of the app at once, and then once more."""
        ids = await self.lease.ids()
        quota = quota_of(2, now_ms(), ZoneInfo("UTC"))
        draft = replace(self.draft(Receivers.of([USERS[0]])), quota=quota)
        drafts = [replace(draft, request_id=f"quota-{number}") for number in range(3)]
        sent = await send_drafts(self.database, ids, drafts)
        assert [isinstance(result, int) for result in sent] == [True, True, False]
        (result,) = await send_drafts(self.database, ids, [draft])
        assert isinstance(result, Refusal)
        self.shown[USERS[0]] |= {result for result in sent if isinstance(result, int)}
        async with self.database.connection() as connection:
            assert await quotas.used(connection, self.platform.first_cell, self.app.number, quota.day) == 2

    async def feed_directory(self) -> None:
        """Fill the directory, read it, move organisations, disable and remove users, and delete everything again."""
        database, platform = self.database, self.platform
        tree = [OrgChange("district", "", "", "District")]
        tree += [OrgChange(org_id, "district", "", org_id) for org_id in ("school-1", "school-2")]
        assert await database.in_transaction(change_orgs, platform, tree, now_ms()) == (3, {})
        members = [Membership("school-1", user, "stu") for user in USERS]
        assert await database.in_transaction(add_members, platform, members) == (len(USERS), frozenset())
        for disabled in (True, False):
            users = [UserChange(user, "Name", disabled=disabled) for user in USERS]
            assert await database.in_transaction(change_users, platform, users) == len(USERS)
        async with database.connection() as connection:
            number = (await orgs.numbers_of(connection, CODE, ["school-1"]))["school-1"]
            first = Member("", 0, "")
            for cell in platform.all_cells:
                listed = await list_members(connection, cell, first, 100)
                of_org = await list_org_members(connection, cell, number, first, 100, roles=["stu"], include_sub=True)
                assert {member.user_id for member in listed} == {member.user_id for member in of_org}
                assert {user.user_id for user in await list_users(connection, cell, "", 100)} == {
                    *map(itemgetter(0), listed)
                }
                assert await count_all(connection, cell) == await count_by_role(connection, cell, number)
            district = (await orgs.numbers_of(connection, CODE, ["district"]))["district"]
            opened = await with_orgs_below_at(connection, platform.first_cell, NEVER, [district, number])
            assert opened == {district}
            named = await find_users(connection, platform.all_cells, "name", 100)
            assert sorted(it.user.user_id for it in named) == sorted(USERS)
        moved = [OrgChange("school-2", "school-1")]
        assert await database.in_transaction(change_orgs, platform, moved, now_ms()) == (1, {})
        former = [FormerMembership("school-1", user) for user in USERS[:6]]
        assert await database.in_transaction(remove_members, platform, former) == (6, frozenset())
        gone = [UserChange(user, deleted=True) for user in USERS[6:8]]
        assert await database.in_transaction(change_users, platform, gone) == 2
        deleted = [change._replace(deleted=True) for change in tree]
        await end_members_of_deleted(database, platform, deleted)
        assert await database.in_transaction(change_orgs, platform, deleted, now_ms()) == (3, {})

    async def keep_old_user_ids(self) -> None:
        """Refuse a user id with white space at its end, unless the user is known."""
        with pytest.raises(Refusal) as refusal:
            await self.queries.unread_count(self.app, "user ")
        assert refusal.value.reason is Reason.FIELD_MALFORMED

    async def remove_old(self) -> None:
        """Remove old messages of every audience, after a dry run that counts the same."""
        clock = count(now_ms() - _OLD_DAYS * DAY_MS)
        ids = MessageIds(4, lambda: next(clock))
        drafts = [self.draft(Receivers.of(USERS)), self.draft(Receivers.of(USERS[:5])), self.draft(Everyone())]
        old = [i for i in await send_drafts(self.database, ids, drafts) if isinstance(i, int)]
        await fan_out(self.database, Delivery(self.platform.first_cell, old[0]))
        await self.sent.update(self.app, old[1], Text("new"), reset_read=False, by=COMMAND)
        for user, number in ((USERS[0], 3), (USERS[-1], 2)):
            assert len(await self.ids_of(user, "all") & {*old}) == number
        await retention.set_days(self.database, CODE, 60)
        counted, removed = [
            await retention.remove(self.database, plan, dry_run=dry_run)
            for dry_run in (True, False)
            for plan in await retention.plans(self.database, CODE)
        ]
        assert counted == removed
        assert (removed.messages, removed.versions) == (4, 1)
        assert removed.feed_rows >= self.platform.cells
        for user in USERS:
            self.shown[user] -= {*old, 4_711}
        await self.compare()

    async def remove_everything(self) -> None:
        """Remove all messages, as if they were old, with the history of the directory."""
        plan = retention.Plan(self.platform, 1, 0, bucket_of(await self.send(Everyone(), USERS)))
        counted, removed = [await retention.remove(self.database, plan, dry_run=dry_run) for dry_run in (True, False)]
        assert counted.paths == removed.paths > 0
        assert counted.memberships == removed.memberships > 0
        for user in USERS:
            self.shown[user] = set()

    async def remove_groups(self) -> None:
        """Note that the groups of all users are used, and remove them two months later; nothing is lost."""
        await self.send(Receivers.of(USERS), USERS)
        later = now_ms() + 2 * DAY_MS
        chunks = audiences.chunks_of(self.platform, USERS, 0)
        parts = [chunk.part for chunk in chunks]
        async with self.database.connection() as connection:
            groups = await known_groups(connection, parts)
            assert len(groups) == len(chunks)
            for cell in self.platform.all_cells:
                await set_used(connection, [group for group in groups.values() if group.cell == cell], later)
            for idle_at, expected in ((later, len(chunks)), (later + 1, 0)):
                while await remove_idle(self.database, idle_at + IDLE_MS):
                    pass
                assert len(await known_groups(connection, parts)) == expected
        await self.compare()

    async def deliver_webhooks(self) -> None:
        """Deliver the events of the app's webhook, the first ones in vain; then list, replay and delete everything."""
        hooks, history = webhooks_of(self.database), WebhookDeliveries(self.database)
        await hooks.send_test(self.app, "wh_1", by=COMMAND)
        pending = (await hooks.find(self.app, "wh_1")).pending
        delivered: Sequence[WebhookDelivery] = ()
        async with self.database.connection() as connection:
            assert await due.due_since(connection, FAR) is not None
            (lease,) = await leases.claim(connection, "holder", failing=False, limit=10, now=1, until=FAR)
        while task := await self.database.in_transaction(deliveries.take, lease, now=now_ms(), until=FAR):
            verdict: Verdict = "delivered" if delivered else "refused"
            settlement = Settlement("delivered") if delivered else Settlement("pending", FAR, failing_since=1)
            await self.database.in_transaction(deliveries.settle, lease, task, Outcome(verdict), settlement, now=1)
            delivered = (await history.page(self.app, "wh_1", limit=1_000)).items
        assert sum(len(json.loads(one.body)["data"]["events"]) for one in delivered) == pending
        assert [one.state for one in reversed(delivered)] == ["pending"] + ["delivered"] * (len(delivered) - 1)
        message_id = int(json.loads(delivered[-1].body)["data"]["events"][0]["msgId"])
        about = [entry.delivery for entry in await history.about_message(self.app, message_id, 1_000)]
        assert delivered[-1] in about
        page = await history.page(self.app, "wh_1", state="delivered", message_id=message_id, limit=1_000)
        assert page.items == [one for one in about if one.state == "delivered"]
        await hooks.update(self.app, "wh_1", paused=False, by=COMMAND)
        assert await history.replay(self.app, "wh_1", since=0, by=COMMAND) == len(delivered)
        await hooks.send_test(self.app, "wh_1", by=COMMAND)
        async with self.database.connection() as connection:
            assert await outbox.delete_old(connection, FAR, 100) == 1
            assert await deliveries.delete_old(connection, FAR, 100) == 0
        await hooks.delete(self.app, "wh_1", by=COMMAND)


async def _create_platform(database: Database, cells: int) -> None:
    """Create a platform with cells in different partitions, after one that has the cells before it."""

    async def write(connection: Connection) -> None:
        if citus.is_on():
            places, different = await citus.shards_of(connection, range(1, 100)), min(1 + cells, citus.SHARDS)
        else:
            places, different = await remainders_of(connection, range(1, 100)), 1 + cells
        first_cell = next(
            cell for cell in range(2, 100) if len({places[cell + place] for place in range(-1, cells)}) == different
        )
        await ensure_platform(connection, "before", "before", START, cells=first_cell - 1)
        await ensure_platform(connection, CODE, CODE, START, cells=cells)

    await database.in_transaction(write)
