"""The store against a plain model of it: a dictionary of mailbox entries."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from msgcenter.database.database import Connection, Database
from msgcenter.domain.account import Recipient
from msgcenter.domain.mailbox import WITHDRAWN_UNREAD
from msgcenter.domain.message import IDEMPOTENCY_MS, Draft
from msgcenter.domain.message_id import MessageIds, bucket_of
from msgcenter.domain.refusal import Reason, Refusal
from msgcenter.messaging.decide_approvals import decide
from msgcenter.messaging.fan_out import fan_out
from msgcenter.messaging.send import send_drafts
from msgcenter.messaging.set_status import StatusChange, apply_status_changes
from msgcenter.store.mailboxes import pages as mailboxes
from msgcenter.store.mailboxes import reading as inbox
from msgcenter.store.mailboxes.pages import PageChange, PageKey, change_pages, page_key, sweep_mailboxes, unread_counts
from msgcenter.store.mailboxes.reading import AppCounts, Entry, EntryQuery
from msgcenter.store.mailboxes.receipts import ReceiptTotals, count_receipts, receipts
from msgcenter.store.messages.messages import find_message
from tests.conftest import examples
from tests.store.scene import START, Clock, add_app, event_loop, rows, short_pages, text_to, weighted

PAGE = 3
USERS = ("阿明", "b", "user-c")
BUCKET_MS = 1 << 31
Place: TypeAlias = tuple[Recipient, int]
"""A message in a mailbox."""


# --- Steps ----------------------------------------------------------------------------------------------------------


class Sent(NamedTuple):
    """A draft: numbers choose among the scene's apps, platforms and users."""

    app: int
    platform: int
    users: frozenset[int]
    approval: bool
    expires_in: int | None
    sends_in: int | None
    request: int | None
    text: int


class Marked(NamedTuple):
    """A status call about one mailbox: some of what it has, and perhaps a message that it may not have."""

    place: int
    near: tuple[int, ...]
    far: int | None
    read: bool


class Send(NamedTuple):
    """Drafts that share a commit."""

    drafts: tuple[Sent, ...]


class Mark(NamedTuple):
    """Status calls that share a commit."""

    calls: tuple[Marked, ...]


class Decide(NamedTuple):
    """A decision on approvals, and perhaps on a message that is none."""

    app: int
    near: tuple[int, ...]
    far: int | None
    closed: bool


class Archive(NamedTuple):
    """One user's archiving of an app's messages, or the contrary."""

    place: int
    near: tuple[int, ...]
    archived: bool


class ReadAll(NamedTuple):
    """One user's reading of everything."""

    platform: int
    user: int


class Later(NamedTuple):
    """Time goes by, and what was scheduled is delivered."""

    ms: int


Step: TypeAlias = Send | Mark | Decide | Archive | ReadAll | Later

two = st.integers(0, 1)
user = st.integers(0, len(USERS) - 1)
some = st.integers(0, 11)
near = st.lists(some, min_size=1, max_size=4).map(tuple)
far = weighted((2, st.none()), (1, some))
sends = st.lists(
    st.builds(
        Sent,
        app=two,
        platform=two,
        users=st.frozensets(user, min_size=1),
        approval=st.booleans(),
        expires_in=st.sampled_from([None, None, 60, 700]),
        sends_in=st.sampled_from([None, None, None, 30]),
        request=st.sampled_from([None, None, 0, 1]),
        text=two,
    ),
    min_size=1,
    max_size=4,
)
sending = st.builds(Send, sends.map(tuple))
calls = st.lists(st.builds(Marked, some, near, far, st.booleans()), min_size=1, max_size=6).map(tuple)
marking = st.builds(Mark, calls)
time = st.builds(Later, st.sampled_from([1, 50, 50, 500, IDEMPOTENCY_MS + 1, BUCKET_MS]))
deciding = st.builds(Decide, two, near, far, st.booleans())
archiving = st.builds(Archive, some, near, st.booleans())
reading = st.builds(ReadAll, two, user)
later_steps = weighted((2, sending), (3, marking), (2, time), (1, deciding), (1, archiving), (1, reading))
stories = st.tuples(sending, st.lists(later_steps, min_size=3, max_size=12)).map(lambda story: [story[0], *story[1]])


