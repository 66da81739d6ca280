"""What users look at most, in one statement: counts with a page of a list, and messages by their ids.

Each statement also tells whether the mailbox is current: whether it has something to pull, or expired entries. If so,
it must pull or be swept (`messaging.current_mailbox`), and is read again. The mailboxes of a statement, at least one,
are of one cell, and their messages are in the first cell of its platform.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import asyncpg
from msgspec import Struct, field
from msgspec.structs import replace

from msgcenter.database.database import Connection
from msgcenter.database.statements import column_arrays
from msgcenter.domain.account import Platform, Recipient
from msgcenter.domain.content import Kind
from msgcenter.domain.message_id import MAX_ID, bucket_of
from msgcenter.store.mailboxes.mailbox_statements import (
    COUNTS_ALONE,
    ENTRIES_BY_IDS,
    FIRST_COLUMN_OF_MESSAGE,
    LISTED_ENTRIES,
    LISTS_WITH_CONTENT,
    LISTS_WITHOUT_CONTENT,
    MESSAGE_COLUMNS,
    MESSAGES_BY_IDS,
    WOKEN_IDS,
)
from msgcenter.store.mailboxes.reading import WOKEN_FIRST, Filter

_FILTERS: Sequence[Filter] = ("all", "unread", "todo", "archived", "starred", "snoozed")
_NONE: frozenset[int] = frozenset()


class ListQuery(Struct, frozen=True, gc=False):
    """What to read of a mailbox: the counts of one app or of all (None), and a page of a list.

    The list has the newest `limit` entries with ids below `before_id`, of `listed_app` or of all apps. In a list of all
    or of unread ones, unread entries that have woken come first, the newest first: those below `woken_before_id`. Limit
    0 reads the counts alone.
    """

    recipient: Recipient
    counted_app: int | None = None
    listed_app: int | None = None
    filter: Filter = "all"
    before_id: int = MAX_ID
    limit: int = 0
    woken_before_id: int = MAX_ID


_EntryKey = tuple[int, str, int | None, int, int]
"""The place of a query, its user, an app or None, a bucket and a message id."""


class IdQuery(Struct, frozen=True, gc=False):
    """Which messages of a mailbox to read, of one app or of all (None)."""

    recipient: Recipient
    app_number: int | None
    message_ids: Sequence[int]


class AppCounts(Struct, frozen=True, gc=False):
    """The numbers of unread messages and of undecided approvals (`todo`) of one app."""

    app_number: int
    unread: int
    todo: int


class EntryMessage(Struct, frozen=True, gc=False):
    """A message in a mailbox, with its entry: all fields from `read_at` to `woken`. Times are ms since 1970.

    `snoozed_until` is when it wakes, None unless it is asleep. `woken` is whether it has woken and is unread.
    `kind` is None for an entry whose message retention has just removed. Two readings are equal if all fields before
    `content` are: it changes only with the version.
    """

    id: int
    app_number: int
    read_at: int | None
    archived: bool
    starred: bool
    snoozed_until: int | None
    woken: bool
    kind: Kind | None
    approval: bool
    sent_at: int
    updated_at: int | None
    reminded_at: int | None
    expires_at: int | None
    closed_at: int | None
    closed_by: str | None
    sender_name: str | None
    version: int
    content: str | None


class Reading(Struct):
    """A mailbox as one statement has read it.

    The messages of a list are in its order. It has one more than its limit, or several, if there are more. Unless it
    `is_complete`, it may lack entries: read it with `reading.entries` instead. `muted_apps` are their numbers.
    `woken_ids`, which come with counts, are the unread messages that have woken.
    """

    is_behind: bool = False
    has_expired: bool = False
    is_complete: bool = True
    muted_apps: frozenset[int] = _NONE
    has_woken: bool = False
    woken_ids: frozenset[int] = _NONE
    counts: list[AppCounts] = field(default_factory=list)
    messages: list[EntryMessage] = field(default_factory=list)

    @property
    def is_current(self) -> bool:
        """Whether the mailbox has nothing to pull, and no entry that has expired."""
        return not (self.is_behind or self.has_expired)


async def read_lists(
    connection: Connection, queries: Sequence[ListQuery], now: int, *, with_content: bool = True
) -> list[Reading]:
    """Return counts and a page of a list for each query, at `now` (ms since 1970).

    Without content, which is cheaper, `EntryMessage.content` is None. If no query has a list, nothing outside the cell
    of the mailboxes is read. Messages of another cell are read by a second statement, and so are those that have woken.
    """
    recipient = queries[0].recipient
    what_to_count = (
        recipient.cell,
        now,
        range(len(queries)),
        [query.recipient.user_id for query in queries],
        [query.counted_app for query in queries],
    )
    if not any(query.limit for query in queries):
        readings = _readings(await connection.fetch(COUNTS_ALONE, *what_to_count), [0] * len(queries))
        await _read_woken(connection, queries, readings, now)
        return readings
    has_messages = recipient.cell == recipient.platform.first_cell
    rows = await connection.fetch(
        (LISTS_WITH_CONTENT if with_content else LISTS_WITHOUT_CONTENT) if has_messages else LISTED_ENTRIES,
        *what_to_count,
        [query.listed_app for query in queries],
        [_FILTERS.index(query.filter) for query in queries],
        [query.before_id for query in queries],
        [query.limit + 1 if query.limit else 0 for query in queries],
    )
    readings = _readings(rows, [query.limit for query in queries])
    if not has_messages:
        ids = {message.id for reading in readings for message in reading.messages}
        found = await _messages_elsewhere(connection, recipient.platform, ids, with_content=with_content)
        for reading in readings:
            reading.messages = [_joined(entry, found.get(entry.id)) for entry in reading.messages]
    await _read_woken(connection, queries, readings, now)
    return readings


async def _read_woken(
    connection: Connection, queries: Sequence[ListQuery], readings: Sequence[Reading], now: int
) -> None:
    """Add what has woken to readings that have such: the ids, and the messages before the others in lists."""
    places = [place for place, reading in enumerate(readings) if reading.has_woken and reading.is_current]
    if not places:
        return
    ids: dict[int, list[int]] = {place: [] for place in places}
    for place, message_id in await connection.fetch(
        WOKEN_IDS,
        queries[0].recipient.cell,
        places,
        [queries[place].recipient.user_id for place in places],
        [queries[place].counted_app for place in places],
    ):
        ids[place].append(message_id)
    for place in places:
        query, reading = queries[place], readings[place]
        reading.woken_ids = frozenset(ids[place])
        below = [i for i in ids[place] if i < query.woken_before_id]
        if not (query.limit and below and query.filter in WOKEN_FIRST):
            continue
        app_number = query.counted_app if query.listed_app is None else query.listed_app
        (woken,) = await read_messages(connection, [IdQuery(query.recipient, app_number, below)], now)
        first = [message for message in woken.messages if message.woken and message.snoozed_until is None]
        reading.messages = [*first, *reading.messages]
        reading.is_complete = reading.is_complete or len(reading.messages) > query.limit


async def read_messages(connection: Connection, queries: Sequence[IdQuery], now: int) -> list[Reading]:
    """Return those of the messages that are in the mailboxes and have not expired at `now` (ms since 1970).

    They are in the order of the ids. Counts are not read, and no mailbox needs to be swept for it. Messages of another
    cell are read by a statement of their own.
    """
    recipient = queries[0].recipient
    keys: list[_EntryKey] = [
        (place, query.recipient.user_id, query.app_number, bucket_of(message_id), message_id)
        for place, query in enumerate(queries)
        for message_id in dict.fromkeys(query.message_ids)
    ]
    has_messages = recipient.cell == recipient.platform.first_cell
    found: dict[int, _MessageElsewhere] = {}
    if not has_messages:
        found = await _messages_elsewhere(connection, recipient.platform, {key[-1] for key in keys})
        keys = _keys_with_apps(keys, found, now)
    rows = await connection.fetch(
        MESSAGES_BY_IDS if has_messages else ENTRIES_BY_IDS,
        recipient.cell,
        range(len(queries)),
        [query.recipient.user_id for query in queries],
        *column_arrays(keys, 5),
        *((now,) if has_messages else ()),
    )
    readings = _readings(rows, [0] * len(queries))
    for query, reading in zip(queries, readings, strict=True):
        by_id = {message.id: _joined(_awake(message, now), found.get(message.id)) for message in reading.messages}
        reading.messages = [by_id[i] for i in dict.fromkeys(query.message_ids) if i in by_id]
    return readings


def _awake(entry: EntryMessage, now: int) -> EntryMessage:
    """Return an entry as sweeping its mailbox would show it."""
    if entry.snoozed_until is None or entry.snoozed_until > now:
        return entry
    return replace(entry, snoozed_until=None, woken=entry.read_at is None)


class _MessageElsewhere(NamedTuple):
    """A message in another cell than the mailbox. `columns` are those of an `EntryMessage` after its entry's."""

    app_number: int
    expires_at: int | None
    columns: Sequence[Any]


