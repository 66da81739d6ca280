"""What users look at most, in one statement: counts with a page of a list, and messages by their ids.

Each statement also tells whether the mailbox is current: whether it has something to pull, or expired entries. If so,
it must pull or be swept (`messaging.current_mailbox`), and is read again. The mailboxes of a statement, at least one,
are of one cell, and their messages are in the first cell of its platform.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import asyncpg
from msgspec import Struct, field

from msgcenter.database.database import Connection
from msgcenter.database.statements import column_arrays
from msgcenter.domain.account import Platform, Recipient
from msgcenter.domain.content import Kind
from msgcenter.domain.message_id import MAX_ID, bucket_of
from msgcenter.store.mailboxes.feed import has_pulled
from msgcenter.store.mailboxes.reading import Filter

_FILTERS: Sequence[Filter] = ("all", "unread", "todo", "archived")
_CANDIDATE_PAGES = 8
"""Pages that are searched for the entries of a list. More are needed only if nearly all their entries are withdrawn, or
if messages of more apps than this arrive in turn: then the reading is not complete."""


class ListQuery(Struct, frozen=True, gc=False):
    """What to read of a mailbox: the counts of one app or of all (None), and a page of a list.

    The list has the newest `limit` entries with ids below `before_id`, of `listed_app` or of all apps. Limit 0 reads
    the counts alone.
    """

    recipient: Recipient
    counted_app: int | None = None
    listed_app: int | None = None
    filter: Filter = "all"
    before_id: int = MAX_ID
    limit: int = 0


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
    """A message in a mailbox, with its entry: `read_at` and `archived`. Times are ms since 1970.

    `kind` is None for an entry whose message retention has just removed. Two readings are equal if all fields before
    `content` are: it changes only with the version.
    """

    id: int
    app_number: int
    read_at: int | None
    archived: bool
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

    The messages of a list are newest first. It has one more than its limit if there are more. Unless it `is_complete`,
    it may lack entries: read it with `reading.entries` instead.
    """

    is_behind: bool = False
    has_expired: bool = False
    is_complete: bool = True
    counts: list[AppCounts] = field(default_factory=list)
    messages: list[EntryMessage] = field(default_factory=list)

    @property
    def is_current(self) -> bool:
        """Whether the mailbox has nothing to pull, and no entry that has expired."""
        return not (self.is_behind or self.has_expired)


# A row is of a mailbox (one for each app that is counted, at least one) or of an entry. The columns of an entry that
# make an `EntryMessage` begin here.
_FIRST_COLUMN_OF_MESSAGE = 6
_NO_MESSAGE = """
    null::bigint, null::boolean, null::text, null::boolean, null::bigint, null::bigint, null::bigint, null::bigint,
    null::bigint, null::text, null::text, null::int, null::jsonb
"""
_NO_COLUMNS = "null, null, null, null, null, null, null, null, null, null, null"
_MESSAGE = """
    message.kind, message.approval, coalesce(message.send_at, message.created_at), message.updated_at,
    message.reminded_at, message.expires_at, message.closed_at, message.closed_by, message.sender_name,
    message.version
"""


