"""What users do with their mailboxes: list, search, count, set read and unread, archive."""

from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Sequence
from typing import NamedTuple

from msgcenter.actions.mailboxes.search import matcher
from msgcenter.actions.mailboxes.statuses import Statuses
from msgcenter.actions.mailboxes.user_tokens import Viewer
from msgcenter.database.database import Connection, Database, transactional
from msgcenter.database.group_commit import GroupCommit
from msgcenter.domain.account import Recipient
from msgcenter.domain.content import Kind
from msgcenter.domain.event import Listener, MailboxEvent, ignore_events
from msgcenter.domain.list_page import ListPage, cut_page
from msgcenter.domain.message import Message
from msgcenter.domain.message_id import MAX_ID, now_ms
from msgcenter.messaging.current_mailbox import count_current, current_mailbox, make_current, pulled_mailboxes
from msgcenter.messaging.set_status import lock_unread
from msgcenter.store.apps import apps
from msgcenter.store.mailboxes import read_states, reading
from msgcenter.store.mailboxes.entry_changes import set_archived
from msgcenter.store.mailboxes.mailbox_counts import AppCounts, app_counts
from msgcenter.store.mailboxes.pages import PageKey, page_key
from msgcenter.store.mailboxes.read_states import PageChange, change_pages
from msgcenter.store.mailboxes.reading import Entry, EntryQuery, Filter
from msgcenter.store.messages.messages import find_messages
from msgcenter.store.webhooks import outbox, webhooks

_SCANNED_ENTRIES = 2_000
"""A search request ends after this many entries; its cursor continues there."""
_SCANNED_CHARACTERS = 1_000_000
"""A search request also ends after this many characters of messages, which take their time to search."""
_LOADED_AT_ONCE = 200
_CHANGED_AT_ONCE = 1_000
_REPORTED_IDS = 1_000
"""Ids that `read_all` returns and publishes, at most."""


class AppName(NamedTuple):
    """The app that sent a message, as users see it. `is_platform` marks the one that sends announcements."""

    app_id: str
    name: str
    is_platform: bool


class InboxMessage(NamedTuple):
    """A message and its entry in one mailbox."""

    message: Message
    app: AppName
    entry: Entry


class AppUnread(NamedTuple):
    """An app and how many of its messages are unread (at least one)."""

    app: AppName
    unread: int


class InboxCounts(NamedTuple):
    """How many messages are unread and how many approvals are open, and the unread messages by app."""

    unread: int
    todo: int
    apps: list[AppUnread]


class InboxQuery(NamedTuple):
    """What to list. `text` is searched in titles, heads and contents; `before_id` is the bound of the last page.

    `Inbox.read_all` reads what all pages of the list show together and ignores `limit`.
    """

    filter: Filter = "all"
    app_id: str | None = None
    kind: Kind | None = None
    text: str | None = None
    before_id: int = MAX_ID
    limit: int = 30


