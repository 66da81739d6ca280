"""What users do with their mailboxes: read, search, set read and unread, archive."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any, NamedTuple

from msgcenter.actions.mailboxes.search import matcher
from msgcenter.actions.mailboxes.statuses import Statuses
from msgcenter.actions.mailboxes.user_tokens import Viewer
from msgcenter.database.database import Connection, Database
from msgcenter.database.group_commit import GroupCommit
from msgcenter.domain.account import Recipient
from msgcenter.domain.content import Kind
from msgcenter.domain.event import Listener, MailboxEvent, ignore_events
from msgcenter.domain.message import Message
from msgcenter.domain.message_id import now_ms
from msgcenter.messaging.pull import bring_up_to_date, pull, refresh
from msgcenter.messaging.set_status import lock_unread
from msgcenter.store.apps import apps as accounts
from msgcenter.store.mailboxes import pages as mailboxes
from msgcenter.store.mailboxes import reading
from msgcenter.store.mailboxes.pages import PageChange, PageKey, change_pages, page_key
from msgcenter.store.mailboxes.reading import Entry, Filter, Wanted
from msgcenter.store.messages.messages import find_messages
from msgcenter.store.webhooks import endpoints, outbox

_SCAN = 2_000
"""Entries that one search request looks through; its cursor goes on from there."""
_SCAN_CHARACTERS = 1_000_000
"""Characters of messages after which it ends as well: long ones take their time."""
_LOAD = 200
_CHANGED_LIMIT = 1_000
_CHANGED_AT_ONCE = 1_000


class AppName(NamedTuple):
    """The app that sent a message, as users see it; `is_platform` is the one that announcements are sent as."""

    app_id: str
    name: str
    is_platform: bool


class InboxMessage(NamedTuple):
    """A message as it stands in one mailbox."""

    message: Message
    app: AppName
    entry: Entry


class AppUnread(NamedTuple):
    """An app with unread messages."""

    app: AppName
    unread: int


class Counts(NamedTuple):
    """What waits for a user: unread messages, undecided approvals, and the unread of each app."""

    unread: int
    todo: int
    apps: list[AppUnread]


class InboxPage(NamedTuple):
    """Some messages, newest first; `next_before` is the id bound of the next page, None at the end."""

    messages: list[InboxMessage]
    next_before: int | None


class InboxQuery(NamedTuple):
    """What to list. `text` is looked for in titles, heads and contents; `before_id` is the last page's bound.

    All that the pages of a list show together is what `Inbox.read_all` reads; it takes no notice of `limit`.
    """

    filter: Filter = "all"
    app_id: str | None = None
    kind: Kind | None = None
    text: str | None = None
    before_id: int = (1 << 63) - 1
    limit: int = 30


class Inbox:
    """The inboxes of all users. A viewer sees and changes one mailbox, whole or one app's part of it."""

    def __init__(
        self, database: Database, statuses: Statuses, *, waiting_limit: int, on_change: Listener = ignore_events
    ) -> None:
        self._database = database
        self._statuses = statuses
        self._on_change = on_change
        self._counts = GroupCommit(self._count, batch_weight=500, waiting_limit=waiting_limit)
        self._finds = GroupCommit(
            self._find, batch_weight=2_000, waiting_limit=waiting_limit, weigh=lambda asked: len(asked.message_ids)
        )

    def waiting(self) -> int:
        """Return how many questions wait for a shared query."""
        return self._counts.waiting + self._finds.waiting

    async def list_messages(self, viewer: Viewer, query: InboxQuery) -> InboxPage:
        """Return up to `limit` messages, newest first. A page of a search may be short and still not the last."""
        await refresh(self._database, viewer.recipient, now_ms())
        async with self._database.connection() as connection:
            app = await _app_wanted(connection, viewer, query.app_id)
            if app is None:
                return InboxPage([], None)
            wanted = Wanted(viewer.recipient, app.number, query.filter, query.before_id)
            matches = matcher(query.kind, query.text)
            found: list[InboxMessage] = []
            batch: list[Entry] = []
            scanned = characters = 0
            size = query.limit + 1 if matches is None else _LOAD
            async for entry in reading.entries(connection, wanted):
                batch.append(entry)
                scanned += 1
                if len(batch) == size:
                    loaded = await self._load(connection, batch)
                    found += [shown for shown in loaded if matches is None or matches(shown.message)]
                    characters += sum(len(shown.message.content) for shown in loaded)
                    batch = []
                    if len(found) > query.limit or scanned >= _SCAN or characters >= _SCAN_CHARACTERS:
                        break
            else:
                loaded = await self._load(connection, batch)
                found += [shown for shown in loaded if matches is None or matches(shown.message)]
                if len(found) <= query.limit:
                    return InboxPage(found, None)
            if len(found) > query.limit:
                found = found[: query.limit]
                return InboxPage(found, found[-1].entry.message_id)
            return InboxPage(found, entry.message_id)

    async def find(self, viewer: Viewer, message_ids: Collection[int]) -> list[InboxMessage]:
        """Return those of the messages that the viewer may see and the mailbox has."""
        asked = _Asked(viewer.recipient, viewer.app_number, tuple(message_ids))
        return await self._finds.submit(asked)

    async def visible_ids(self, viewer: Viewer, message_ids: Collection[int]) -> list[int]:
        """Return those of the ids whose messages the viewer may know of, withdrawn ones included."""
        return sorted(i for ids in (await self._by_app(viewer, message_ids)).values() for i in ids)

    async def counts(self, viewer: Viewer) -> Counts:
        """Return what waits for the user in the part of the mailbox that the viewer sees."""
        counts = await self._counts.submit(viewer.recipient)
        seen = {number: app for number, app in counts.items() if viewer.app_number in {None, number}}
        return Counts(
            unread=sum(unread for unread, _, _ in seen.values()),
            todo=sum(todo for _, todo, _ in seen.values()),
            apps=[AppUnread(name, unread) for unread, _, name in seen.values() if unread],
        )

    async def set_status(self, viewer: Viewer, message_ids: Collection[int], *, read: bool) -> list[int]:
        """Set messages read or unread; return the ids that the mailbox has."""
        by_app = await self._by_app(viewer, message_ids)
        changed: list[int] = []
        for (app_number, has_events), ids in sorted(by_app.items()):
            missing = await self._statuses.set_own(
                viewer.recipient, app_number, frozenset(ids), read=read, with_events=has_events
            )
            changed += [i for i in ids if i not in missing]
        return changed

    async def read_all(self, viewer: Viewer, query: InboxQuery) -> list[int]:
        """Read all that the pages of a list show; return what was unread, the newest thousand of it."""
        if query.filter == "archived":
            return []  # whatever is archived is read
        is_all = query.filter in {"all", "unread"} and matcher(query.kind, query.text) is None
        changed = await (self._read_up_to(viewer, query) if is_all else self._read_found(viewer, query))
        if changed:
            self._tell("status", viewer.recipient, changed[:_CHANGED_LIMIT])
        return changed[:_CHANGED_LIMIT]

    async def _read_up_to(self, viewer: Viewer, query: InboxQuery) -> list[int]:
        """Read everything below an id, of one app or all that the viewer sees: no message needs to be looked at."""

        async def write(connection: Connection) -> list[int]:
            app = await _app_wanted(connection, viewer, query.app_id)
            if app is None:
                return []
            now = now_ms()
            await pull(connection, [viewer.recipient], now)
            await mailboxes.sweep_expired(connection, [viewer.recipient], now)
            told = await outbox.apps_told_of_reading(connection, viewer.recipient)
            ids = await reading.read_up_to(connection, viewer.recipient, app.number, query.before_id - 1, now)
            await outbox.record_read_by_user(connection, viewer.recipient, ids, told, now)
            return ids

        return await self._database.in_transaction(write)

    async def _read_found(self, viewer: Viewer, query: InboxQuery) -> list[int]:
        """Read what a query finds. It is found before anything is locked: that may take a while in a large mailbox."""
        await refresh(self._database, viewer.recipient, now_ms())
        keys = await self._unread_keys(viewer, query)

        async def write(connection: Connection) -> list[int]:
            now = now_ms()
            told = await outbox.apps_told_of_reading(connection, viewer.recipient)
            ids: list[int] = []
            for start in range(0, len(keys), _CHANGED_AT_ONCE):
                pages = _by_page(keys[start : start + _CHANGED_AT_ONCE])
                ids += await lock_unread(connection, pages, now)
                await change_pages(connection, {key: PageChange(read=page) for key, page in pages.items()}, now)
            await outbox.record_read_by_user(connection, viewer.recipient, ids, told, now)
            return sorted(ids, reverse=True)

        return await self._database.in_transaction(write) if keys else []

    async def _unread_keys(self, viewer: Viewer, query: InboxQuery) -> list[tuple[PageKey, int]]:
        """Return the unread entries that a query finds, as page keys and message ids, sorted.

        One view of the database serves all of it: pages that others change meanwhile would shift those behind them.
        """
        matches = matcher(query.kind, query.text)
        found: list[Entry] = []
        async with (
            self._database.connection() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            app = await _app_wanted(connection, viewer, query.app_id)
            if app is None:
                return []
            pages: Filter = "todo" if query.filter == "todo" else "unread"
            batch: list[Entry] = []
            async for entry in reading.entries(
                connection, Wanted(viewer.recipient, app.number, pages, query.before_id)
            ):
                if entry.read_at is not None:
                    continue
                batch.append(entry)
                if len(batch) == _LOAD:
                    found += await self._matching(connection, batch, matches)
                    batch = []
            found += await self._matching(connection, batch, matches)
        return sorted((page_key(viewer.recipient, one.message_id, one.app_number), one.message_id) for one in found)

    async def _matching(
        self, connection: Connection, entries: Sequence[Entry], matches: Callable[[Message], bool] | None
    ) -> list[Entry]:
        if matches is None:
            return list(entries)
        return [shown.entry for shown in await self._load(connection, entries) if matches(shown.message)]

    async def archive(self, viewer: Viewer, message_ids: Collection[int], *, archived: bool) -> list[int]:
        """Put messages out of sight, read, or back; return the ids that the mailbox has."""
        found = await self.find(viewer, message_ids)
        keys = [(page_key(viewer.recipient, one.message.id, one.message.app_number), one.message.id) for one in found]
        ids = [message_id for _, message_id in keys]
        if not ids:
            return ids

        async def write(connection: Connection) -> None:
            if archived:
                pages = _by_page(sorted(keys))
                now = now_ms()
                told = await outbox.apps_told_of_reading(connection, viewer.recipient)
                was_unread = await lock_unread(connection, pages, now) if told else []
                await change_pages(connection, {key: PageChange(read=ids) for key, ids in pages.items()}, now)
                await outbox.record_read_by_user(connection, viewer.recipient, was_unread, told, now)
            await reading.set_archived(connection, keys, archived=archived)

        await self._database.in_transaction(write)
        self._tell("status", viewer.recipient, ids)
        return ids

    def _tell(self, kind: Any, recipient: Recipient, message_ids: Sequence[int]) -> None:
        self._on_change([MailboxEvent(kind, recipient.platform_code, (recipient.user_id,), tuple(message_ids))])

    async def _by_app(self, viewer: Viewer, message_ids: Collection[int]) -> dict[tuple[int, bool], list[int]]:
        """Return the messages that the viewer may know of, by their app and whether it is told of changes."""
        by_app: dict[tuple[int, bool], list[int]] = {}
        async with self._database.connection() as connection:
            for owner in await endpoints.owners(connection, sorted(set(message_ids))):
                if viewer.app_number in {None, owner.app_number}:
                    by_app.setdefault((owner.app_number, owner.told), []).append(owner.message_id)
        return by_app

    async def _load(self, connection: Connection, entries: Sequence[Entry]) -> list[InboxMessage]:
        found = {message.id: message for message in await find_messages(connection, [e.message_id for e in entries])}
        names = await _names(connection, {message.app_number for message in found.values()})
        return [
            InboxMessage(message, names[message.app_number], entry)
            for entry in entries
            if (message := found.get(entry.message_id)) is not None
        ]

    async def _find(self, asked: "list[_Asked]") -> Sequence[list[InboxMessage]]:
        await bring_up_to_date(self._database, {one.recipient for one in asked}, now_ms())
        async with self._database.connection() as connection:
            ids = sorted({i for one in asked for i in one.message_ids})
            found = {message.id: message for message in await find_messages(connection, ids)}
            names = await _names(connection, {message.app_number for message in found.values()})
            keys = [
                (page_key(one.recipient, i, found[i].app_number), i)
                for one in asked
                for i in one.message_ids
                if i in found and one.app_number in {None, found[i].app_number}
            ]
            entries = await reading.find_entries(connection, keys)
        now = now_ms()
        return [
            [
                InboxMessage(message, names[message.app_number], entry)
                for i in dict.fromkeys(one.message_ids)
                if (entry := entries.get((one.recipient, i))) is not None
                and ((message := found[i]).expires_at is None or message.expires_at > now)
            ]
            for one in asked
        ]

    async def _count(self, recipients: list[Recipient]) -> "Sequence[dict[int, tuple[int, int, AppName]]]":
        distinct = sorted(set(recipients))
        now = now_ms()
        await bring_up_to_date(self._database, distinct, now)
        async with self._database.connection() as connection:
            counts, stale = await reading.app_counts(connection, distinct, now)
        if stale:

            async def sweep(connection: Connection) -> None:
                await mailboxes.sweep_expired(connection, sorted(stale), now)

            await self._database.in_transaction(sweep)
        async with self._database.connection() as connection:
            if stale:
                counts, _ = await reading.app_counts(connection, distinct, now)
            names = await _names(connection, {app.app_number for apps in counts.values() for app in apps})
        return [
            {app.app_number: (app.unread, app.todo, names[app.app_number]) for app in counts[recipient]}
            for recipient in recipients
        ]


class _Asked(NamedTuple):
    recipient: Recipient
    app_number: int | None
    message_ids: tuple[int, ...]


class _AppWanted(NamedTuple):
    """The number of the app whose messages are wanted, None for all."""

    number: int | None


async def _app_wanted(connection: Connection, viewer: Viewer, app_id: str | None) -> _AppWanted | None:
    """Return which app's messages are wanted; None if it is one that the viewer does not see."""
    if app_id is None:
        return _AppWanted(viewer.app_number)
    record = await accounts.find_app(connection, app_id)
    if record is None or viewer.app_number not in {None, record.app.number}:
        return None
    return _AppWanted(record.app.number)


def _by_page(keys: Iterable[tuple[PageKey, int]]) -> dict[PageKey, list[int]]:
    pages: dict[PageKey, list[int]] = defaultdict(list)
    for key, message_id in keys:
        pages[key].append(message_id)
    return pages


async def _names(connection: Connection, numbers: Collection[int]) -> dict[int, AppName]:
    if not numbers:
        return {}
    found = await accounts.find_apps(connection, sorted(numbers))
    return {number: AppName(record.app.app_id, record.app.name, record.app.notices) for number, record in found.items()}