async def read_lists(
    connection: Connection, queries: Sequence[ListQuery], now: int, *, with_content: bool = True
) -> list[Reading]:
    """Return counts and a page of a list for each query, at `now` (ms since 1970).

    Without content, which is cheaper, `EntryMessage.content` is None. If no query has a list, nothing outside the cell
    of the mailboxes is read. Messages of another cell are read by a second statement.
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
        return _readings(await connection.fetch(_COUNTS_ALONE, *what_to_count), [0] * len(queries))
    has_messages = recipient.cell == recipient.platform.first_cell
    rows = await connection.fetch(
        (_LISTS_WITH_CONTENT if with_content else _LISTS_WITHOUT_CONTENT) if has_messages else _LISTED_ENTRIES,
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
    return readings


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
        _MESSAGES if has_messages else _ENTRIES_OF_MESSAGES,
        recipient.cell,
        range(len(queries)),
        [query.recipient.user_id for query in queries],
        *column_arrays(keys, 5),
        *((now,) if has_messages else ()),
    )
    readings = _readings(rows, [0] * len(queries))
    for query, reading in zip(queries, readings, strict=True):
        by_id = {message.id: _joined(message, found.get(message.id)) for message in reading.messages}
        reading.messages = [by_id[i] for i in dict.fromkeys(query.message_ids) if i in by_id]
    return readings


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
        select message.id, message.app_number, {_MESSAGE}, {"message.content" if with_content else "null::jsonb"}
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
        else EntryMessage(entry.id, entry.app_number, entry.read_at, entry.archived, *message.columns)
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


def _readings(rows: Iterable[asyncpg.Record], limits: Sequence[int]) -> list[Reading]:
    readings = [Reading() for _ in limits]
    floors: dict[int, int] = {}
    for row in rows:
        place = row[0]
        reading = readings[place]
        if row[1] is None:
            if row[5] is not None:
                floors[place] = row[5]
            if row[_FIRST_COLUMN_OF_MESSAGE] is not None:
                reading.messages.append(EntryMessage(*row[_FIRST_COLUMN_OF_MESSAGE:]))
            continue
        reading.is_behind = row[1]
        if row[2]:
            reading.has_expired = True
        if row[3] or row[4]:
            reading.counts.append(AppCounts(row[_FIRST_COLUMN_OF_MESSAGE + 1], row[3], row[4]))
    for place in floors:
        readings[place].is_complete = len(readings[place].messages) > limits[place]
    return readings


# --- The statements -------------------------------------------------------------------------------------------------
#
# Their first parameter is the cell of the mailboxes. `now` (ms since 1970) is the second one of a list or of counts.
#
# The pages of a list are those with the latest last ids; the floor is the last id of the newest page that is left out.
# Only entries above it are listed: below it, a page that was left out may have newer ones.

_PROBE = "offset 0"
"""Keeps a subquery one look-up by its whole key for each row. While a table is new, its plan would be a join with all
rows of the cell otherwise, and stay so until the table is analysed."""
_IS_BEHIND = f"not {has_pulled('$1', user_id='request.user_id')}"
_HAS_ENTRIES = """
    case request.filter
        when 0 then true
        when 1 then page.unread > 0
        when 2 then page.open_approvals <> '{}'
        else page.archived_ids <> '{}'
    end
"""
_ENTRIES = """
    case request.filter
        when 0 then cardinality(page.message_ids) - cardinality(page.archived_ids)
        when 1 then page.unread
        when 2 then cardinality(page.open_approvals)
        else cardinality(page.archived_ids)
    end
"""
_IS_LISTED = """
    case request.filter
        when 0 then entry.message_id <> all(page.archived_ids)
        when 1 then entry.read_at is null
        when 2 then entry.message_id = any(page.open_approvals)
        else entry.message_id = any(page.archived_ids)
    end
"""

_COUNTS = f"""
    select request.place, {_IS_BEHIND} as is_behind, counted.has_expired, counted.unread, counted.todo,
        null::bigint as floor, null::bigint as message_id, counted.app_number, {_NO_MESSAGE}
    from request
    left join lateral (
        select page.app_number, sum(page.unread)::bigint as unread,
            sum(cardinality(page.open_approvals))::bigint as todo, min(page.expires_at) <= $2 as has_expired
        from mailbox_page as page
        where page.cell = $1
            and page.user_id = request.user_id
            and (request.counted_app is null or page.app_number = request.counted_app)
            and (page.unread > 0 or page.open_approvals <> '{{}}' or page.expires_at <= $2)
        group by page.app_number
        order by page.app_number
    ) as counted on true
"""

_COUNTS_ALONE = f"""
    with request as materialized (
        select * from unnest($3::int[], $4::text[], $5::int[]) as request (place, user_id, counted_app)
    )
    {_COUNTS}
"""

_NEWEST_PAGES = f"""
    select page.app_number, page.message_ids, page.read_at, page.archived_ids, page.open_approvals, page.first_id,
        page.last_id, case when page.last_id < request.before_id then {_ENTRIES} else 0 end as entries
    from mailbox_page as page
    where page.cell = $1
        and page.user_id = request.user_id
        and (request.listed_app is null or page.app_number = request.listed_app)
        and page.first_id < request.before_id
        and {_HAS_ENTRIES}
    order by page.last_id desc
    limit {_CANDIDATE_PAGES + 1}