# --- The model ------------------------------------------------------------------------------------------------------


@dataclass
class Sending:
    """A message as the model knows it."""

    number: int
    draft: Draft
    delivered: bool
    closed_at: int | None = None

    def is_gone(self, now: int) -> bool:
        """Whether it has expired."""
        return self.draft.expires_at is not None and self.draft.expires_at <= now


@dataclass
class Model:
    """What ought to be: for each message in a mailbox when it was read, None while it is unread."""

    entries: dict[Place, int | None] = field(default_factory=dict)
    archived: set[Place] = field(default_factory=set)
    messages: dict[int, Sending] = field(default_factory=dict)
    claims: dict[tuple[int, str], tuple[bytes, int, int]] = field(default_factory=dict)
    pages: dict[PageKey, list[int]] = field(default_factory=lambda: defaultdict(list))

    def send(self, draft: Draft, message_id: int, now: int) -> int | Reason:
        """Store a draft that would get this id; return the id that answers it."""
        if draft.request_id is not None:
            key = (draft.app_number, draft.request_id)
            digest, standing, at = self.claims.get(key, (b"", 0, 0))
            if at >= now - IDEMPOTENCY_MS:
                return standing if digest == draft.digest else Reason.REQUEST_ID_REUSED
            self.claims[key] = (draft.digest, message_id, now)
        self.messages[message_id] = Sending(message_id, draft, draft.is_direct)
        return message_id

    def deliver(self, message_ids: Sequence[int]) -> None:
        """Put messages into the mailboxes of their receivers."""
        for message_id in sorted(message_ids):
            sending = self.messages[message_id]
            sending.delivered = True
            for recipient in self.recipients(message_id):
                self.entries[recipient, message_id] = sending.closed_at
                self.pages[page_key(recipient, message_id, sending.draft.app_number)].append(message_id)

    def recipients(self, message_id: int) -> list[Recipient]:
        """Who was addressed."""
        draft = self.messages[message_id].draft
        return [Recipient(user_id, draft.platform_code) for user_id in draft.receivers]

    def has(self, recipient: Recipient, message_id: int, now: int, app_number: int | None = None) -> bool:
        """Whether a message (of an app) is to be seen in a mailbox."""
        if (recipient, message_id) not in self.entries or self.messages[message_id].is_gone(now):
            return False
        return app_number in {None, self.messages[message_id].draft.app_number}

    def mark(self, recipient: Recipient, message_ids: Sequence[int], now: int, *, read: bool) -> None:
        """Set messages that the mailbox has read or unread."""
        for message_id in message_ids:
            place = (recipient, message_id)
            if not read:
                self.entries[place] = None
                self.archived.discard(place)
            elif self.entries[place] is None:
                self.entries[place] = now

    def live(self, now: int) -> list[Place]:
        """All that is to be seen."""
        return [place for place in self.entries if self.has(*place, now)]

    def is_open(self, message_id: int) -> bool:
        """Whether a message is an approval that waits for its decision."""
        sending = self.messages[message_id]
        return sending.draft.approval and sending.closed_at is None


# --- The scene: the model and the store, side by side ---------------------------------------------------------------


