"""Mailboxes compared with a plain model of them: a dictionary of entries."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import NamedTuple, TypeAlias

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from msgcenter.database.database import Connection, Database
from msgcenter.domain.account import Platform, Recipient
from msgcenter.domain.mailbox import WITHDRAWN_UNREAD
from msgcenter.domain.message import IDEMPOTENCY_MS, Draft
from msgcenter.domain.message_id import MessageIds, bucket_of
from msgcenter.domain.refusal import Reason, Refusal
from msgcenter.messaging.decide_approvals import decide
from msgcenter.messaging.fan_out import fan_out
from msgcenter.messaging.send import send_drafts
from msgcenter.messaging.set_status import StatusChange, apply_status_changes
from msgcenter.store.apps.platforms import ensure_platform
from msgcenter.store.mailboxes import entry_changes, read_states, sweeping
from msgcenter.store.mailboxes import reading as inbox
from msgcenter.store.mailboxes.mailbox_counts import unread_counts
from msgcenter.store.mailboxes.mailbox_reads import (
    AppCounts,
    EntryMessage,
    IdQuery,
    ListQuery,
    read_lists,
    read_messages,
)
from msgcenter.store.mailboxes.pages import PageKey, page_key
from msgcenter.store.mailboxes.read_states import PageChange, change_pages
from msgcenter.store.mailboxes.reading import Entry, EntryQuery
from msgcenter.store.mailboxes.receipts import ReceiptTotals, count_receipts, receipts
from msgcenter.store.mailboxes.sweeping import sweep_mailboxes
from msgcenter.store.messages.jobs import Delivery
from msgcenter.store.messages.messages import MessageKey, find_message
from tests.conftest import examples
from tests.scene import START, Clock, add_app, event_loop, find_platform, rows, short_pages, text_to, weighted

PAGE = 3
USERS = ("阿明", "b", "user-c")
BUCKET_MS = 1 << 31
EntryKey: TypeAlias = tuple[Recipient, int]
"""A recipient and a message id: one entry."""


# --- Steps ----------------------------------------------------------------------------------------------------------


class DraftChoice(NamedTuple):
    """A draft; numbers select among the scene's apps, platforms and users. Times are in ms from now."""

    app: int
    platform: int
    users: frozenset[int]
    approval: bool
    expires_in: int | None
    sends_in: int | None
    request: int | None
    text: int


class StatusCall(NamedTuple):
    """A status call for one mailbox: some of its messages (`near`), and perhaps any message at all (`far`)."""

    mailbox: int
    near: tuple[int, ...]
    far: int | None
    read: bool


class Send(NamedTuple):
    """Send drafts in one commit."""

    drafts: tuple[DraftChoice, ...]


class SetStatus(NamedTuple):
    """Make status calls in one commit."""

    calls: tuple[StatusCall, ...]


class Decide(NamedTuple):
    """Decide approvals (`near`), and perhaps a message that is not an approval (`far`)."""

    app: int
    near: tuple[int, ...]
    far: int | None
    closed: bool


class Archive(NamedTuple):
    """Archive messages of an app in one mailbox, or take them out of the archive."""

    mailbox: int
    near: tuple[int, ...]
    archived: bool


class ReadAll(NamedTuple):
    """Set all messages of one mailbox read."""

    platform: int
    user: int


class Wait(NamedTuple):
    """Let time pass, then deliver the scheduled messages that are due."""

    ms: int


Step: TypeAlias = Send | SetStatus | Decide | Archive | ReadAll | Wait

