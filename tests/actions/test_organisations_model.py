"""Compares messages to organisations with a plain model that makes the same random steps.

Organisations are added, moved and deleted, users join, leave and are disabled, while messages go to nested and
overlapping audiences. Mailboxes pull only in steps of their own, so they may be far behind the feed. The model keeps,
for each message, a copy of the directory at its send: everything that is asked later must agree with that copy.
"""

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import NamedTuple, TypeAlias

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from msgcenter.actions.mailboxes.inbox import Inbox
from msgcenter.actions.mailboxes.inbox_views import InboxQuery
from msgcenter.actions.mailboxes.statuses import Statuses
from msgcenter.actions.mailboxes.user_tokens import Viewer
from msgcenter.actions.messages import receipt_counts
from msgcenter.actions.messages.message_status import MessageStatuses
from msgcenter.actions.messages.sending import Sending
from msgcenter.actions.messages.sent_messages import SentMessages
from msgcenter.database.database import Database
from msgcenter.domain.account import App
from msgcenter.domain.audience import Organisations
from msgcenter.domain.content import Text
from msgcenter.domain.directory import FormerMembership, Membership, OrgChange, UserChange
from msgcenter.domain.message_id import now_ms
from msgcenter.domain.person import COMMAND
from msgcenter.domain.refusal import Reason, Refusal
from msgcenter.messaging import pull
from msgcenter.messaging.directory.change_members import add_members, remove_members
from msgcenter.messaging.directory.change_orgs import change_orgs, end_members_of_deleted
from msgcenter.messaging.directory.change_users import change_users
from msgcenter.messaging.fan_out import fan_out
from msgcenter.store.apps.apps import find_app
from msgcenter.store.apps.platforms import ensure_platform
from msgcenter.store.directory import recipients
from msgcenter.store.mailboxes import feed
from msgcenter.store.messages.jobs import Delivery
from msgcenter.store.messages.node_lease import NodeLease
from tests.conftest import examples
from tests.directory_rows import DirectoryRows
from tests.scene import START, Clock, add_app, event_loop, weighted

ORGS = ("区", "s1", "s2", "c1", "c2")
USERS = ("阿明", "b", "c", "user-d")
ROLES = ("tea", "par")
FAR = 1 << 60
FIRST = {"区": "", "s1": "区", "s2": "区", "c1": "s1", "c2": "s1"}


class SetOrg(NamedTuple):
    """Add, move or delete an organisation, with all below it."""

    org: str
    parent: str
    deleted: bool


class Join(NamedTuple):
    """Users get a role in an organisation, or (`role` None) leave it."""

    org: str
    users: frozenset[str]
    role: str | None


class Disable(NamedTuple):
    """A user of the directory is disabled or enabled."""

    user: str
    disabled: bool


class Send(NamedTuple):
    """The app sends to organisations, at once or 20 ms later."""

    orgs: frozenset[str]
    roles: frozenset[str] | None
    include_sub: bool
    later: bool


class SetStatus(NamedTuple):
    """The app sets a message of a user read or unread."""

    user: str
    pick: int
    read: bool


class Change(NamedTuple):
    """The app recalls a message, or updates it and sets it unread again."""

    pick: int
    recall: bool


class Later(NamedTuple):
    """Time passes, and scheduled messages become due."""


class Look(NamedTuple):
    """A user reads the list, and the app the receipts and reports of a message."""

    user: str
    pick: int


Step: TypeAlias = SetOrg | Join | Disable | Send | SetStatus | Change | Later | Look
org, user, pick = st.sampled_from(ORGS), st.sampled_from(USERS), st.integers(0, 19)
users = st.frozensets(user, min_size=1)
mostly = st.sampled_from([True, True, True, False])
addressed = weighted(
    (3, st.sampled_from(ORGS[1:3]).map(lambda it: frozenset([it]))), (2, st.frozensets(org, min_size=1))
)
roles = st.none() | st.none() | st.frozensets(st.sampled_from(ROLES), min_size=1)
steps: st.SearchStrategy[Step] = weighted(
    (6, st.builds(SetOrg, st.sampled_from(ORGS[1:]), org, st.sampled_from([True, False, False, False]))),
    (9, st.builds(Join, org, users, st.sampled_from([*ROLES, None]))),
    (2, st.builds(Disable, user, st.booleans())),
    (8, st.builds(Send, addressed, roles, mostly, st.sampled_from([False, False, False, True]))),
    (5, st.builds(SetStatus, user, pick, mostly)),
    (2, st.builds(Change, pick, st.booleans())),
    (2, st.just(Later())),
    (4, st.builds(Look, user, pick)),
)


