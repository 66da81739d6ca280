"""A recipient's view of the mailbox: entries newest first, of all apps or of one."""

from collections.abc import AsyncIterator, Collection, Mapping
from typing import Literal, NamedTuple

import asyncpg

from msgcenter.database.database import Connection
from msgcenter.database.statements import column_arrays
from msgcenter.domain.account import Recipient
from msgcenter.domain.message_id import MAX_ID
from msgcenter.store.mailboxes.pages import PageKey

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
            where page.user_id = $1
                and page.platform_code = $2
                and page.first_id < $3
                and ($4::int is null or page.app_number = $4)
                and {_PAGE_CONDITIONS[query.filter]}
            order by page.last_id desc, page.app_number, page.part
            limit $5
            offset $6
            """,
            *query.recipient,
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


async def find_entries(
    connection: Connection, keys: Collection[tuple[PageKey, int]]
) -> dict[tuple[Recipient, int], Entry]:
    """Return the entries with these page keys and message ids, by recipient and message id.

    Withdrawn entries and unknown ones are left out.
    """
    distinct = sorted(set(keys))
    rows = await connection.fetch(
        """
        select page.user_id, page.platform_code, key.message_id, page.app_number,
            (page.read_at)[array_position(page.message_ids, key.message_id)] as read_at,
            key.message_id = any(page.archived_ids) as archived,
            key.message_id = any(page.open_approvals) as is_open
        from unnest($1::text[], $2::text[], $3::int[], $4::int[], $5::bigint[])
            as key (user_id, platform_code, bucket, app_number, message_id)
        join mailbox_page as page
            on page.user_id = key.user_id
            and page.platform_code = key.platform_code
            and page.bucket = key.bucket
            and page.app_number = key.app_number
        where page.first_id <= key.message_id
            and page.last_id >= key.message_id
            and key.message_id = any(page.message_ids)
        """,
        *column_arrays((key for key, _ in distinct), len(PageKey._fields)),
        [message_id for _, message_id in distinct],
    )
    return {
        (Recipient(user_id, platform_code), message_id): Entry(message_id, app_number, read_at, archived, is_open)
        for user_id, platform_code, message_id, app_number, read_at, archived, is_open in rows
        if read_at is None or read_at >= 0
    }
