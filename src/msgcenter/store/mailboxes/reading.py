"""A recipient's view of the mailbox: entries newest first, of all apps or of one.

In lists of all and of unread entries, unread ones that have woken come first.
"""

from collections.abc import AsyncIterator, Collection, Mapping
from typing import Literal, NamedTuple

import asyncpg

from msgcenter.database.database import Connection
from msgcenter.domain.account import Recipient
from msgcenter.domain.message_id import MAX_ID

Filter = Literal["all", "unread", "todo", "archived", "starred", "snoozed"]
WOKEN_FIRST: Collection[Filter] = frozenset({"all", "unread"})
"""The lists that begin with entries that have woken."""
_PAGES_AT_ONCE = 8

_PAGE_CONDITIONS: Mapping[Filter, str] = {
    "all": "true",
    "unread": "page.unread > 0",
    "todo": "page.open_approvals <> '{}'",
    "archived": "page.archived_ids <> '{}'",
    "starred": "page.starred_ids <> '{}'",
    "snoozed": "page.snoozed_ids <> '{}'",
}
_COLUMNS = """
    page.app_number, page.message_ids, page.read_at, page.archived_ids, page.open_approvals, page.hidden_ids,
    page.snoozed_ids, page.snoozed_until, page.woken_ids, page.starred_ids, page.last_id
"""


class Entry(NamedTuple):
    """A message in a mailbox; `read_at` is ms since 1970 or None while unread. `is_open`: an undecided approval.

    `snoozed_until` is ms since 1970, None unless it is asleep. `woken` is whether it has woken and is unread.
    """

    message_id: int
    app_number: int
    read_at: int | None
    archived: bool
    starred: bool
    snoozed_until: int | None
    woken: bool
    is_open: bool


class EntryQuery(NamedTuple):
    """Which entries of a mailbox to list: of one app or all (None), with message ids below `before_id`.

    Of those that have woken, which come first in some lists: with message ids below `woken_before_id`.
    """

    recipient: Recipient
    app_number: int | None = None
    filter: Filter = "all"
    before_id: int = MAX_ID
    woken_before_id: int = MAX_ID


async def entries(connection: Connection, query: EntryQuery) -> AsyncIterator[Entry]:
    """Yield the entries that match the query, newest first; before them, those that have woken, if they come first.

    Pages overlap in time (each has one app, and a fan-out may be late). So an entry is yielded once no page that is
    still to be read can have a newer one.
    """
    if query.filter in WOKEN_FIRST and query.woken_before_id > 0:
        for entry in await _woken_entries(connection, query):
            yield entry
    buffer: list[Entry] = []
    async for page, next_last_id in _pages(connection, query):
        buffer.extend(
            entry for entry in _entries_of(page) if entry.message_id < query.before_id and _matches(entry, query.filter)
        )
        buffer.sort(reverse=True)
        while buffer and buffer[0].message_id > next_last_id:
            yield buffer.pop(0)


async def received_ids(connection: Connection, query: EntryQuery) -> AsyncIterator[int]:
    """Yield the ids of all messages that a mailbox has ever received, newest first: also withdrawn and expired ones."""
    buffer: list[int] = []
    async for page, next_last_id in _pages(connection, query):
        buffer = sorted([*buffer, *(i for i in page["message_ids"] if i < query.before_id)], reverse=True)
        while buffer and buffer[0] > next_last_id:
            yield buffer.pop(0)


async def _pages(connection: Connection, query: EntryQuery) -> AsyncIterator[tuple[asyncpg.Record, int]]:
    """Yield the pages that may have matching entries, by their last id, each with the last id of the next page."""
    offset = 0
    while True:
        rows = await connection.fetch(
            f"""
            select {_COLUMNS}
            from mailbox_page as page
            where page.cell = $1
                and page.user_id = $2
                and page.first_id < $3
                and ($4::int is null or page.app_number = $4)
                and {_PAGE_CONDITIONS[query.filter]}
            order by page.last_id desc, page.app_number, page.part
            limit $5
            offset $6
            """,
            query.recipient.cell,
            query.recipient.user_id,
            query.before_id,
            query.app_number,
            _PAGES_AT_ONCE + 1,
            offset,
        )
        for row, next_row in zip(rows[:_PAGES_AT_ONCE], [*rows[1:], None], strict=False):
            yield row, -1 if next_row is None else next_row["last_id"]
        if len(rows) <= _PAGES_AT_ONCE:
            return
        offset += _PAGES_AT_ONCE


async def _woken_entries(connection: Connection, query: EntryQuery) -> list[Entry]:
    rows = await connection.fetch(
        f"""
        select {_COLUMNS}
        from mailbox_page as page
        where page.cell = $1
            and page.user_id = $2
            and ($3::int is null or page.app_number = $3)
            and page.unread > 0
            and page.woken_ids is not null
        """,
        query.recipient.cell,
        query.recipient.user_id,
        query.app_number,
    )
    listed = (entry for page in rows for entry in _entries_of(page) if _is_first(entry))
    return sorted((entry for entry in listed if entry.message_id < query.woken_before_id), reverse=True)


def _entries_of(page: asyncpg.Record) -> list[Entry]:
    """Return the entries of a page that are neither withdrawn nor deleted."""
    archived, is_open = set(page["archived_ids"]), set(page["open_approvals"])
    starred, woken = set(page["starred_ids"] or ()), set(page["woken_ids"] or ())
    asleep = dict(zip(page["snoozed_ids"] or (), page["snoozed_until"] or (), strict=True))
    deleted = set(page["hidden_ids"] or ()) - asleep.keys()
    return [
        Entry(
            i,
            page["app_number"],
            at,
            i in archived,
            i in starred,
            asleep.get(i),
            at is None and i in woken,
            i in is_open,
        )
        for i, at in zip(page["message_ids"], page["read_at"], strict=True)
        if (at is None or at >= 0) and i not in deleted
    ]


def _is_first(entry: Entry) -> bool:
    return entry.woken and entry.snoozed_until is None


def _matches(entry: Entry, filter_: Filter) -> bool:
    """Return whether a list has an entry, besides those that have woken and come first."""
    if filter_ == "snoozed":
        return entry.snoozed_until is not None
    if entry.snoozed_until is not None:
        return False
    if filter_ == "todo":
        return entry.is_open  # archived approvals too: an approval stays open until it is decided
    if filter_ == "archived":
        return entry.archived
    if filter_ == "starred":
        return entry.starred
    return not entry.archived and not entry.woken and (filter_ == "all" or entry.read_at is None)