async def _messages_elsewhere(
    connection: Connection, platform: Platform, message_ids: Collection[int], *, with_content: bool = True
) -> dict[int, _MessageElsewhere]:
    if not message_ids:
        return {}
    rows = await connection.fetch(
        f"""
        select message.id, message.app_number, {MESSAGE_COLUMNS}, {"message.content" if with_content else "null::jsonb"}
        from message
        where message.cell = $1 and message.id = any($2)
        """,
        platform.first_cell,
        sorted(message_ids),
    )
    return {row["id"]: _MessageElsewhere(row["app_number"], row["expires_at"], tuple(row)[2:]) for row in rows}


def _joined(entry: EntryMessage, message: _MessageElsewhere | None) -> EntryMessage:
    return (
        entry
        if message is None
        else EntryMessage(
            entry.id,
            entry.app_number,
            entry.read_at,
            entry.archived,
            entry.starred,
            entry.snoozed_until,
            entry.woken,
            *message.columns,
        )
    )


def _keys_with_apps(keys: Iterable[_EntryKey], found: Mapping[int, _MessageElsewhere], now: int) -> list[_EntryKey]:
    """Return the keys of messages that were found, are of the app asked for, and have not expired; with their apps."""
    return [
        (place, user_id, message.app_number, bucket, message_id)
        for place, user_id, app_number, bucket, message_id in keys
        if (message := found.get(message_id)) is not None
        and app_number in {None, message.app_number}
        and (message.expires_at is None or message.expires_at > now)
    ]