class Inbox:
    """The inboxes of all users. A viewer sees and changes one mailbox, all of it or one app's part."""

    def __init__(
        self, database: Database, statuses: Statuses, *, waiting_limit: int, on_change: Listener = ignore_events
    ) -> None:
        self._database = database
        self._statuses = statuses
        self._on_change = on_change
        self._counts = GroupCommit(self._count, batch_weight=500, waiting_limit=waiting_limit)
        self._finds = GroupCommit(
            self._find, batch_weight=2_000, waiting_limit=waiting_limit, weigh=lambda query: len(query.message_ids)
        )

    def waiting(self) -> int:
        """Return how many calls wait for a shared query."""
        return self._counts.waiting + self._finds.waiting

    async def list_messages(self, viewer: Viewer, query: InboxQuery) -> ListPage[InboxMessage, int]:
        """Return up to `query.limit` messages, newest first. A page of a search may be short and still not the last."""
        async with current_mailbox(self._database, viewer.recipient, now_ms()) as connection:
            scope = await _app_scope(connection, viewer, query.app_id)
            if scope is None:
                return ListPage([], None)
            matches = matcher(query.kind, query.text)
            batch_size = query.limit + 1 if matches is None else _LOADED_AT_ONCE
            entries = reading.entries(
                connection, EntryQuery(viewer.recipient, scope.app_number, query.filter, query.before_id)
            )
            messages: list[InboxMessage] = []
            scanned = characters = 0
            async for batch in _batches(entries, batch_size):
                loaded = await self._load(connection, batch)
                messages += [shown for shown in loaded if matches is None or matches(shown.message)]
                if len(messages) > query.limit:
                    return cut_page(messages, query.limit, lambda shown: shown.entry.message_id)
                scanned += len(batch)
                characters += sum(len(shown.message.content) for shown in loaded)
                is_full = len(batch) == batch_size
                if is_full and (scanned >= _SCANNED_ENTRIES or characters >= _SCANNED_CHARACTERS):
                    return ListPage(messages, batch[-1].message_id)
            return ListPage(messages, None)

    async def find(self, viewer: Viewer, message_ids: Collection[int]) -> list[InboxMessage]:
        """Return those of the messages that are in the viewer's part of the mailbox."""
        return await self._finds.submit(_FindQuery(viewer.recipient, viewer.app_number, tuple(message_ids)))

    async def visible_ids(self, viewer: Viewer, message_ids: Collection[int]) -> list[int]:
        """Return those of the ids whose messages the viewer may know of, withdrawn ones included."""
        by_app = await self._ids_by_app(viewer, message_ids)
        return sorted(message_id for ids in by_app.values() for message_id in ids)

    async def counts(self, viewer: Viewer) -> InboxCounts:
        """Return the counts of the viewer's part of the mailbox."""
        all_counts = await self._counts.submit(viewer.recipient)
        seen = [counts for counts in all_counts if viewer.app_number in {None, counts.app.app_number}]
        return InboxCounts(
            unread=sum(counts.app.unread for counts in seen),
            todo=sum(counts.app.todo for counts in seen),
            apps=[AppUnread(counts.name, counts.app.unread) for counts in seen if counts.app.unread],
        )

    async def set_status(self, viewer: Viewer, message_ids: Collection[int], *, read: bool) -> list[int]:
        """Set messages read or unread; return the ids that the mailbox has."""
        by_app = await self._ids_by_app(viewer, message_ids)
        changed: list[int] = []
        for (app_number, has_events), ids in sorted(by_app.items()):
            missing = await self._statuses.set_own(
                viewer.recipient, app_number, frozenset(ids), read=read, with_events=has_events
            )
            changed += [message_id for message_id in ids if message_id not in missing]
        return changed

    async def read_all(self, viewer: Viewer, query: InboxQuery) -> list[int]:
        """Set all messages of a list read. Return the ids of those that were unread, at most the newest thousand."""
        if query.filter == "archived":
            return []  # archived messages are read
        is_whole = query.filter in {"all", "unread"} and matcher(query.kind, query.text) is None
        changed = await (self._read_up_to(viewer, query) if is_whole else self._read_matching(viewer, query))
        if changed:
            self._publish_status(viewer.recipient, changed[:_REPORTED_IDS])
        return changed[:_REPORTED_IDS]

    @transactional
    async def _read_up_to(self, connection: Connection, viewer: Viewer, query: InboxQuery) -> list[int]:
        """Read everything below an id, of one app or of all: no message needs to be looked at."""
        scope = await _app_scope(connection, viewer, query.app_id)
        if scope is None:
            return []
        now = now_ms()
        recipient = viewer.recipient
        await make_current(connection, recipient, now)
        apps_with_events = await outbox.apps_with_read_events(connection, recipient)
        ids = await read_states.set_read_up_to(connection, recipient, scope.app_number, query.before_id - 1, now)
        await outbox.record_read_by_user(connection, recipient, ids, apps_with_events, now)
        return ids

    async def _read_matching(self, viewer: Viewer, query: InboxQuery) -> list[int]:
        """Read what a query matches. The search takes no lock: it may be long in a large mailbox."""
        entries = await self._unread_matching(viewer, query)
        return await self._read_entries(viewer.recipient, entries) if entries else []

    async def _unread_matching(self, viewer: Viewer, query: InboxQuery) -> list[tuple[PageKey, int]]:
        """Return the unread entries that a query matches, as page keys and message ids, sorted.

        All of it is read from one snapshot. Otherwise pages that others change meanwhile would change places, and some
        would be skipped.
        """
        matches = matcher(query.kind, query.text)
        pages: Filter = "todo" if query.filter == "todo" else "unread"
        matching: list[Entry] = []
        async with (
            current_mailbox(self._database, viewer.recipient, now_ms()) as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            scope = await _app_scope(connection, viewer, query.app_id)
            if scope is None:
                return []
            entries = reading.entries(
                connection, EntryQuery(viewer.recipient, scope.app_number, pages, query.before_id)
            )
            unread = (entry async for entry in entries if entry.read_at is None)
            async for batch in _batches(unread, _LOADED_AT_ONCE):
                matching += await self._matching(connection, batch, matches)
        return sorted(
            (page_key(viewer.recipient, entry.message_id, entry.app_number), entry.message_id) for entry in matching
        )

    async def _matching(
        self, connection: Connection, entries: Sequence[Entry], matches: Callable[[Message], bool] | None
    ) -> list[Entry]:
        if matches is None:
            return list(entries)
        return [shown.entry for shown in await self._load(connection, entries) if matches(shown.message)]

    @transactional
    async def _read_entries(
        self, connection: Connection, recipient: Recipient, entries: Sequence[tuple[PageKey, int]]
    ) -> list[int]:
        """Set entries read. Return the ids of those that were still unread, newest first."""
        now = now_ms()
        apps_with_events = await outbox.apps_with_read_events(connection, recipient)
        ids: list[int] = []
        for start in range(0, len(entries), _CHANGED_AT_ONCE):
            ids_by_page = _ids_by_page(entries[start : start + _CHANGED_AT_ONCE])
            ids += await lock_unread(connection, ids_by_page, now)
            await _set_read(connection, ids_by_page, now)
        await outbox.record_read_by_user(connection, recipient, ids, apps_with_events, now)
        return sorted(ids, reverse=True)

    async def archive(self, viewer: Viewer, message_ids: Collection[int], *, archived: bool) -> list[int]:
        """Archive messages, which also reads them, or bring them back. Return the ids that the mailbox has."""
        entries = [
            (page_key(viewer.recipient, shown.message.id, shown.message.app_number), shown.message.id)
            for shown in await self.find(viewer, message_ids)
        ]
        if not entries:
            return []
        await self._set_archived(viewer.recipient, entries, archived=archived)
        ids = [message_id for _, message_id in entries]
        self._publish_status(viewer.recipient, ids)
        return ids

    @transactional
    async def _set_archived(
        self, connection: Connection, recipient: Recipient, entries: Sequence[tuple[PageKey, int]], *, archived: bool
    ) -> None:
        if archived:
            now = now_ms()
            ids_by_page = _ids_by_page(sorted(entries))
            apps_with_events = await outbox.apps_with_read_events(connection, recipient)
            was_unread = await lock_unread(connection, ids_by_page, now) if apps_with_events else []
            await _set_read(connection, ids_by_page, now)
            await outbox.record_read_by_user(connection, recipient, was_unread, apps_with_events, now)
        await set_archived(connection, entries, archived=archived)

    def _publish_status(self, recipient: Recipient, message_ids: Sequence[int]) -> None:
        self._on_change([MailboxEvent("status", recipient.platform_code, (recipient.user_id,), tuple(message_ids))])

    async def _ids_by_app(self, viewer: Viewer, message_ids: Collection[int]) -> dict[tuple[int, bool], list[int]]:
        """Return the messages that the viewer may know of, by app and whether its webhooks want status events."""
        by_app: dict[tuple[int, bool], list[int]] = {}
        async with self._database.connection() as connection:
            for owner in await webhooks.owners(connection, sorted(set(message_ids))):
                if viewer.app_number in {None, owner.app_number}:
                    by_app.setdefault((owner.app_number, owner.wants_status_events), []).append(owner.message_id)
        return by_app

    async def _load(self, connection: Connection, entries: Sequence[Entry]) -> list[InboxMessage]:
        ids = [entry.message_id for entry in entries]
        messages = {message.id: message for message in await find_messages(connection, ids)}
        names = await _app_names(connection, {message.app_number for message in messages.values()})
        return [
            InboxMessage(message, names[message.app_number], entry)
            for entry in entries
            if (message := messages.get(entry.message_id)) is not None
        ]

    async def _find(self, queries: "list[_FindQuery]") -> Sequence[list[InboxMessage]]:
        async with pulled_mailboxes(self._database, {query.recipient for query in queries}, now_ms()) as connection:
            ids = sorted({message_id for query in queries for message_id in query.message_ids})
            messages = {message.id: message for message in await find_messages(connection, ids)}
            names = await _app_names(connection, {message.app_number for message in messages.values()})
            keys = [
                (page_key(query.recipient, message_id, messages[message_id].app_number), message_id)
                for query in queries
                for message_id in query.message_ids
                if message_id in messages and query.app_number in {None, messages[message_id].app_number}
            ]
            entries = await reading.find_entries(connection, keys)
        now = now_ms()
        return [
            [
                InboxMessage(message, names[message.app_number], entry)
                for message_id in dict.fromkeys(query.message_ids)
                if (entry := entries.get((query.recipient, message_id))) is not None
                and ((message := messages[message_id]).expires_at is None or message.expires_at > now)
            ]
            for query in queries
        ]

    async def _count(self, recipients: list[Recipient]) -> "Sequence[list[_NamedCounts]]":
        distinct = sorted(set(recipients))
        now = now_ms()
        counts = await count_current(
            self._database, distinct, now, lambda connection: app_counts(connection, distinct, now)
        )
        async with self._database.connection() as connection:
            names = await _app_names(connection, {app.app_number for by_app in counts.values() for app in by_app})
        named = {
            recipient: [_NamedCounts(names[app.app_number], app) for app in by_app]
            for recipient, by_app in counts.items()
        }
        return [named[recipient] for recipient in recipients]


class _FindQuery(NamedTuple):
    """Messages to find in a mailbox, of one app or of all (None)."""

    recipient: Recipient
    app_number: int | None
    message_ids: tuple[int, ...]


class _NamedCounts(NamedTuple):
    name: AppName
    app: AppCounts


class _AppScope(NamedTuple):
    """The app whose messages are read, None for all."""

    app_number: int | None


async def _app_scope(connection: Connection, viewer: Viewer, app_id: str | None) -> _AppScope | None:
    """Return whose messages to read; None if they are of an app that the viewer does not see."""
    if app_id is None:
        return _AppScope(viewer.app_number)
    record = await apps.find_app(connection, app_id)
    if record is None or viewer.app_number not in {None, record.app.number}:
        return None
    return _AppScope(record.app.number)


async def _batches(entries: AsyncIterator[Entry], size: int) -> AsyncIterator[list[Entry]]:
    """Give the entries in lists of `size`; the last list may be shorter."""
    batch: list[Entry] = []
    async for entry in entries:
        batch.append(entry)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def _ids_by_page(entries: Iterable[tuple[PageKey, int]]) -> dict[PageKey, list[int]]:
    ids_by_page: dict[PageKey, list[int]] = defaultdict(list)
    for key, message_id in entries:
        ids_by_page[key].append(message_id)
    return ids_by_page


async def _set_read(connection: Connection, ids_by_page: dict[PageKey, list[int]], now: int) -> None:
    await change_pages(connection, {key: PageChange(read=ids) for key, ids in ids_by_page.items()}, now)


async def _app_names(connection: Connection, numbers: Collection[int]) -> dict[int, AppName]:
    if not numbers:
        return {}
    records = await apps.find_apps(connection, sorted(numbers))
    return {
        number: AppName(record.app.app_id, record.app.name, record.app.notices) for number, record in records.items()
    }