class Scene:
    """Two apps, two platforms, three users; every step is done to the store and to the model."""

    def __init__(self, database: Database, clock: Clock, number: int) -> None:
        self.database = database
        self.clock = clock
        self.clock.now = START + number * 60_000
        self.ids = MessageIds(number % 1_024, clock)
        self.platforms = [f"{number}-a", f"{number}-b"]
        self.apps: list[int] = []
        self.model = Model()

    async def play(self, story: Sequence[Step]) -> None:
        """Do all steps; compare counts and pages after each, and at the end all that the store tells."""
        for name in ("one", "two"):
            self.apps.append(await add_app(self.database, f"{self.platforms[0]}-{name}", *self.platforms))
        for step in story:
            self.clock.now += 1
            match step:
                case Send():
                    await self.send(step)
                case Mark():
                    await self.mark(step)
                case Decide():
                    await self.decide(step)
                case Archive():
                    await self.archive(step)
                case ReadAll():
                    await self.read_all(step)
                case Later():
                    await self.later(step)
            await self.compare_counts()
            await self.compare_pages()
        await self.compare_inboxes()
        await self.compare_receipts()

    def recipient(self, platform: int, user: int) -> Recipient:
        """One of the mailboxes."""
        return Recipient(USERS[user], self.platforms[platform])

    def place(self, number: int) -> tuple[Recipient, int]:
        """A mailbox and an app that has sent something to it, if any has."""
        places = sorted(self.model.entries)
        if not places:
            return self.recipient(0, 0), self.apps[0]
        recipient, message_id = places[number * len(places) // 12]
        return recipient, self.model.messages[message_id].draft.app_number

    def picked(self, known: Collection[int], near: Sequence[int], far: int | None = None) -> frozenset[int]:
        """Some of the known ids; `far` is any message at all, or none."""
        ids = sorted(known)
        chosen = {ids[pick % len(ids)] for pick in near} if ids else {4_711}
        if far is not None:
            chosen.add(sorted({*self.model.messages, 4_711})[far % (len(self.model.messages) + 1)])
        return frozenset(chosen)

    def of_app(self, recipient: Recipient, app_number: int) -> list[int]:
        """What an app has sent to a mailbox, expired messages too."""
        return [
            i
            for it, i in self.model.entries
            if it == recipient and self.model.messages[i].draft.app_number == app_number
        ]

    async def send(self, step: Send) -> None:
        now = self.clock.now
        drafts = [
            text_to(
                self.apps[asked.app],
                self.platforms[asked.platform],
                [USERS[user] for user in asked.users],
                content=f"text {asked.text}",
                approval=asked.approval,
                request_id=None if asked.request is None else f"request {asked.request}",
                send_at=None if asked.sends_in is None else now + asked.sends_in,
                expires_at=None if asked.expires_in is None else now + asked.expires_in,
            )
            for asked in step.drafts
        ]
        answers = await send_drafts(self.database, self.ids, drafts)
        new: list[int] = []
        for draft, answer in zip(drafts, answers, strict=True):
            fresh = answer if isinstance(answer, int) and answer not in self.model.messages else -1
            expected = self.model.send(draft, fresh, now)
            assert (answer.reason if isinstance(answer, Refusal) else answer) == expected
            assert expected != -1
            if draft.is_direct and fresh == answer:
                new.append(fresh)
        self.model.deliver(new)

    async def mark(self, step: Mark) -> None:
        now = self.clock.now
        calls = []
        for call in step.calls:
            recipient, app = self.place(call.place)
            ids = self.picked(self.of_app(recipient, app), call.near, call.far)
            calls.append(StatusChange(recipient, app, ids, call.read))
        missing = await apply_status_changes(self.database, calls)
        for change, absent in zip(calls, missing, strict=True):
            had = [i for i in change.message_ids if self.model.has(change.recipient, i, now, change.app_number)]
            assert absent == change.message_ids - set(had)
            self.model.mark(change.recipient, had, now, read=change.read)

    async def decide(self, step: Decide) -> None:
        now, app = self.clock.now, self.apps[step.app]
        approvals = [i for i, it in self.model.messages.items() if it.draft.approval and it.draft.app_number == app]
        asked = sorted(self.picked(approvals, step.near, step.far))
        found = [
            sending
            for i in asked
            if (sending := self.model.messages.get(i)) is not None
            and sending.draft.app_number == app
            and not sending.is_gone(now)
        ]
        if not all(sending.draft.approval for sending in found):
            with pytest.raises(Refusal) as refused:
                await decide(self.database, app, asked, closed=step.closed)
            assert refused.value.reason is Reason.NOT_AN_APPROVAL
            return
        decision = await decide(self.database, app, asked, closed=step.closed)
        assert decision.missing == set(asked) - {sending.number for sending in found}
        for sending in found:
            sending.closed_at = (sending.closed_at or now) if step.closed else None
            if sending.delivered:
                for recipient in self.model.recipients(sending.number):
                    self.model.mark(recipient, [sending.number], now, read=step.closed)

    async def archive(self, step: Archive) -> None:
        now, (recipient, app) = self.clock.now, self.place(step.place)
        picked = self.picked(self.of_app(recipient, app), step.near)
        ids = sorted(i for i in picked if self.model.has(recipient, i, now))
        pages = {page_key(recipient, i, app): PageChange() for i in ids}
        for key in pages:
            pages[key] = PageChange(read=[i for i in ids if bucket_of(i) == key.bucket])

        async def write(connection: Connection) -> None:
            if step.archived and pages:
                assert not await change_pages(connection, pages, now)
            await mailboxes.set_archived(
                connection, [(page_key(recipient, i, app), i) for i in ids], archived=step.archived
            )

        await self.database.in_transaction(write)
        places = {(recipient, i) for i in ids}
        if step.archived:
            self.model.mark(recipient, ids, now, read=True)
            self.model.archived |= places
        else:
            self.model.archived -= places

    async def read_all(self, step: ReadAll) -> None:
        now, recipient = self.clock.now, self.recipient(step.platform, step.user)

        async def write(connection: Connection) -> list[int]:
            await mailboxes.sweep_mailboxes(connection, [recipient], now)
            return await inbox.set_read_up_to(connection, recipient, None, (1 << 63) - 1, now)

        await self.database.in_transaction(write)
        self.model.mark(recipient, [i for it, i in self.model.live(now) if it == recipient], now, read=True)

    async def later(self, step: Later) -> None:
        self.clock.now += step.ms
        now = self.clock.now
        for message_id, sending in list(self.model.messages.items()):
            if sending.delivered:
                continue
            early = await fan_out(self.database, message_id)
            wait = 0 if sending.is_gone(now) else max(0, (sending.draft.send_at or 0) - now)
            assert early == wait
            if not wait and not sending.is_gone(now):
                self.model.deliver([message_id])

    # --- Comparing --------------------------------------------------------------------------------------------------

    async def compare_counts(self) -> None:
        now = self.clock.now
        expected = Counter(
            (recipient.user_id, recipient.platform_code, self.model.messages[i].draft.app_number)
            for recipient, i in self.model.live(now)
            if self.model.entries[recipient, i] is None
        )
        recipients = [self.recipient(platform, user) for platform in (0, 1) for user in range(len(USERS))]
        asked = [(recipient, app) for recipient in recipients for app in self.apps]
        async with self.database.connection() as connection:
            counts, stale = await unread_counts(connection, asked, now)
        for (user_id, platform_code, app), count in counts.items():
            if Recipient(user_id, platform_code) not in stale:
                assert count == expected[user_id, platform_code, app]
        if stale:

            async def sweep(connection: Connection) -> int:
                return await sweep_mailboxes(connection, sorted(stale), now)

            assert await self.database.in_transaction(sweep)
            async with self.database.connection() as connection:
                counts, stale = await unread_counts(connection, asked, now)
            assert not stale
        assert {key: count for key, count in counts.items() if count} == expected
        async with self.database.connection() as connection:
            by_app, stale = await inbox.app_counts(connection, recipients, now)
        assert not stale
        assert by_app == {recipient: self.expected_counts(recipient) for recipient in recipients}

    def expected_counts(self, recipient: Recipient) -> list[AppCounts]:
        """What waits for a user, by app."""
        found = []
        for app in self.apps:
            ids = [i for it, i in self.model.live(self.clock.now) if it == recipient]
            ids = [i for i in ids if self.model.messages[i].draft.app_number == app]
            unread = sum(self.model.entries[recipient, i] is None for i in ids)
            todo = sum(self.model.is_open(i) for i in ids)
            if unread or todo:
                found.append(AppCounts(app, unread, todo))
        return found

    async def compare_pages(self) -> None:
        """Every page is built as it should be; whatever has expired is swept by now."""
        now = self.clock.now
        pages = await rows(
            self.database,
            "select * from mailbox_page where app_number = any($1)"
            " order by user_id, platform_code, bucket, app_number, part",
            self.apps,
        )
        parts: dict[PageKey, list[list[int]]] = defaultdict(list)
        for page in pages:
            key = PageKey(page["user_id"], page["platform_code"], page["bucket"], page["app_number"])
            recipient, ids = Recipient(key.user_id, key.platform_code), page["message_ids"]
            assert page["part"] == len(parts[key])
            parts[key].append(ids)
            assert (page["first_id"], page["last_id"]) == (min(ids), max(ids))
            assert page["read_at"] == [self.stored(recipient, i) for i in ids]
            assert page["unread"] == page["read_at"].count(None)
            expiry_times = [self.model.messages[i].draft.expires_at for i in ids]
            assert page["expires_at"] == min((at for at in expiry_times if at is not None and at > now), default=None)
            live = {i for i in ids if self.model.has(recipient, i, now)}
            assert sorted(page["open_approvals"]) == sorted(i for i in live if self.model.is_open(i))
            assert {i for i in page["archived_ids"] if i in live} == {
                i for i in live if (recipient, i) in self.model.archived
            }
        # Every message once, in the order in which they came, each part full before the next begins.
        assert {key: [i for part in parts[key] for i in part] for key in parts} == dict(self.model.pages)
        assert all(len(part) == PAGE for key in parts for part in parts[key][:-1])
        assert all(0 < len(parts[key][-1]) <= PAGE for key in parts)

    def stored(self, recipient: Recipient, message_id: int) -> int | None:
        """What a page holds as `read_at`."""
        read_at = self.model.entries[recipient, message_id]
        if not self.model.messages[message_id].is_gone(self.clock.now):
            return read_at
        return WITHDRAWN_UNREAD if read_at is None else -read_at

    async def compare_inboxes(self) -> None:
        passes: dict[inbox.Filter, Callable[[Entry], bool]] = {
            "all": lambda entry: not entry.archived,
            "unread": lambda entry: not entry.archived and entry.read_at is None,
            "todo": lambda entry: entry.is_open,
            "archived": lambda entry: entry.archived,
        }
        everything: dict[Recipient, list[Entry]] = defaultdict(list)
        for recipient, i in sorted(self.model.live(self.clock.now), key=lambda place: place[1], reverse=True):
            app, place = self.model.messages[i].draft.app_number, (recipient, i)
            everything[recipient].append(
                Entry(i, app, self.model.entries[place], place in self.model.archived, self.model.is_open(i))
            )
        async with self.database.connection() as connection:
            for recipient, expected in everything.items():
                for filtered, passing in passes.items():
                    wanted = EntryQuery(recipient, filter=filtered)
                    assert [it async for it in inbox.entries(connection, wanted)] == [
                        entry for entry in expected if passing(entry)
                    ]
            asked = [
                (page_key(recipient, entry.message_id, entry.app_number), entry.message_id)
                for recipient in everything
                for entry in everything[recipient]
            ]
            assert await inbox.find_entries(connection, asked) == {
                (recipient, entry.message_id): entry for recipient in everything for entry in everything[recipient]
            }

    async def compare_receipts(self) -> None:
        """Receipts tell of expired messages too."""
        async with self.database.connection() as connection:
            for message_id, sending in self.model.messages.items():
                message = await find_message(connection, message_id)
                assert message is not None
                assert message.closed_at == sending.closed_at
                assert message.delivered_chunks == sending.delivered
                expected = {
                    recipient.user_id: self.model.entries[recipient, message_id]
                    for recipient in self.model.recipients(message_id)
                    if sending.delivered
                }
                told = [receipt async for receipt in receipts(connection, message)]
                assert [(one.cursor, one.user_id) for one in told] == [
                    (str(after), user_id) for after, user_id in enumerate(sorted(expected), 1)
                ]
                assert {one.user_id: one.read_at for one in told} == expected
                read = sum(at is not None for at in expected.values())
                assert await count_receipts(connection, [message]) == [
                    ReceiptTotals(message.receivers, len(expected), read)
                ]


def test_the_store_does_what_the_model_does(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    clock.rule(monkeypatch)
    short_pages(monkeypatch, PAGE)
    with event_loop() as run:
        database = run(Database(database_url).__aenter__())
        scenes = 0

        @settings(max_examples=examples(200), deadline=None, suppress_health_check=[HealthCheck.too_slow])
        @given(stories)
        def check(story: list[Step]) -> None:
            nonlocal scenes
            scenes += 1
            run(Scene(database, clock, scenes).play(story))

        try:
            check()
        finally:
            run(database.__aexit__(None, None, None))
