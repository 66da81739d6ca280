"""What users look at: lists, counts, single messages. Calls of a cell that wait together share one statement."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import Generic, NamedTuple, TypeVar

from msgspec import Struct

from msgcenter.actions.mailboxes import inbox_search
from msgcenter.actions.mailboxes.inbox_views import (
    AppUnread,
    InboxCounts,
    InboxList,
    InboxMessage,
    InboxQuery,
    ListCursor,
)
from msgcenter.actions.mailboxes.search import matcher
from msgcenter.actions.mailboxes.user_tokens import AppName, Viewer
from msgcenter.database.database import Database
from msgcenter.database.group_commit import CellCommits
from msgcenter.domain.list_page import ListPage
from msgcenter.domain.message_id import now_ms
from msgcenter.messaging.current_mailbox import read_current
from msgcenter.store.apps import apps
from msgcenter.store.mailboxes import mailbox_reads
from msgcenter.store.mailboxes.mailbox_reads import EntryMessage, IdQuery, ListQuery, Reading

Query = TypeVar("Query", ListQuery, IdQuery)

_BATCH_WEIGHT = 2_000
"""Rows that one statement returns, about."""
_NO_MESSAGES: ListPage[InboxMessage, ListCursor] = ListPage([], None)


class AppScope(NamedTuple):
    """The app whose messages are read, None for all."""

    app_number: int | None


class InboxReads:
    """Reads the inboxes of all users. A viewer sees one mailbox, all of it or one app's part."""

    def __init__(self, database: Database, *, waiting_limit: int) -> None:
        self._database = database
        lists, states = (
            CellCommits(
                partial(self._read_lists, with_content=with_content),
                batch_weight=_BATCH_WEIGHT,
                waiting_limit=waiting_limit,
                weigh=lambda look: look.query.limit + 1,
            )
            for with_content in (True, False)
        )
        self._lists: CellCommits[_Look[ListQuery], _Seen] = lists
        self._states: CellCommits[_Look[ListQuery], _Seen] = states
        self._finds: CellCommits[_Look[IdQuery], _Seen] = CellCommits(
            self._find,
            batch_weight=_BATCH_WEIGHT,
            waiting_limit=waiting_limit,
            weigh=lambda look: len(look.query.message_ids),
        )

    def waiting(self) -> int:
        """Return how many calls wait for a shared query."""
        return self._lists.waiting + self._states.waiting + self._finds.waiting

    async def read_list(self, viewer: Viewer, query: InboxQuery, *, with_content: bool = True) -> InboxList:
        """Return up to `query.limit` messages, newest first, and the counts.

        A page of a search may be short and still not the last. Without content, which is cheaper, a list that is no
        search has messages without their contents.
        """
        scope = await self.scope_of(viewer, query.app_id)
        is_search = matcher(query.kind, query.text) is not None
        if scope is None or is_search:
            page = _NO_MESSAGES if scope is None else await self._search(viewer, scope, query)
            seen = await self._look(viewer)
            return InboxList(page, _counts_of(viewer, seen), has_content=True, woken_ids=seen.reading.woken_ids)
        list_query = ListQuery(
            viewer.recipient,
            viewer.app_number,
            scope.app_number,
            query.filter,
            query.before_id,
            query.limit,
            query.woken_before_id,
        )
        look = _Look(list_query, _needs_names(viewer))
        seen = await (self._lists if with_content else self._states).submit(viewer.recipient.cell, look)
        reading = seen.reading
        counts = _counts_of(viewer, seen)
        if not reading.is_complete:
            page = await self._search(viewer, scope, query)
            return InboxList(page, counts, has_content=True, woken_ids=reading.woken_ids)
        messages = reading.messages[: query.limit]
        is_last = len(reading.messages) <= query.limit
        next_cursor = None if is_last else ListCursor.after(query.filter, messages[-1].id, woken=messages[-1].woken)
        page = ListPage(_shown(viewer, messages, seen), next_cursor)
        return InboxList(page, counts, with_content, reading.woken_ids)

    async def list_messages(self, viewer: Viewer, query: InboxQuery) -> ListPage[InboxMessage, ListCursor]:
        """Return up to `query.limit` messages, as `read_list` does."""
        return (await self.read_list(viewer, query)).page

    async def counts(self, viewer: Viewer) -> InboxCounts:
        """Return the counts of the viewer's part of the mailbox."""
        return _counts_of(viewer, await self._look(viewer))

    async def counts_and_woken(self, viewer: Viewer) -> tuple[InboxCounts, frozenset[int]]:
        """Return the counts of the viewer's part of the mailbox, and the unread messages in it that have woken."""
        seen = await self._look(viewer)
        return _counts_of(viewer, seen), seen.reading.woken_ids

    async def _look(self, viewer: Viewer) -> "_Seen":
        look = _Look(ListQuery(viewer.recipient, viewer.app_number), _needs_names(viewer))
        return await self._states.submit(viewer.recipient.cell, look)

    async def find(self, viewer: Viewer, message_ids: Collection[int]) -> list[InboxMessage]:
        """Return those of the messages that are in the viewer's part of the mailbox, also those that are asleep."""
        look = _Look(IdQuery(viewer.recipient, viewer.app_number, tuple(message_ids)), _needs_names(viewer))
        seen = await self._finds.submit(viewer.recipient.cell, look)
        return _shown(viewer, seen.reading.messages, seen)

    async def scope_of(self, viewer: Viewer, app_id: str | None) -> AppScope | None:
        """Return whose messages a list shows; None if they are of an app that the viewer does not see."""
        if app_id is None:
            return AppScope(viewer.app_number)
        if not _needs_names(viewer):
            return AppScope(viewer.app_number) if viewer.app_name and viewer.app_name.app_id == app_id else None
        async with self._database.connection() as connection:
            record = await apps.find_app(connection, app_id)
        if record is None or viewer.app_number not in {None, record.app.number}:
            return None
        return AppScope(record.app.number)

    async def _search(self, viewer: Viewer, scope: AppScope, query: InboxQuery) -> ListPage[InboxMessage, ListCursor]:
        return await inbox_search.search(self._database, viewer.recipient, scope.app_number, query)

    async def _read_lists(self, looks: "list[_Look[ListQuery]]", *, with_content: bool) -> "list[_Seen]":
        now = now_ms()
        readings = await read_current(
            self._database,
            [look.query for look in looks],
            now,
            partial(mailbox_reads.read_lists, now=now, with_content=with_content),
        )
        return await self._named(looks, readings)

    async def _find(self, looks: "list[_Look[IdQuery]]") -> "list[_Seen]":
        now = now_ms()
        readings = await read_current(
            self._database, [look.query for look in looks], now, partial(mailbox_reads.read_messages, now=now)
        )
        return await self._named(looks, readings)

    async def _named(
        self, looks: "Sequence[_Look[ListQuery] | _Look[IdQuery]]", seen: Iterable[Reading]
    ) -> "list[_Seen]":
        """Return readings with the names of their apps, which are read once for all of them."""
        pairs = list(zip(looks, seen, strict=True))
        readings = [reading for look, reading in pairs if look.needs_names]
        numbers = {counts.app_number for reading in readings for counts in reading.counts}
        numbers |= {message.app_number for reading in readings for message in reading.messages}
        numbers |= {number for reading in readings for number in reading.muted_apps}
        names: dict[int, AppName] = {}
        if numbers:
            async with self._database.connection() as connection:
                records = await apps.find_apps(connection, sorted(numbers))
            names = {number: AppName.of(record.app) for number, record in records.items()}
        return [_Seen(reading, names) for _, reading in pairs]