@dataclass
class Directory:
    """The directory of the model: the tree, the memberships, and who is disabled."""

    parents: dict[str, str] = field(default_factory=dict)
    members: frozenset[tuple[str, str, str]] = frozenset()
    disabled: frozenset[str] = frozenset()

    def line(self, org_id: str) -> Iterator[str]:
        """Yield an organisation that exists and those above it."""
        while org_id:
            yield org_id
            org_id = self.parents[org_id]

    def reached(self, audience: Organisations) -> set[tuple[str, str]]:
        """Return the pairs of a user and an organisation that a message to an audience reaches."""
        return {
            (user_id, org_id)
            for org_id, user_id, role in self.members
            if user_id not in self.disabled
            and (audience.roles is None or role in audience.roles)
            and not set(audience.org_ids).isdisjoint(self.line(org_id) if audience.include_sub else [org_id])
        }


@dataclass
class Sent:
    """A message in the model. `directory` is what it was at the send, `read` the read state by user."""

    audience: Organisations
    send_at: int | None
    directory: Directory | None = None
    read: dict[str, bool] = field(default_factory=dict)
    recalled: bool = False

    def publish(self, directory: Directory) -> None:
        self.directory = replace(directory, parents=dict(directory.parents))
        self.read = {user_id: False for user_id, _ in directory.reached(self.audience)}

    def counts(self, now: Directory, org_ids: Iterable[str]) -> dict[str, tuple[int, int]]:
        """Return the numbers of recipients and of readers in organisations with all below them."""
        directory = self.directory or now
        reached = directory.reached(self.audience)
        found: dict[str, tuple[int, int]] = {}
        for org_id in org_ids:
            people = {user_id for user_id, member_of in reached if org_id in directory.line(member_of)}
            found[org_id] = len(people), sum(self.read.get(user_id, False) for user_id in people)
        return found


