"""Compares mailboxes and the feed with a simple model that makes the same random steps.

Mailboxes pull only in steps of their own, so they may be far behind the feed. Messages to three or more receivers take
a fan-out with chunks of two, which may stop half-way. Mailboxes pull three rows in a transaction.
"""

import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from msgcenter.actions.mailboxes.inbox import Inbox
from msgcenter.actions.mailboxes.inbox_views import InboxQuery
from msgcenter.actions.mailboxes.statuses import Statuses
from msgcenter.actions.mailboxes.topics import Topics
from msgcenter.actions.mailboxes.user_tokens import Viewer
from msgcenter.actions.messages.message_status import MessageStatuses
from msgcenter.actions.messages.sending import Sending
from msgcenter.actions.messages.sent_messages import SentMessages
from msgcenter.database.database import Connection, Database
from msgcenter.domain import message as messages
from msgcenter.domain.account import App, Platform
from msgcenter.domain.audience import Audience, Everyone, Receivers, Topic
from msgcenter.domain.content import Text
from msgcenter.domain.message import REMINDER_PAUSE_MS, State
from msgcenter.domain.message_id import now_ms
from msgcenter.domain.person import COMMAND
from msgcenter.domain.refusal import Reason, Refusal
from msgcenter.messaging import fan_out as delivery
from msgcenter.messaging import pull
from msgcenter.messaging.fan_out import fan_out
from msgcenter.store.apps.apps import find_app
from msgcenter.store.mailboxes import feed
from msgcenter.store.mailboxes import users as directory
from msgcenter.store.mailboxes.reading import Filter
from msgcenter.store.messages import audiences
from msgcenter.store.messages.jobs import Delivery
from msgcenter.store.messages.messages import MessageFilter, MessageKey, find_message
from msgcenter.store.messages.node_lease import NodeLease
from tests.actions.mark_steps import Delete, Marks, MarkStep, Mute, Snooze, Star, marking
from tests.conftest import examples
from tests.scene import Clock, add_app, event_loop, rows, weighted

USERS = ("阿明", "b", "c", "user-d")
TOPICS = ("班级", "t")
FAR = 1 << 60
CHUNK = 2
"""Receivers that a send delivers to at once, and the chunk size of fan-outs."""


class Send(NamedTuple):
    """An app sends a text to `users`, to `topic` (mostly an existing one) or to everyone, as `to` says."""

    app: int
    to: str
    users: frozenset[int]
    topic: int
    approval: bool
    expires_in: int | None
    sends_in: int | None


class Subscribe(NamedTuple):
    """Users subscribe to a topic, or unsubscribe from one that mostly exists."""

    app: int
    topic: int
    users: frozenset[int]
    joins: bool


class Know(NamedTuple):
    """A user becomes known to the platform."""

    user: int


class SetStatus(NamedTuple):
    """An app sets messages of a user read or unread. `fits`: messages that the user has, or else any of any app."""

    app: int
    user: int
    picks: tuple[int, ...]
    read: bool
    fits: bool


class Recall(NamedTuple):
    """An app recalls a message."""

    pick: int


class Update(NamedTuple):
    """An app updates the content of a message."""

    pick: int
    text: int
    reset_read: bool


class Remind(NamedTuple):
    """An app reminds the recipients who have not read a message."""

    pick: int


class Decide(NamedTuple):
    """An app closes or reopens messages for all approvers in one call. `fits`: approvals, if there are any."""

    picks: tuple[int, ...]
    closed: bool
    fits: bool


class ReadAll(NamedTuple):
    """A user reads everything."""

    user: int


class Archive(NamedTuple):
    """A user archives messages, or brings them back."""

    user: int
    picks: tuple[int, ...]
    archived: bool


class Later(NamedTuple):
    """Time passes, and scheduled messages become due; their fan-outs may stop after the first chunk."""

    ms: int
    to_the_end: bool


