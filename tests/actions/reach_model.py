"""The model of mailboxes and the feed, and how the product is compared with it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from msgcenter.actions.mailboxes.inbox import Inbox
from msgcenter.actions.mailboxes.inbox_views import InboxQuery
from msgcenter.actions.mailboxes.statuses import Statuses
from msgcenter.actions.mailboxes.topics import Topics
from msgcenter.actions.mailboxes.user_tokens import Viewer
from msgcenter.actions.messages.message_status import MessageStatuses
from msgcenter.actions.messages.sending import Sending
from msgcenter.actions.messages.sent_messages import SentMessages
from msgcenter.database.database import Database
from msgcenter.domain.account import App, Platform
from msgcenter.domain.audience import Audience, Receivers, Topic
from msgcenter.domain.message import State
from msgcenter.store.mailboxes.reading import Filter
from msgcenter.store.messages import audiences
from msgcenter.store.messages.messages import MessageFilter
from msgcenter.store.messages.node_lease import NodeLease
from tests.actions.mark_steps import Marks
from tests.actions.reach_steps import CHUNK, TOPICS, Send, Subscribe
from tests.scene import Clock, rows

FAR = 1 << 60


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


class Model:
    """Two apps, four users and two topics of each app, in the product and in the model."""

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

    def set(self, name: str, message_ids: set[int], now: int, *, read: bool) -> None:
        """Set messages of a mailbox read or unread in the model."""
        for message_id in message_ids:
            place = (name, message_id)
            if not read:
                self.entries[place] = None
                self.archived.discard(place)
            elif self.entries[place] is None:
                self.entries[place] = now

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