"""

_PAGES_AND_FLOOR = f"""
    select page.*, max(page.last_id) filter (
            where page.rank > {_CANDIDATE_PAGES}
                or (page.newer_entries >= request.take and page.last_id < page.oldest_newer_id)
        ) over () as floor
    from (
        select page.*, row_number() over newer as rank, sum(page.entries) over newer as newer_entries,
            min(page.first_id) over newer as oldest_newer_id
        from ({_NEWEST_PAGES}) as page
        window newer as (order by page.last_id desc rows between unbounded preceding and 1 preceding)
    ) as page
"""

# `unnest` of two arrays in the list of columns is faster than one in `from`, which is stored before it is read.
_NEWEST_ENTRIES = f"""
    select page.app_number, page.floor, entry.message_id, entry.read_at,
        entry.message_id = any(page.archived_ids) as archived
    from ({_PAGES_AND_FLOOR}) as page
    left join lateral (select unnest(page.message_ids) as message_id, unnest(page.read_at) as read_at) as entry
        on entry.message_id < request.before_id
        and (page.floor is null or entry.message_id > page.floor)
        and (entry.read_at is null or entry.read_at >= 0)
        and {_IS_LISTED}
    where page.floor is null or page.last_id > page.floor
    order by entry.message_id desc nulls last
    limit request.take
"""


def _lists(columns: str, join: str) -> str:
    return f"""
        with request as materialized (
            select *
            from unnest($3::int[], $4::text[], $5::int[], $6::int[], $7::int[], $8::bigint[], $9::int[])
                as request (place, user_id, counted_app, listed_app, filter, before_id, take)
        )
        {_COUNTS}
        union all
        select request.place, null, null, null, null, entry.floor, entry.message_id, entry.app_number, entry.read_at,
            entry.archived, {columns}
        from request
        cross join lateral ({_NEWEST_ENTRIES}) as entry
        {join}
        where request.take > 0
    """


_JOIN_MESSAGE = f"""
    left join lateral (
        select * from message where message.cell = $1 and message.id = entry.message_id {_PROBE}
    ) as message on true
"""
_LISTS_WITH_CONTENT = _lists(f"{_MESSAGE}, message.content", _JOIN_MESSAGE)
_LISTS_WITHOUT_CONTENT = _lists(f"{_MESSAGE}, null::jsonb", _JOIN_MESSAGE)
_LISTED_ENTRIES = _lists(_NO_COLUMNS, "")


def _by_ids(app_number: str, columns: str, join: str, condition: str) -> str:
    return f"""
        select request.place, {_IS_BEHIND} as is_behind, false as has_expired, 0::bigint as unread, 0::bigint as todo,
            null::bigint as floor, null::bigint as message_id, null::int as app_number, {_NO_MESSAGE}
        from unnest($2::int[], $3::text[]) as request (place, user_id)
        union all
        select key.place, null, null, null, null, null, key.message_id, {app_number},
            (page.read_at)[array_position(page.message_ids, key.message_id)], key.message_id = any(page.archived_ids),
            {columns}
        from unnest($4::int[], $5::text[], $6::int[], $7::int[], $8::bigint[])
            as key (place, user_id, app_number, bucket, message_id)
        {join}
        cross join lateral (
            select *
            from mailbox_page as page
            where page.cell = $1
                and page.user_id = key.user_id
                and page.bucket = key.bucket
                and page.app_number = {app_number}
                and page.first_id <= key.message_id
                and page.last_id >= key.message_id
            {_PROBE}
        ) as page
        where key.message_id = any(page.message_ids)
            and coalesce((page.read_at)[array_position(page.message_ids, key.message_id)], 0) >= 0
            {condition}
    """


_MESSAGES = _by_ids(
    "message.app_number",
    f"{_MESSAGE}, message.content",
    f"""
        cross join lateral (
            select * from message where message.cell = $1 and message.id = key.message_id {_PROBE}
        ) as message
    """,
    """
        and (key.app_number is null or message.app_number = key.app_number)
        and (message.expires_at is null or message.expires_at > $9)
    """,
)
_ENTRIES_OF_MESSAGES = _by_ids("key.app_number", _NO_COLUMNS, join="", condition="")