class Scene:
    """A platform, an app that may address everything, and the model."""

    def __init__(self, database: Database, lease: NodeLease, clock: Clock, number: int) -> None:
        self.database = database
        self.clock = clock
        self.code = f"organisations-{number}"
        self.sending = Sending(database, lease, waiting_limit=100)
        self.statuses = Statuses(database, waiting_limit=100)
        self.queries = MessageStatuses(database, waiting_limit=100)
        self.sent_messages = SentMessages(database)
        self.inbox = Inbox(database, self.statuses, waiting_limit=100)
        self.model = Directory()
        self.ever: set[str] = set()
        self.messages: dict[int, Sent] = {}

    async def play(self, story: Sequence[Step], cells: int) -> None:
        """Make all steps, then compare everything."""
        await self.open(cells)
        for org_id, parent in FIRST.items():
            await self.setorg(SetOrg(org_id, parent, deleted=False))
        for user_id, org_id in zip(USERS, ("s1", "c1", "c2", "s2"), strict=True):
            await self.join(Join(org_id, frozenset([user_id]), "par"))
        for step in story:
            self.clock.now += 1
            await getattr(self, type(step).__name__.lower())(step)
        for message_id, sent in self.messages.items():
            await self.compare_counts(message_id, sent)
        for user_id in USERS:
            await self.compare_list(user_id)
        for message_id in self.messages:
            await self.compare_message(message_id)

    async def open(self, cells: int) -> None:
        """Create the platform and the app."""
        await self.database.in_transaction(partial(ensure_platform, cells=cells), self.code, self.code, START)
        await add_app(self.database, self.code, self.code)
        async with self.database.connection() as connection:
            record = await find_app(connection, self.code)
        assert record is not None
        self.app: App = record.app
        self.platform = record.app.platform
        self.directory = DirectoryRows(self.database, self.platform)

    def picked(self, pick: int) -> int | None:
        ids = sorted(self.messages)
        return ids[pick % len(ids)] if ids else None

    # --- Steps ------------------------------------------------------------------------------------------------------

    async def setorg(self, step: SetOrg) -> None:
        change = OrgChange(step.org, None if step.deleted else step.parent, name=step.org, deleted=step.deleted)
        await end_members_of_deleted(self.database, self.platform, [change])
        result = await self.database.in_transaction(change_orgs, self.platform, [change], START)
        if result.problems or (step.deleted and step.org not in self.model.parents):
            return
        if step.deleted:
            del self.model.parents[step.org]
            self.model.members = frozenset(it for it in self.model.members if it[0] != step.org)
            return
        self.model.parents[step.org] = step.parent
        self.ever.add(step.org)
        await self.directory.grant(self.app.number, step.org)

    async def join(self, step: Join) -> None:
        if step.role is None:
            former = [FormerMembership(step.org, user_id) for user_id in step.users]
            await self.database.in_transaction(remove_members, self.platform, former)
            left = (it for it in self.model.members if not (it[0] == step.org and it[1] in step.users))
            self.model.members = frozenset(left)
            return
        memberships = [Membership(step.org, user_id, step.role) for user_id in step.users]
        await self.database.in_transaction(add_members, self.platform, memberships)
        if step.org in self.model.parents:
            self.model.members |= {(step.org, user_id, step.role) for user_id in step.users}

    async def disable(self, step: Disable) -> None:
        change = UserChange(step.user, disabled=step.disabled)
        await self.database.in_transaction(change_users, self.platform, [change])
        disabled = self.model.disabled - {step.user}
        self.model.disabled = disabled | {step.user} if step.disabled else disabled

    async def send(self, step: Send) -> None:
        audience = Organisations.of(step.orgs, step.roles, include_sub=step.include_sub)
        sent = Sent(audience, self.clock.now + 20 if step.later else None)
        call = self.sending.send(self.app, Text("text"), audience, send_at=sent.send_at)
        if unknown := step.orgs - self.model.parents.keys():
            with pytest.raises(Refusal) as refusal:
                await call
            assert refusal.value.reason is Reason.ORGANISATION_UNKNOWN
            assert refusal.value.result == {"invalidOrgId": sorted(unknown)}
            return
        self.messages[await call] = sent
        if not step.later:
            sent.publish(self.model)

    async def later(self, step: Later) -> None:
        self.clock.now += 30
        for message_id, sent in self.messages.items():
            if sent.send_at is not None and sent.directory is None and not sent.recalled:
                assert await fan_out(self.database, Delivery(self.platform.first_cell, message_id)) == 0
                sent.publish(self.model)

    async def setstatus(self, step: SetStatus) -> None:
        message_id = self.picked(step.pick)
        if message_id is None:
            return
        sent = self.messages[message_id]
        missing = await self.statuses.set_status(self.app, step.user, frozenset([message_id]), read=step.read)
        if step.user in sent.read and not sent.recalled:
            assert missing == set()
            sent.read[step.user] = step.read
        else:
            assert missing == {message_id}

    async def change(self, step: Change) -> None:
        message_id = self.picked(step.pick)
        if message_id is None or self.messages[message_id].recalled:
            return
        sent = self.messages[message_id]
        if step.recall:
            await self.sent_messages.recall(self.app, message_id, by=COMMAND)
            sent.recalled = True
            return
        text = Text(f"update {self.clock.now}")
        await self.sent_messages.update(self.app, message_id, text, reset_read=True, by=COMMAND)
        sent.read = dict.fromkeys(sent.read, False)

    async def look(self, step: Look) -> None:
        await self.compare_list(step.user)
        message_id = self.picked(step.pick)
        if message_id is not None:
            await self.compare_message(message_id)

    # --- Comparing --------------------------------------------------------------------------------------------------

    async def compare_list(self, user_id: str) -> None:
        viewer = Viewer(self.platform.recipient(user_id), None, (), (), FAR)
        page = await self.inbox.list_messages(viewer, InboxQuery(limit=100))
        shown = {i: sent for i, sent in self.messages.items() if user_id in sent.read and not sent.recalled}
        assert [item.message.id for item in page.items] == sorted(shown, reverse=True)
        for item in page.items:
            assert (item.message.read_at is not None) == shown[item.message.id].read[user_id]
        assert (await self.inbox.counts(viewer)).unread == sum(not sent.read[user_id] for sent in shown.values())

    async def compare_message(self, message_id: int) -> None:
        sent = self.messages[message_id]
        await self.compare_counts(message_id, sent)
        for org_id in (None, *sorted(self.ever)):
            await self.compare_details(message_id, sent, org_id)
            await self.compare_report(message_id, sent, org_id)

    async def compare_details(self, message_id: int, sent: Sent, org_id: str | None) -> None:
        expected = dict(sent.read)
        if org_id is not None and sent.directory is not None:
            reached = sent.directory.reached(sent.audience)
            members = {it for it, member_of in reached if org_id in sent.directory.line(member_of)}
            expected = {user_id: read for user_id, read in expected.items() if user_id in members}
        for read in (None,) if org_id else (None, False):
            listed: list[str] = []
            cursor: str | None = ""
            while cursor is not None:
                page = await self.queries.receipts(
                    self.app, message_id, read=read, cursor=cursor or None, limit=2, org_id=org_id
                )
                assert all((it.read_at is not None) == expected[it.user_id] for it in page.receipts)
                listed += [receipt.user_id for receipt in page.receipts]
                cursor = page.next_cursor
            assert sorted(listed) == sorted(it for it, at in expected.items() if read is None or not at)

    async def compare_counts(self, message_id: int, sent: Sent) -> None:
        counts = (await self.queries.status(self.app, message_id)).counts
        if sent.directory is not None:
            assert counts == (len(sent.read), len(sent.read), sum(sent.read.values()))
        else:
            assert counts == (len({it for it, _ in self.model.reached(sent.audience)}), 0, 0)

    async def compare_report(self, message_id: int, sent: Sent, org_id: str | None) -> None:
        status = await self.queries.status(self.app, message_id)
        directory = sent.directory or self.model
        children = {child for child, parent in directory.parents.items() if parent == org_id}
        org_ids = set(sent.audience.org_ids) if org_id is None else children or {org_id}
        counted = await self.queries.org_counts(status.message, org_id)
        found = {it.org.org_id: (it.counts.receivers, it.counts.read) for it in counted}
        assert found == sent.counts(self.model, org_ids)