class Work(NamedTuple):
    """A running fan-out continues, perhaps not to its end."""

    pick: int
    to_the_end: bool


class Look(NamedTuple):
    """A user reads the inbox ("list", "counts", "find"), or an app reads "unread", "receipts" or "sent"."""

    what: str
    user: int
    app: int
    pick: int


Step: TypeAlias = (
    Send
    | Subscribe
    | Know
    | SetStatus
    | Recall
    | Update
    | Remind
    | Decide
    | ReadAll
    | Archive
    | MarkStep
    | Later
    | Work
    | Look
)

two = st.integers(0, 1)
user = st.integers(0, len(USERS) - 1)
users = weighted((2, st.frozensets(user, min_size=1)), (1, st.just(frozenset(range(len(USERS))))))
mostly = st.sampled_from([True, True, True, False])
pick = st.integers(0, 19)
picks = st.lists(pick, min_size=1, max_size=4).map(tuple)
sending = st.builds(
    Send,
    app=two,
    to=st.sampled_from(["receivers", "receivers", "topic", "topic", "everyone", "everyone"]),
    users=users,
    topic=st.integers(0, 11),
    approval=st.booleans(),
    expires_in=st.sampled_from([None, None, None, 40]),
    sends_in=st.sampled_from([None, None, None, 20]),
)
joining = st.builds(Subscribe, app=two, topic=st.integers(0, 11), users=users, joins=st.booleans())
looking = st.builds(
    Look,
    what=st.sampled_from(["list", "counts", "find", "unread", "receipts", "receipts", "sent"]),
    user=user,
    app=two,
    pick=pick,
)
steps: st.SearchStrategy[Step] = weighted(
    (8, sending),
    (4, joining),
    (1, st.builds(Know, user)),
    (5, st.builds(SetStatus, two, user, picks, mostly, mostly)),
    (1, st.builds(Recall, pick)),
    (3, st.builds(Update, pick, two, mostly)),
    (1, st.builds(Remind, pick)),
    (3, st.builds(Decide, picks, mostly, mostly)),
    (1, st.builds(ReadAll, user)),
    (1, st.builds(Archive, user, picks, st.booleans())),
    (4, marking(user, picks, two)),
    (2, st.builds(Later, st.sampled_from([1, 20, 50, 1_000, REMINDER_PAUSE_MS]), st.booleans())),
    (3, st.builds(Work, pick, st.booleans())),
    (3, looking),
)
stories = st.lists(steps, min_size=16, max_size=60)


@dataclass
class Sent:
    """A message in the model: the users in `audience` have it, the chunks in `waiting` will get it one by one."""

    app: int
    to: Audience
    content: str
    expires_at: int | None
    send_at: int | None
    approval: bool
    audience: set[str] = field(default_factory=set)
    waiting: list[list[str]] | None = None
    recalled: bool = False
    closed_at: int | None = None
    reminded_at: int | None = None
    versions: list[tuple[str, bool]] = field(default_factory=list)

    def state(self, now: int) -> State:
        """Return the state of the message."""
        if self.recalled:
            return State.RECALLED
        if self.expires_at is not None and self.expires_at <= now:
            return State.EXPIRED
        if self.waiting == []:
            return State.SENT
        return State.SCHEDULED if self.send_at is not None and self.send_at > now else State.SENDING

    @property
    def is_large(self) -> bool:
        """Whether the message needs a fan-out."""
        return isinstance(self.to, Receivers) and len(self.to.user_ids) > CHUNK


