"""A recipient's view of the mailbox: entries newest first, of all apps or of one."""

from collections.abc import AsyncIterator, Mapping
from typing import Literal, NamedTuple

import asyncpg

from msgcenter.database.database import Connection
from msgcenter.domain.account import Recipient
from msgcenter.domain.message_id import MAX_ID

Filter = Literal["all", "unread", "todo", "archived"]
_PAGES_AT_ONCE = 8

_PAGE_CONDITIONS: Mapping[Filter, str] = {
    "all": "true",
    "unread": "page.unread > 0",
    "todo": "page.open_approvals <> '{}'",
    "archived": "page.archived_ids <> '{}'",
}


class Entry(NamedTuple):
    """A message in a mailbox; `read_at` is ms since 1970 or None while unread. `is_open`: an undecided approval."""

    message_id: int
    app_number: int
    read_at: int | None
    archived: bool
    is_open: bool


class EntryQuery(NamedTuple):
    """Which entries of a mailbox to list: of one app or all (None), with message ids below `before_id`."""

    recipient: Recipient
    app_number: int | None = None
    filter: Filter = "all"
    before_id: int = MAX_ID


async def entries(connection: Connection, query: EntryQuery) -> AsyncIterator[Entry]:
    """Yield the entries that match the query, newest first.

    Pages overlap in time (each has one app, and a fan-out may be late). So an entry is yielded once no page that is
    still to be read can have a newer one.
    """
    buffer: list[Entry] = []
    async for page, next_last_id in _pages(connection, query):
        buffer.extend(entry for entry in _entries_of(page) if entry.message_id < query.before_id)
        buffer = [entry for entry in buffer if _matches(entry, query.filter)]
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
            select page.app_number, page.message_ids, page.read_at, page.archived_ids, page.open_approvals, page.last_id
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


def _entries_of(page: asyncpg.Record) -> list[Entry]:
    archived, is_open = set(page["archived_ids"]), set(page["open_approvals"])
    return [
        Entry(i, page["app_number"], at, i in archived, i in is_open)
        for i, at in zip(page["message_ids"], page["read_at"], strict=True)
        if at is None or at >= 0
    ]


def _matches(entry: Entry, filter_: Filter) -> bool:
    if filter_ == "todo":
        return entry.is_open  # archived approvals too: an approval stays open until it is decided
    if filter_ == "archived":
        return entry.archived
    return not entry.archived and (filter_ == "all" or entry.read_at is None)