@pytest.mark.parametrize("cells", [1, 3], ids=["one cell", "three cells"])
def test_messages_to_organisations_agree_with_the_model(
    database_url: str, monkeypatch: pytest.MonkeyPatch, cells: int
) -> None:
    clock = Clock(now_ms())
    for name, module in list(sys.modules.items()):
        if name.startswith("msgcenter.") and hasattr(module, "now_ms") and name != "msgcenter.domain.message_id":
            monkeypatch.setattr(module, "now_ms", clock)
    monkeypatch.setattr(pull, "_ENTRIES_PER_COMMIT", 3)
    monkeypatch.setattr(feed, "_FAR_BEHIND", 2)
    monkeypatch.setattr(recipients, "MEMBERS_PER_COUNT", 2)
    monkeypatch.setattr(recipients, "_MEMBERS_PER_LIST", 2)
    monkeypatch.setattr(receipt_counts, "_QUICK_SECONDS", 1e9)  # no count is cached
    with event_loop() as run:
        database = run(Database(database_url).__aenter__())
        lease = run(NodeLease(database.url).__aenter__())
        scenes = 0

        @settings(max_examples=examples(25), deadline=None, suppress_health_check=[HealthCheck.too_slow])
        @given(st.lists(steps, min_size=12, max_size=40))
        def play(story: list[Step]) -> None:
            nonlocal scenes
            scenes += 1
            run(Scene(database, lease, clock, scenes).play(story, cells))

        try:
            play()
        finally:
            run(lease.__aexit__(None, None, None))
            run(database.__aexit__(None, None, None))