_MARKS = FIRST_COLUMN_OF_MESSAGE + 4
_NO_MARKS = (False, None, False)


def _entry_message(row: asyncpg.Record) -> EntryMessage:
    columns: list[Any] = list(row[FIRST_COLUMN_OF_MESSAGE:])
    marks = row[_MARKS]
    starred, snoozed_until, woken = _NO_MARKS if marks is None else (marks[0] == 1, marks[1], marks[2] == 1)
    columns[_MARKS - FIRST_COLUMN_OF_MESSAGE : _MARKS - FIRST_COLUMN_OF_MESSAGE + 1] = (starred, snoozed_until, woken)
    return EntryMessage(*columns)


def _readings(rows: Iterable[asyncpg.Record], limits: Sequence[int]) -> list[Reading]:
    readings = [Reading() for _ in limits]
    floors: dict[int, int] = {}
    for row in rows:
        place = row[0]
        reading = readings[place]
        if row[1] is None:
            if row[7] is not None:
                floors[place] = row[7]
            if row[FIRST_COLUMN_OF_MESSAGE] is not None:
                reading.messages.append(_entry_message(row))
            continue
        reading.is_behind = row[1]
        if row[2]:
            reading.has_expired = True
        if row[5]:
            reading.muted_apps = frozenset(row[5])
        if row[6]:
            reading.has_woken = True
        if row[3] or row[4]:
            reading.counts.append(AppCounts(row[FIRST_COLUMN_OF_MESSAGE + 1], row[3], row[4]))
    for place in floors:
        readings[place].is_complete = len(readings[place].messages) > limits[place]
    return readings