class Scene:
    """Two apps, four users and two topics of each app. Every step is made in the product and in the model."""

    def __init__(self, database: Database, lease: NodeLease, clock: Clock, number: int) -> None:
        self.database = database
        self.clock = clock
        self.code = f"reach-{number}"
        self.platform = Platform(self.code, 0)
        self.apps: list[App] = []
        self.sending = Sending(database, lease, waiting_limit=100)
        self.statuses = Statuses(database, waiting_limit=100)
        self.message_statuses = MessageStatuses(database, waiting_limit=100)
        self.sent_messages = SentMessages(database)
        self.topics = Topics(database)
        self.inbox = Inbox(database, self.statuses, waiting_limit=100)
        self.known: set[str] = set()
        self.made: set[tuple[int, str]] = set()
        self.subscribed: set[tuple[int, str, str]] = set()
        self.messages: dict[int, Sent] = {}
        self.entries: dict[tuple[str, int], int | None] = {}
        self.archived: set[tuple[str, int]] = set()
        self.marks = Marks()

    async def play(self, story: Sequence[Step]) -> None:
        """Make all steps, then compare everything."""
        for name in ("one", "two"):
            await add_app(self.database, f"{self.code}-{name}", self.code)
            async with self.database.connection() as connection:
                record = await find_app(connection, f"{self.code}-{name}")
            assert record is not None
            self.platform = record.app.platform
            self.apps.append(record.app)
        for step in story:
            self.clock.now += 1
            self.marks.wake(self.clock.now)
            await getattr(self, type(step).__name__.lower())(step)
        for message_id in self.messages:
            await self.compare_receipts(message_id)
            await self.compare_versions(message_id)
        for name in USERS:
            for app in (0, 1):
                await self.compare_unread(name, app)
            await self.compare_lists(name)
            await self.compare_counts(name)
        for message_id in self.messages:
            await self.compare_receipts(message_id)
        await self.compare_sent_lists()

    def picked(self, pick: int) -> int:
        """Return one of the messages, or an unknown id if there are none."""
        return one_of(self.messages, pick) or 4_711

    def has(self, name: str, message_id: int) -> bool:
        """Return whether a mailbox shows a message."""
        visible = {State.SENT, State.SENDING}
        return (name, message_id) in self.entries and self.messages[message_id].state(self.clock.now) in visible

    def shows(self, name: str, message_id: int) -> bool:
        """Return whether a mailbox shows a message that is not hidden by its user."""
        return self.has(name, message_id) and not self.marks.is_hidden((name, message_id))

    def finds(self, name: str, message_ids: Iterable[int]) -> set[int]:
        """Return those of the messages that the user can find: all that are not deleted."""
        return {i for i in message_ids if self.has(name, i) and (name, i) not in self.marks.deleted}

    def viewer(self, name: str) -> Viewer:
        """Return the viewer of a user, who sees the messages of all apps."""
        return Viewer(self.platform.recipient(name), None, (), (), FAR)

    # --- Steps ------------------------------------------------------------------------------------------------------

    async def send(self, step: Send) -> None:
        now = self.clock.now
        app, topic = self.topic_of(step, existing=step.to == "topic")
        audiences: dict[str, Audience] = {
            "receivers": Receivers.of(USERS[user] for user in step.users),
            "topic": Topic(topic),
            "everyone": Everyone(),
        }
        to = audiences[step.to]
        sent = Sent(
            app=app,
            to=to,
            content=f"number {len(self.messages)}",
            expires_at=None if step.expires_in is None else now + step.expires_in,
            send_at=None if step.sends_in is None else now + step.sends_in,
            approval=step.approval and step.to == "receivers",
        )
        call = self.sending.send(
            self.apps[app],
            Text(sent.content),
            to,
            approval=sent.approval,
            send_at=sent.send_at,
            expires_at=sent.expires_at,
        )
        if isinstance(to, Topic) and (app, to.name) not in self.made:
            await refused(call, Reason.AUDIENCE_UNKNOWN)
            return
        message_id = await call
        self.messages[message_id] = sent
        if sent.send_at is None and not sent.is_large:
            self.deliver(message_id)

    def topic_of(self, step: Send | Subscribe, *, existing: bool) -> tuple[int, str]:
        """Return the app and the topic of a step. `existing`: mostly a topic that exists."""
        made = sorted(self.made)
        if existing and made and step.topic < 10:
            return made[step.topic % len(made)]
        return step.app, TOPICS[step.topic % 2]

    def deliver(self, message_id: int, *, to_the_end: bool = True) -> None:
        """Deliver a message in the model, to the end or only its next chunk."""
        sent = self.messages[message_id]
        if sent.waiting is None:
            sent.waiting = self.chunks_of(sent)
        while sent.waiting:
            chunk = sent.waiting.pop(0)
            sent.audience |= set(chunk)
            self.known |= set(chunk)
            self.entries.update({(name, message_id): sent.closed_at for name in chunk})
            if not to_the_end:
                return

    def chunks_of(self, sent: Sent) -> list[list[str]]:
        """Return the receivers of a message sent now, by chunk."""
        match sent.to:
            case Receivers(user_ids):
                return [list(chunk.user_ids) for chunk in audiences.chunks_of(self.platform, user_ids, bucket=0)]
            case Topic(name):
                return [[it for app, topic, it in self.subscribed if (app, topic) == (sent.app, name)]]
            case _:
                return [list(self.known)]

    async def work(self, step: Work) -> None:
        running = [i for i, sent in self.messages.items() if sent.state(self.clock.now) is State.SENDING]
        message_id = one_of(running, step.pick) or self.picked(step.pick)
        if message_id in self.messages:
            await self.fan_out(message_id, to_the_end=step.to_the_end)

    async def fan_out(self, message_id: int, *, to_the_end: bool) -> None:
        """Continue a fan-out that is due. A job that runs again finds nothing to do."""
        sent = self.messages[message_id]
        state = sent.state(self.clock.now)
        if state is State.RECALLED or (state is State.SENDING and not to_the_end and isinstance(sent.to, Receivers)):
            # Also after a recall: the job may have read the message before it.
            async with self.database.connection() as connection:
                stored = await find_message(connection, MessageKey(self.platform.first_cell, message_id))
            assert stored is not None
            if stored.topic_number is None:
                # A job that is killed after one chunk, and another process that tries the same chunk later.
                await self.database.in_transaction(delivery._deliver_chunk, stored)
                await self.database.in_transaction(delivery._deliver_chunk, stored)
        else:
            ms_left = await fan_out(self.database, Delivery(self.platform.first_cell, message_id))
            assert (ms_left > 0) == (state is State.SCHEDULED)
        if state is State.SENDING:
            self.deliver(message_id, to_the_end=to_the_end)

    async def subscribe(self, step: Subscribe) -> None:
        number, topic = self.topic_of(step, existing=not step.joins)
        app = self.apps[number]
        names = [USERS[user] for user in step.users]
        places = {(number, topic, name) for name in names}
        if step.joins:
            changed = await self.topics.subscribe(app, topic, names, by=COMMAND)
            assert changed == len(places - self.subscribed)
            self.made.add((number, topic))
            self.subscribed |= places
            self.known |= set(names)
        elif (number, topic) in self.made:
            changed = await self.topics.unsubscribe(app, topic, names, by=COMMAND)
            assert changed == len(places & self.subscribed)
            self.subscribed -= places
        else:
            await refused(self.topics.unsubscribe(app, topic, names, by=COMMAND), Reason.AUDIENCE_UNKNOWN)
            return
        page = await self.topics.subscribers(app, topic, platform_code=None, cursor=None, limit=200)
        assert page.items == sorted(it for *of, it in self.subscribed if of == [number, topic])

    async def know(self, step: Know) -> None:
        name = USERS[step.user]

        async def write(connection: Connection) -> int:
            return await directory.register(connection, self.platform.cell_of(name), [name])

        assert await self.database.in_transaction(write) == (name not in self.known)
        self.known.add(name)

    async def setstatus(self, step: SetStatus) -> None:
        now, name = self.clock.now, USERS[step.user]
        theirs = [i for it, i in self.entries if it == name and self.has(name, i)] if step.fits else []
        ids = frozenset(one_of(theirs, pick) or self.picked(pick) for pick in step.picks)
        app = self.of(min(ids)) if theirs else step.app
        missing = await self.statuses.set_status(self.apps[app], name, ids, read=step.read)
        present = {i for i in ids if self.has(name, i) and self.of(i) == app}
        assert missing == ids - present
        self.set(name, present, now, read=step.read)

    def set(self, name: str, message_ids: set[int], now: int, *, read: bool) -> None:
        """Set messages of a mailbox read or unread in the model."""
        for message_id in message_ids:
            place = (name, message_id)
            if not read:
                self.entries[place] = None
                self.archived.discard(place)
            elif self.entries[place] is None:
                self.entries[place] = now

    async def recall(self, step: Recall) -> None:
        message_id = self.picked(step.pick)
        sent = self.messages.get(message_id)
        if sent is None:
            await refused(self.sent_messages.recall(self.apps[0], message_id, by=COMMAND), Reason.MESSAGE_UNKNOWN)
            return
        await refused(
            self.sent_messages.recall(self.apps[1 - sent.app], message_id, by=COMMAND), Reason.MESSAGE_UNKNOWN
        )
        await self.sent_messages.recall(self.apps[sent.app], message_id, by=COMMAND)
        sent.recalled = True

    async def update(self, step: Update) -> None:
        now, message_id = self.clock.now, self.picked(step.pick)
        sent = self.messages.get(message_id)
        if sent is None:
            return
        content = f"update {step.text}"
        call = self.sent_messages.update(
            self.apps[sent.app], message_id, Text(content), reset_read=step.reset_read, by=COMMAND
        )
        state = sent.state(now)
        if state in {State.RECALLED, State.EXPIRED}:
            await refused(call, Reason.ALREADY_RECALLED if state is State.RECALLED else Reason.MESSAGE_UNKNOWN)
            return
        await call
        was_reset = sent.versions[-1][1] if sent.versions else False
        if sent.content == content and (was_reset or not step.reset_read):
            return
        sent.content = content
        sent.versions.append((content, step.reset_read))
        if step.reset_read:
            for name in sent.audience:
                self.set(name, {message_id}, now, read=False)

    async def remind(self, step: Remind) -> None:
        now, message_id = self.clock.now, self.picked(step.pick)
        sent = self.messages.get(message_id)
        if sent is None:
            return
        call = self.sent_messages.remind(self.apps[sent.app], message_id, by=COMMAND)
        state = sent.state(now)
        unread = sum(self.entries[name, message_id] is None for name in sent.audience)
        if state in {State.RECALLED, State.EXPIRED}:
            await refused(call, Reason.ALREADY_RECALLED if state is State.RECALLED else Reason.MESSAGE_UNKNOWN)
        elif unread and sent.reminded_at is not None and now - sent.reminded_at < REMINDER_PAUSE_MS:
            await refused(call, Reason.RATE_EXCEEDED)
        else:
            assert await call == unread
            sent.reminded_at = now if unread else sent.reminded_at

    async def decide(self, step: Decide) -> None:
        now = self.clock.now
        approvals = [i for i, sent in self.messages.items() if sent.approval] if step.fits else []
        picked = {one_of(approvals, pick) or self.picked(pick) for pick in step.picks}
        app = self.messages[min(picked)].app if self.messages else 0
        call = self.statuses.decide_approvals(self.apps[app], frozenset(picked), closed=step.closed)
        gone = {State.RECALLED, State.EXPIRED}
        present = {
            i for i in picked & self.messages.keys() if self.of(i) == app and self.messages[i].state(now) not in gone
        }
        if not all(self.messages[i].approval for i in present):
            await refused(call, Reason.NOT_AN_APPROVAL)
            return
        assert await call == picked - present
        for message_id in present:
            sent = self.messages[message_id]
            sent.closed_at = (sent.closed_at or now) if step.closed else None
            for name in sent.audience:
                self.set(name, {message_id}, now, read=step.closed)

    async def readall(self, step: ReadAll) -> None:
        now, name = self.clock.now, USERS[step.user]
        unread = {i for it, i in self.entries if it == name and self.shows(name, i) and self.entries[it, i] is None}
        assert set(await self.inbox.read_all(self.viewer(name), InboxQuery(before_id=FAR))) == unread
        self.set(name, unread, now, read=True)

    async def archive(self, step: Archive) -> None:
        now, name = self.clock.now, USERS[step.user]
        ids = {self.picked(pick) for pick in step.picks}
        changed = set(await self.inbox.archive(self.viewer(name), ids, archived=step.archived))
        assert changed == self.finds(name, ids)
        if step.archived:
            self.set(name, changed, now, read=True)
            self.archived |= {(name, i) for i in changed}
            self.marks.rouse((name, i) for i in changed)
        else:
            self.archived -= {(name, i) for i in changed}

    async def star(self, step: Star) -> None:
        name, ids = USERS[step.user], {self.picked(pick) for pick in step.picks}
        changed = set(await self.inbox.star(self.viewer(name), ids, starred=step.starred))
        assert changed == self.finds(name, ids)
        places = {(name, i) for i in changed}
        self.marks.starred = self.marks.starred | places if step.starred else self.marks.starred - places

    async def delete(self, step: Delete) -> None:
        name, ids = USERS[step.user], {self.picked(pick) for pick in step.picks}
        present = self.finds(name, ids)
        if step.deleted:
            assert set(await self.inbox.delete(self.viewer(name), ids)) == present
            self.marks.delete({(name, i) for i in present})
        else:
            self.marks.deleted -= {(name, i) for i in ids if self.has(name, i)}
            assert set(await self.inbox.restore(self.viewer(name), ids)) == self.finds(name, ids)

    async def snooze(self, step: Snooze) -> None:
        now, name, ids = self.clock.now, USERS[step.user], {self.picked(pick) for pick in step.picks}
        until = None if step.wakes_in is None else now + step.wakes_in
        changed = set(await self.inbox.snooze(self.viewer(name), ids, until))
        assert changed == self.finds(name, ids)
        places = {(name, i) for i in changed}
        if until is None:
            self.marks.rouse(places)
        else:
            self.set(name, changed, now, read=False)
            self.marks.snooze(places, until)

    async def mute(self, step: Mute) -> None:
        name = USERS[step.user]
        assert await self.inbox.mute(self.viewer(name), self.apps[step.app].app_id, muted=step.muted)
        self.known.add(name)
        if step.muted:
            self.marks.muted.add((name, step.app))
        else:
            self.marks.muted.discard((name, step.app))

    async def later(self, step: Later) -> None:
        self.clock.now += step.ms
        self.marks.wake(self.clock.now)
        for message_id, sent in self.messages.items():
            if sent.send_at is not None and sent.waiting is None and sent.state(self.clock.now) is State.SENDING:
                await self.fan_out(message_id, to_the_end=step.to_the_end)

    async def look(self, step: Look) -> None:
        name = USERS[step.user]
        match step.what:
            case "list":
                await self.compare_lists(name)
            case "counts":
                await self.compare_counts(name)
            case "find":
                shown_messages = await self.inbox.find(self.viewer(name), [self.picked(step.pick)])
                assert [shown.message.id for shown in shown_messages] == [
                    i for i in [self.picked(step.pick)] if i in self.finds(name, self.messages)
                ]
            case "unread":
                await self.compare_unread(name, step.app)
            case "sent":
                await self.compare_sent_lists()
            case _:
                if self.messages:
                    await self.compare_receipts(self.picked(step.pick))

    # --- Comparing --------------------------------------------------------------------------------------------------

    async def compare_unread(self, name: str, app: int) -> None:
        expected = sum(
            at is None for (it, i), at in self.entries.items() if it == name and self.shows(it, i) and self.of(i) == app
        )
        assert await self.message_statuses.unread_count(self.apps[app], name) == expected

    def of(self, message_id: int) -> int:
        """Return the app (0 or 1) that sent a message."""
        return self.messages[message_id].app

    async def compare_counts(self, name: str) -> None:
        shown = [i for it, i in self.entries if it == name and self.shows(name, i)]
        loud = [i for i in shown if (name, self.of(i)) not in self.marks.muted]
        counts = await self.inbox.counts(self.viewer(name))
        assert counts.unread == sum(self.entries[name, i] is None for i in loud)
        assert counts.todo == sum(self.messages[i].approval and self.messages[i].closed_at is None for i in loud)
        unread = [sum(self.entries[name, i] is None for i in shown if self.of(i) == app) for app in (0, 1)]
        muted = [(name, app) in self.marks.muted for app in (0, 1)]
        assert {it.app.app_id: (it.unread, it.muted) for it in counts.apps} == {
            self.apps[app].app_id: (unread[app], muted[app]) for app in (0, 1) if unread[app] or muted[app]
        }

    async def compare_lists(self, name: str) -> None:
        found = sorted(self.finds(name, (i for it, i in self.entries if it == name)), reverse=True)
        marks = self.marks
        asleep = [i for i in found if (name, i) in marks.asleep]
        await self.compare_list(name, "snoozed", asleep)
        shown = [i for i in found if i not in asleep]
        passes: dict[Filter, Callable[[int], bool]] = {
            "all": lambda i: (name, i) not in self.archived,
            "unread": lambda i: self.entries[name, i] is None,
            "todo": lambda i: self.messages[i].approval and self.messages[i].closed_at is None,
            "archived": lambda i: (name, i) in self.archived,
            "starred": lambda i: (name, i) in marks.starred,
        }
        for filter_name, passing in passes.items():
            listed = [i for i in shown if passing(i)]
            if filter_name in {"all", "unread"}:
                listed.sort(key=lambda i: ((name, i) in marks.woken and self.entries[name, i] is None, i), reverse=True)
            await self.compare_list(name, filter_name, listed)

    async def compare_list(self, name: str, filter_name: Filter, expected: Sequence[int]) -> None:
        """Compare a list in one page, and in pages of two messages."""
        page = await self.inbox.list_messages(self.viewer(name), InboxQuery(filter_name, limit=100))
        assert [shown.message.id for shown in page.items] == expected
        for shown in page.items:
            message, place = shown.message, (name, shown.message.id)
            assert message.read_at == self.entries[place]
            assert self.messages[message.id].content in (message.content or "")
            assert shown.silent == ((name, self.of(message.id)) in self.marks.muted)
            assert message.starred == (place in self.marks.starred)
            assert message.snoozed_until == self.marks.asleep.get(place)
        query, in_parts = InboxQuery(filter_name, limit=2), list[int]()
        while True:
            page = await self.inbox.list_messages(self.viewer(name), query)
            in_parts += [shown.message.id for shown in page.items]
            if page.next_cursor is None:
                break
            query = query.at(page.next_cursor)
        assert in_parts == expected

    async def compare_receipts(self, message_id: int) -> None:
        sent = self.messages[message_id]
        expected = {name: self.entries[name, message_id] for name in sent.audience}
        app = self.apps[sent.app]
        page = await self.message_statuses.receipts(app, message_id, read=None, cursor=None, limit=100)
        assert {it.user_id: it.read_at for it in page.receipts} == expected
        assert [it.user_id for it in page.receipts] == sorted(expected, key=self.platform.recipient)
        assert page.status.state == sent.state(self.clock.now)
        counts = page.status.counts
        assert counts.delivered == len(expected)
        assert counts.read == sum(at is not None for at in expected.values())
        if isinstance(sent.to, Receivers):
            assert counts.receivers == len(sent.to.user_ids)
        elif sent.waiting == []:
            assert counts.receivers == len(expected)
        unread: list[str] = []
        cursor: str | None = None
        while True:
            page = await self.message_statuses.receipts(app, message_id, read=False, cursor=cursor, limit=1)
            unread += [it.user_id for it in page.receipts]
            cursor = page.next_cursor
            if cursor is None:
                break
        unread_by = [name for name, at in expected.items() if at is None]
        assert unread == sorted(unread_by, key=self.platform.recipient)

    async def compare_versions(self, message_id: int) -> None:
        sent = self.messages[message_id]
        versions = await self.sent_messages.versions(self.apps[sent.app], message_id)
        assert [version.version for version in versions] == list(range(1, len(sent.versions) + 2))
        assert [version.reset_read for version in versions] == [False, *(reset for _, reset in sent.versions)]
        updates = zip(versions[1:], sent.versions, strict=True)
        assert all(text in version.content for version, (text, _) in updates)

    async def compare_sent_lists(self) -> None:
        stored = await rows(self.database, "select id from message where platform_code = $1", self.code)
        assert {row["id"] for row in stored} == set(self.messages)
        for number, app in enumerate(self.apps):
            page = await self.message_statuses.list_messages(MessageFilter(app.number), 100)
            sent = {i: message for i, message in self.messages.items() if message.app == number}
            assert [status.message.id for status in page.items] == sorted(sent, reverse=True)
            for status in page.items:
                expected = sent[status.message.id]
                read = [self.entries[name, status.message.id] is not None for name in expected.audience]
                assert (status.counts.delivered, status.counts.read) == (len(read), sum(read))
                assert status.state is expected.state(self.clock.now)
                assert expected.content in status.message.content