class _Look(Struct, Generic[Query], frozen=True, gc=False):
    """What a call waits for, and whether it needs the names of apps: a viewer of one app knows its name."""

    query: Query
    needs_names: bool


class _Seen(Struct, frozen=True, gc=False):
    """A reading and the names of apps by their numbers."""

    reading: Reading
    names: Mapping[int, AppName]


def _needs_names(viewer: Viewer) -> bool:
    return viewer.app_number is None or viewer.app_name is None


def _shown(viewer: Viewer, messages: list[EntryMessage], seen: _Seen) -> list[InboxMessage]:
    """Return messages with the names of their apps, without those that retention has just removed."""
    own_name = None if viewer.app_number is None else viewer.app_name
    names, muted = seen.names, seen.reading.muted_apps
    return [
        InboxMessage(message, own_name or names[message.app_number], message.app_number in muted)
        for message in messages
        if message.kind is not None
    ]


def _counts_of(viewer: Viewer, seen: _Seen) -> InboxCounts:
    own_name = None if viewer.app_number is None else viewer.app_name
    reading, muted = seen.reading, seen.reading.muted_apps
    unread = {counts.app_number: counts.unread for counts in reading.counts if counts.unread}
    listed = unread.keys() | (muted if viewer.app_number is None else muted & {viewer.app_number})
    return InboxCounts(
        unread=sum(number for app_number, number in unread.items() if app_number not in muted),
        todo=sum(counts.todo for counts in reading.counts if counts.app_number not in muted),
        apps=[
            AppUnread(own_name or seen.names[app_number], unread.get(app_number, 0), app_number in muted)
            for app_number in sorted(listed)
        ],
    )