two = st.integers(0, 1)
user = st.integers(0, len(USERS) - 1)
some = st.integers(0, 11)
near = st.lists(some, min_size=1, max_size=4).map(tuple)
far = weighted((2, st.none()), (1, some))
sends = st.lists(
    st.builds(
        DraftChoice,
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
calls = st.lists(st.builds(StatusCall, some, near, far, st.booleans()), min_size=1, max_size=6).map(tuple)
setting_status = st.builds(SetStatus, calls)
waiting = st.builds(Wait, st.sampled_from([1, 50, 50, 500, IDEMPOTENCY_MS + 1, BUCKET_MS]))
deciding = st.builds(Decide, two, near, far, st.booleans())
archiving = st.builds(Archive, some, near, st.booleans())
reading = st.builds(ReadAll, two, user)
later_steps = weighted((2, sending), (3, setting_status), (2, waiting), (1, deciding), (1, archiving), (1, reading))
stories = st.tuples(sending, st.lists(later_steps, min_size=3, max_size=12)).map(lambda story: [story[0], *story[1]])


# --- The model ------------------------------------------------------------------------------------------------------


@dataclass
class ModelMessage:
    """A message of the model."""

    number: int
    draft: Draft
    delivered: bool
    closed_at: int | None = None

    def has_expired(self, now: int) -> bool:
        """Return whether it has expired."""
        return self.draft.expires_at is not None and self.draft.expires_at <= now


@dataclass
class Model:
    """The expected state. `entries` has the read time of each message in each mailbox, None while it is unread."""

    entries: dict[EntryKey, int | None] = field(default_factory=dict)
    archived: set[EntryKey] = field(default_factory=set)
    messages: dict[int, ModelMessage] = field(default_factory=dict)
    claims: dict[tuple[int, str], tuple[bytes, int, int]] = field(default_factory=dict)
    pages: dict[PageKey, list[int]] = field(default_factory=lambda: defaultdict(list))

    def send(self, draft: Draft, message_id: int, now: int) -> int | Reason:
        """Store a draft under this id; return the expected answer."""
        if draft.request_id is not None:
            key = (draft.app_number, draft.request_id)
            digest, claimed_id, claimed_at = self.claims.get(key, (b"", 0, 0))
            if claimed_at >= now - IDEMPOTENCY_MS:
                return claimed_id if digest == draft.digest else Reason.REQUEST_ID_REUSED
            self.claims[key] = (draft.digest, message_id, now)
        self.messages[message_id] = ModelMessage(message_id, draft, draft.is_immediate)
        return message_id

    def deliver(self, message_ids: Sequence[int]) -> None:
        """Add messages to the mailboxes of their receivers."""
        for message_id in sorted(message_ids):
            model_message = self.messages[message_id]
            model_message.delivered = True
            for recipient in self.recipients(message_id):
                self.entries[recipient, message_id] = model_message.closed_at
                self.pages[page_key(recipient, message_id, model_message.draft.app_number)].append(message_id)

    def recipients(self, message_id: int) -> list[Recipient]:
        """Return the recipients of a message."""
        draft = self.messages[message_id].draft
        return [draft.platform.recipient(user_id) for user_id in draft.receivers]

    def has(self, recipient: Recipient, message_id: int, now: int, app_number: int | None = None) -> bool:
        """Return whether a mailbox shows a message (of an app)."""
        if (recipient, message_id) not in self.entries or self.messages[message_id].has_expired(now):
            return False
        return app_number in {None, self.messages[message_id].draft.app_number}

    def set_status(self, recipient: Recipient, message_ids: Sequence[int], now: int, *, read: bool) -> None:
        """Set messages of a mailbox read or unread."""
        for message_id in message_ids:
            entry = (recipient, message_id)
            if not read:
                self.entries[entry] = None
                self.archived.discard(entry)
            elif self.entries[entry] is None:
                self.entries[entry] = now

    def live(self, now: int) -> list[EntryKey]:
        """Return all entries that mailboxes show."""
        return [entry for entry in self.entries if self.has(*entry, now)]

    def is_open(self, message_id: int) -> bool:
        """Return whether a message is an undecided approval."""
        model_message = self.messages[message_id]
        return model_message.draft.approval and model_message.closed_at is None


# --- The scene: the model and the database --------------------------------------------------------------------------


class Scene:
    """Two apps, two platforms (of one cell and of three), three users.

    Every step is applied to the database and to the model.
    """

    def __init__(self, database: Database, clock: Clock, number: int) -> None:
        self.database = database
        self.clock = clock
        self.clock.now = START + number * 60_000
        self.ids = MessageIds(number % 1_024, clock)
        self.codes = [f"{number}-a", f"{number}-b"]
        self.platforms: list[Platform] = []
        self.apps: list[int] = []
        self.model = Model()

    async def play(self, story: Sequence[Step]) -> None:
        """Apply all steps. Compare counts and pages after each step, and inboxes and receipts at the end."""
        for code, cells in zip(self.codes, (1, 3), strict=True):
            await self.database.in_transaction(ensure_platform, code, code, START, cells=cells)
        for name in ("one", "two"):
            self.apps.append(await add_app(self.database, f"{self.codes[0]}-{name}", *self.codes))
        self.platforms = [await find_platform(self.database, code) for code in self.codes]
        for step in story:
            self.clock.now += 1
            match step:
                case Send():
                    await self.send(step)
                case SetStatus():
                    await self.set_status(step)
                case Decide():
                    await self.decide(step)
                case Archive():
                    await self.archive(step)
                case ReadAll():
                    await self.read_all(step)
                case Wait():
                    await self.wait(step)
            await self.compare_counts()
            await self.compare_pages()
        await self.compare_inboxes()
        await self.compare_receipts()

    def recipient(self, platform: int, user: int) -> Recipient:
        """Return one of the mailboxes."""
        return self.platforms[platform].recipient(USERS[user])

    def mailbox_and_app(self, number: int) -> tuple[Recipient, int]:
        """Return a mailbox and an app that has sent to it, if there is one."""
        entries = sorted(self.model.entries)
        if not entries:
            return self.recipient(0, 0), self.apps[0]
        recipient, message_id = entries[number * len(entries) // 12]
        return recipient, self.model.messages[message_id].draft.app_number

    def pick_ids(self, known: Collection[int], near: Sequence[int], far: int | None = None) -> frozenset[int]:
        """Return some of the known ids, and perhaps the id of any message at all (`far`)."""
        ids = sorted(known)
        chosen = {ids[pick % len(ids)] for pick in near} if ids else {4_711}
        if far is not None:
            chosen.add(sorted({*self.model.messages, 4_711})[far % (len(self.model.messages) + 1)])
        return frozenset(chosen)

    def of_app(self, recipient: Recipient, app_number: int) -> list[int]:
        """Return the ids of an app's messages in a mailbox, expired ones too."""
        return [
            i
            for it, i in self.model.entries
            if it == recipient and self.model.messages[i].draft.app_number == app_number
        ]

    async def send(self, step: Send) -> None:
        now = self.clock.now
        drafts = [
            text_to(
                self.apps[choice.app],
                self.platforms[choice.platform],
                [USERS[user] for user in choice.users],
                app_cell=self.platforms[0].first_cell,
                content=f"text {choice.text}",
                approval=choice.approval,
                request_id=None if choice.request is None else f"request {choice.request}",
                send_at=None if choice.sends_in is None else now + choice.sends_in,
                expires_at=None if choice.expires_in is None else now + choice.expires_in,
            )
            for choice in step.drafts
        ]
        for _, of_platform in groupby(sorted(drafts, key=platform_of), platform_of):
            await self.send_to_platform(list(of_platform))

    async def send_to_platform(self, drafts: Sequence[Draft]) -> None:
        """Send drafts to one platform in one commit."""
        now = self.clock.now
        answers = await send_drafts(self.database, self.ids, drafts)
        new: list[int] = []
        for draft, answer in zip(drafts, answers, strict=True):
            new_id = answer if isinstance(answer, int) and answer not in self.model.messages else -1
            expected = self.model.send(draft, new_id, now)
            assert (answer.reason if isinstance(answer, Refusal) else answer) == expected
            assert expected != -1
            if draft.is_immediate and new_id == answer:
                new.append(new_id)
        self.model.deliver(new)

    async def set_status(self, step: SetStatus) -> None:
        now = self.clock.now
        calls = []
        for call in step.calls:
            recipient, app = self.mailbox_and_app(call.mailbox)
            ids = self.pick_ids(self.of_app(recipient, app), call.near, call.far)
            calls.append(StatusChange(recipient, app, ids, call.read))
        for _, of_cell in groupby(sorted(calls, key=cell_of), cell_of):
            changes = list(of_cell)
            missing = await apply_status_changes(self.database, changes)
            for change, absent in zip(changes, missing, strict=True):
                had = [i for i in change.message_ids if self.model.has(change.recipient, i, now, change.app_number)]
                assert absent == change.message_ids - set(had)
                self.model.set_status(change.recipient, had, now, read=change.read)

    async def decide(self, step: Decide) -> None:
        now, app = self.clock.now, self.apps[step.app]
        approvals = [i for i, it in self.model.messages.items() if it.draft.approval and it.draft.app_number == app]
        message_ids = sorted(self.pick_ids(approvals, step.near, step.far))
        decidable = [
            model_message
            for i in message_ids
            if (model_message := self.model.messages.get(i)) is not None
            and model_message.draft.app_number == app
            and not model_message.has_expired(now)
        ]
        if not all(model_message.draft.approval for model_message in decidable):
            with pytest.raises(Refusal) as refused:
                await decide(self.database, app, message_ids, closed=step.closed)
            assert refused.value.reason is Reason.NOT_AN_APPROVAL
            return
        decision = await decide(self.database, app, message_ids, closed=step.closed)
        assert decision.missing == set(message_ids) - {model_message.number for model_message in decidable}
        for model_message in decidable:
            model_message.closed_at = (model_message.closed_at or now) if step.closed else None
            if model_message.delivered:
                for recipient in self.model.recipients(model_message.number):
                    self.model.set_status(recipient, [model_message.number], now, read=step.closed)

    async def archive(self, step: Archive) -> None:
        now, (recipient, app) = self.clock.now, self.mailbox_and_app(step.mailbox)
        chosen = self.pick_ids(self.of_app(recipient, app), step.near)
        ids = sorted(i for i in chosen if self.model.has(recipient, i, now))
        pages = {page_key(recipient, i, app): PageChange() for i in ids}
        for key in pages:
            pages[key] = PageChange(read=[i for i in ids if bucket_of(i) == key.bucket])

        async def write(connection: Connection) -> None:
            if step.archived and pages:
                assert not await change_pages(connection, recipient.platform, pages, now)
            if ids:
                entries = [(page_key(recipient, i, app), i) for i in ids]
                await entry_changes.set_archived(connection, entries, archived=step.archived)

        await self.database.in_transaction(write)
        entries = {(recipient, i) for i in ids}
        if step.archived:
            self.model.set_status(recipient, ids, now, read=True)
            self.model.archived |= entries
        else:
            self.model.archived -= entries

    async def read_all(self, step: ReadAll) -> None:
        now, recipient = self.clock.now, self.recipient(step.platform, step.user)

        async def write(connection: Connection) -> list[int]:
            await sweeping.sweep_mailboxes(connection, [recipient], now)
            return await read_states.set_read_up_to(connection, recipient, None, (1 << 63) - 1, now)

        await self.database.in_transaction(write)
        self.model.set_status(recipient, [i for it, i in self.model.live(now) if it == recipient], now, read=True)

    async def wait(self, step: Wait) -> None:
        self.clock.now += step.ms
        now = self.clock.now
        for message_id, model_message in list(self.model.messages.items()):
            if model_message.delivered:
                continue
            remaining_ms = await fan_out(self.database, Delivery(model_message.draft.platform.first_cell, message_id))
            wait = 0 if model_message.has_expired(now) else max(0, (model_message.draft.send_at or 0) - now)
            assert remaining_ms == wait
            if not wait and not model_message.has_expired(now):
                self.model.deliver([message_id])

    # --- Comparing --------------------------------------------------------------------------------------------------

    async def compare_counts(self) -> None:
        now = self.clock.now
        expected = Counter(
            (recipient, self.model.messages[i].draft.app_number)
            for recipient, i in self.model.live(now)
            if self.model.entries[recipient, i] is None
        )
        counted: dict[tuple[Recipient, int], int] = {}
        recipients = [self.recipient(platform, user) for platform in (0, 1) for user in range(len(USERS))]
        for cell in {recipient.cell for recipient in recipients}:
            counted |= await self.counts_of([it for it in recipients if it.cell == cell], expected)
        assert counted == expected

    async def counts_of(
        self, recipients: Sequence[Recipient], expected: Counter[tuple[Recipient, int]]
    ) -> dict[tuple[Recipient, int], int]:
        """Compare the counts of mailboxes of one cell; return those of unread messages that are not zero."""
        now = self.clock.now
        mailboxes_by_app = [(recipient, app) for recipient in recipients for app in self.apps]
        async with self.database.connection() as connection:
            counts, stale = await unread_counts(connection, mailboxes_by_app, now)
        for (recipient, app), count in counts.items():
            if recipient not in stale:
                assert count == expected[recipient, app]
        if stale:
            assert await self.database.in_transaction(sweep_mailboxes, sorted(stale), now)
            async with self.database.connection() as connection:
                counts, stale = await unread_counts(connection, mailboxes_by_app, now)
            assert not stale
        async with self.database.connection() as connection:
            readings = await read_lists(connection, [ListQuery(recipient) for recipient in recipients], now)
        assert all(reading.is_current for reading in readings)
        assert [reading.counts for reading in readings] == [self.expected_counts(it) for it in recipients]
        return {key: count for key, count in counts.items() if count}

    def expected_counts(self, recipient: Recipient) -> list[AppCounts]:
        """Return the expected counts of a mailbox, by app."""
        counts = []
        for app in self.apps:
            ids = [i for it, i in self.model.live(self.clock.now) if it == recipient]
            ids = [i for i in ids if self.model.messages[i].draft.app_number == app]
            unread = sum(self.model.entries[recipient, i] is None for i in ids)
            todo = sum(self.model.is_open(i) for i in ids)
            if unread or todo:
                counts.append(AppCounts(app, unread, todo))
        return counts

    async def compare_pages(self) -> None:
        """Every page has the expected entries, and all expired entries are withdrawn."""
        now = self.clock.now
        platforms = {cell: platform for platform in self.platforms for cell in platform.all_cells}
        pages = await rows(
            self.database,
            "select * from mailbox_page where app_number = any($1) order by cell, user_id, bucket, app_number, part",
            self.apps,
        )
        parts: dict[PageKey, list[list[int]]] = defaultdict(list)
        for page in pages:
            key = PageKey(page["cell"], page["user_id"], page["bucket"], page["app_number"])
            recipient, ids = platforms[key.cell].recipient(key.user_id), page["message_ids"]
            assert page["part"] == len(parts[key])
            parts[key].append(ids)
            assert (page["first_id"], page["last_id"]) == (min(ids), max(ids))
            assert page["read_at"] == [self.stored_read_at(recipient, i) for i in ids]
            assert page["unread"] == page["read_at"].count(None)
            expiry_times = [self.model.messages[i].draft.expires_at for i in ids]
            assert page["expires_at"] == min((at for at in expiry_times if at is not None and at > now), default=None)
            live = {i for i in ids if self.model.has(recipient, i, now)}
            assert sorted(page["open_approvals"]) == sorted(i for i in live if self.model.is_open(i))
            assert {i for i in page["archived_ids"] if i in live} == {
                i for i in live if (recipient, i) in self.model.archived
            }
        # Every message once, in order of arrival; each part is full before the next begins. Inside a part, ids ascend.
        assert parts == {
            key: [sorted(ids[start : start + PAGE]) for start in range(0, len(ids), PAGE)]
            for key, ids in self.model.pages.items()
        }

    def stored_read_at(self, recipient: Recipient, message_id: int) -> int | None:
        """Return the expected `read_at` of an entry in its page."""
        read_at = self.model.entries[recipient, message_id]
        if not self.model.messages[message_id].has_expired(self.clock.now):
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
        for recipient, i in sorted(self.model.live(self.clock.now), key=lambda entry_key: entry_key[1], reverse=True):
            app, key = self.model.messages[i].draft.app_number, (recipient, i)
            everything[recipient].append(
                Entry(i, app, self.model.entries[key], key in self.model.archived, self.model.is_open(i))
            )
        async with self.database.connection() as connection:
            for recipient, expected in everything.items():
                for filtered, passing in passes.items():
                    query = EntryQuery(recipient, filter=filtered)
                    assert [it async for it in inbox.entries(connection, query)] == [
                        entry for entry in expected if passing(entry)
                    ]
                    for limit in (1, 4, 100):
                        await self.compare_list(connection, query, limit, [it for it in expected if passing(it)])
            for cell in {recipient.cell for recipient in everything}:
                of_cell = {it: entries for it, entries in everything.items() if it.cell == cell}
                lookups = [
                    IdQuery(recipient, None, [entry.message_id for entry in entries])
                    for recipient, entries in of_cell.items()
                ]
                readings = await read_messages(connection, lookups, self.clock.now)
                assert [[state_of(message) for message in reading.messages] for reading in readings] == [
                    [entry[:4] for entry in entries] for entries in of_cell.values()
                ]

    async def compare_list(
        self, connection: Connection, query: EntryQuery, limit: int, expected: Iterable[Entry]
    ) -> None:
        """Read all pages of a list, each by one statement, and compare them."""
        listed: list[EntryMessage] = []
        while True:
            of_page = ListQuery(query.recipient, None, query.app_number, query.filter, query.before_id, limit)
            (reading,) = await read_lists(connection, [of_page], self.clock.now)
            if not reading.is_complete:
                assert len(reading.messages) <= limit
                return
            listed += reading.messages[:limit]
            if len(reading.messages) <= limit:
                break
            query = query._replace(before_id=reading.messages[limit - 1].id)
        assert [state_of(message) for message in listed] == [entry[:4] for entry in expected]
        assert all(message.kind == "text" and message.content for message in listed)

    async def compare_receipts(self) -> None:
        """Receipts include expired messages."""
        async with self.database.connection() as connection:
            for message_id, model_message in self.model.messages.items():
                message = await find_message(
                    connection, MessageKey(model_message.draft.platform.first_cell, message_id)
                )
                assert message is not None
                assert message.closed_at == model_message.closed_at
                assert message.delivered_chunks == (len(message.audience) if model_message.delivered else 0)
                expected = {
                    recipient.user_id: self.model.entries[recipient, message_id]
                    for recipient in self.model.recipients(message_id)
                    if model_message.delivered
                }
                in_order = sorted(message.platform.recipient(user_id) for user_id in expected)
                batches = [batch async for batch in receipts(connection, message)]
                stored_receipts = [receipt for batch in batches for receipt in batch.receipts]
                assert [receipt.user_id for receipt in stored_receipts] == [it.user_id for it in in_order]
                if message.platform.cells == 1:  # the chunks of several cells are not full
                    assert [receipt.cursor for receipt in stored_receipts] == [str(n + 1) for n in range(len(in_order))]
                assert {receipt.user_id: receipt.read_at for receipt in stored_receipts} == expected
                read = sum(at is not None for at in expected.values())
                assert await count_receipts(connection, [message]) == [
                    ReceiptTotals(message.receivers, len(expected), read)
                ]


def platform_of(draft: Draft) -> Platform:
    """Return the platform of a draft: a commit sends to one."""
    return draft.platform


def cell_of(change: StatusChange) -> int:
    """Return the cell of a status call: a commit has those of one."""
    return change.recipient.cell


def state_of(message: EntryMessage) -> tuple[int, int, int | None, bool]:
    """Return the entry of a message: its id, its app, when it was read and whether it is archived."""
    return message.id, message.app_number, message.read_at, message.archived


def test_mailboxes_behave_like_the_model(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
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