def one_of(ids: Iterable[int], pick: int) -> int | None:
    """Return one of these ids, None if there are none."""
    ordered = sorted(ids)
    return ordered[pick % len(ordered)] if ordered else None


async def refused(call: Any, reason: Reason) -> None:
    """Await a call that must be refused."""
    with pytest.raises(Refusal) as refusal:
        await call
    assert refusal.value.reason is reason


@pytest.mark.parametrize(
    ("cells", "large_chunk"), [(1, 1_000), (1, 1), (3, 1)], ids=["pushed", "pulled by groups", "pulled in three cells"]
)
def test_mailboxes_and_feed_agree_with_the_model(
    database_url: str, monkeypatch: pytest.MonkeyPatch, cells: int, large_chunk: int
) -> None:
    """The model does not know how many cells there are, nor which messages are pushed and which are pulled."""
    clock = Clock(now_ms())
    for name, module in list(sys.modules.items()):
        if name.startswith("msgcenter.") and hasattr(module, "now_ms") and name != "msgcenter.domain.message_id":
            monkeypatch.setattr(module, "now_ms", clock)
    monkeypatch.setattr(messages, "IMMEDIATE_RECEIVERS", CHUNK)
    monkeypatch.setattr(audiences, "CHUNK_SIZE", CHUNK)
    monkeypatch.setattr(audiences, "LARGE_CHUNK", large_chunk)
    monkeypatch.setattr(pull, "_ENTRIES_PER_COMMIT", 3)
    monkeypatch.setattr(feed, "_FAR_BEHIND", 2)
    with event_loop() as run:
        database = run(Database(database_url).__aenter__())
        run(rows(database, f"alter table platform alter column cells set default {cells}"))
        lease = run(NodeLease(database.url).__aenter__())
        scenes = 0

        @settings(max_examples=examples(40), deadline=None, suppress_health_check=[HealthCheck.too_slow])
        @given(stories)
        def play(story: list[Step]) -> None:
            nonlocal scenes
            scenes += 1
            run(Scene(database, lease, clock, scenes).play(story))

        try:
            play()
        finally:
            run(lease.__aexit__(None, None, None))
            run(database.__aexit__(None, None, None))
