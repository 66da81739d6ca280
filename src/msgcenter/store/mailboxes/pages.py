"""Mailbox pages: the messages of one app to one recipient, about a hundred to a row.

Every statement concerns one cell, and takes its rows in primary-key order, so that two processes never lock each other
out.
"""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from msgcenter.database.database import Connection
from msgcenter.database.statements import column_arrays
from msgcenter.domain.account import Recipient
from msgcenter.domain.message_id import bucket_of


class PageKey(NamedTuple):
    """The key of all parts of one recipient's page of one app in one bucket. Sorts as the primary key does."""

    cell: int
    user_id: str
    bucket: int
    app_number: int


class LastPart(NamedTuple):
    """The last part of a page, and how many entries it has."""

    part: int
    entries: int


class Addition(NamedTuple):
    """Entries to append to one part of a page, with ascending message ids. Sorts as the primary key does.

    `expires_at` (ms since 1970) is when the first of them expires. `open_approvals` are the message ids of those that
    are undecided approvals.
    """

    key: PageKey
    part: int
    message_ids: tuple[int, ...]
    read_at: tuple[int | None, ...]
    expires_at: int | None
    open_approvals: tuple[int, ...] = ()


class NewEntry(NamedTuple):
    """A message to add to mailboxes; times are ms since 1970. `is_open`: an approval that nobody has decided yet."""

    message_id: int
    read_at: int | None
    expires_at: int | None
    is_open: bool


class EntryState(NamedTuple):
    """One message in one mailbox; `read_at` as in `domain.mailbox`."""

    user_id: str
    message_id: int
    read_at: int | None


NEW_PAGE = LastPart(0, 0)
# Parts of statements: a cell and the keys of pages in it as the first four parameters, the join with these pages, and
# the order of locks.
KEYS = "unnest($2::text[], $3::int[], $4::int[]) as key (user_id, bucket, app_number)"
PAGE_OF_KEY = """
    page.cell = $1
    and page.user_id = key.user_id
    and page.bucket = key.bucket
    and page.app_number = key.app_number
"""
PRIMARY_KEY = "page.cell, page.user_id, page.bucket, page.app_number, page.part"


def page_key(recipient: Recipient, message_id: int, app_number: int) -> PageKey:
    """Return the key of the page that has a message's entry."""
    return PageKey(recipient.cell, recipient.user_id, bucket_of(message_id), app_number)


def key_parameters(keys: Collection[PageKey]) -> tuple[object, ...]:
    """Return the parameters that name page keys: their cell, which all share, and three arrays. There is at least one.

    They are the first four parameters of a statement with `KEYS`.
    """
    cells, *columns = column_arrays(keys, len(PageKey._fields))
    return (cells[0], *columns)


# --- New entries ----------------------------------------------------------------------------------------------------


async def last_parts(connection: Connection, keys: Sequence[PageKey]) -> dict[PageKey, LastPart]:
    """Return the last part of each page that exists. The keys are of one cell."""
    # `offset 0` makes it one look-up for each key. While a table is new, a worker of a Citus would compare each key
    # with all pages of the cell.
    rows = await connection.fetch(
        f"""
        select {PRIMARY_KEY}, cardinality(page.message_ids)
        from {KEYS}
        cross join lateral (select * from mailbox_page as page where {PAGE_OF_KEY} offset 0) as page
        """,
        *key_parameters(keys),
    )
    last: dict[PageKey, LastPart] = {}
    for *key_columns, part, entries in rows:
        key = PageKey(*key_columns)
        if part >= last.get(key, NEW_PAGE).part:
            last[key] = LastPart(part, entries)
    return last


async def start(
    connection: Connection, cell: int, user_ids: Sequence[str], *, bucket: int, app_number: int, entry: NewEntry
) -> None:
    """Start a page with one entry for each of these users of a cell, who have become known in this transaction."""
    await connection.execute(
        """
        insert into mailbox_page (cell, user_id, bucket, app_number, part,
            message_ids, read_at, first_id, last_id, expires_at, open_approvals)
        select home.cell, new_user.user_id, $3::int, $4::int, 0,
            array[$5::bigint], array[$6::bigint], $5::bigint, $5::bigint, $7::bigint, $8::bigint[]
        from feed_head as home
        cross join unnest($2::text[]) as new_user (user_id)
        where home.cell = $1
        """,
        cell,
        user_ids,
        bucket,
        app_number,
        entry.message_id,
        entry.read_at,
        entry.expires_at,
        [entry.message_id] if entry.is_open else [],
    )


async def append(connection: Connection, additions: Sequence[Addition]) -> None:
    """Append entries to pages of one cell; new parts are created. `additions` must be sorted, one for each part.

    The ids of a page stay in ascending order, also if an older message arrives after a newer one.
    """
    await connection.execute(
        """
        insert into mailbox_page as page (cell, user_id, bucket, app_number, part,
            message_ids, read_at, first_id, last_id, expires_at, open_approvals)
        select home.cell, user_id, bucket, app_number, part,
            string_to_array(message_ids, ',')::bigint[], string_to_array(read_at, ',', 'n')::bigint[],
            first_id, last_id, expires_at, string_to_array(open_approvals, ',')::bigint[]
        from feed_head as home
        cross join unnest($2::text[], $3::int[], $4::int[], $5::int[],
                $6::text[], $7::text[], $8::bigint[], $9::bigint[], $10::bigint[], $11::text[])
            as addition (user_id, bucket, app_number, part,
                message_ids, read_at, first_id, last_id, expires_at, open_approvals)
        where home.cell = $1
        on conflict (cell, user_id, bucket, app_number, part) do update
        set message_ids = case
                when page.last_id < excluded.first_id then page.message_ids || excluded.message_ids
                else array(
                    select message_id
                    from unnest(page.message_ids || excluded.message_ids) as message_id
                    order by message_id
                )
            end,
            read_at = case
                when page.last_id < excluded.first_id then page.read_at || excluded.read_at
                else array(
                    select entry.read_at
                    from unnest(page.message_ids || excluded.message_ids, page.read_at || excluded.read_at)
                        as entry (message_id, read_at)
                    order by entry.message_id
                )
            end,
            first_id = least(page.first_id, excluded.first_id),
            last_id = greatest(page.last_id, excluded.last_id),
            expires_at = least(page.expires_at, excluded.expires_at),
            open_approvals = page.open_approvals || excluded.open_approvals
        """,
        *key_parameters([addition.key for addition in additions]),
        [addition.part for addition in additions],
        [",".join(map(str, addition.message_ids)) for addition in additions],
        [",".join("n" if at is None else str(at) for at in addition.read_at) for addition in additions],
        [addition.message_ids[0] for addition in additions],
        [addition.message_ids[-1] for addition in additions],
        [addition.expires_at for addition in additions],
        [",".join(map(str, addition.open_approvals)) for addition in additions],
    )


# --- Look-ups -------------------------------------------------------------------------------------------------------


async def entry_states(connection: Connection, keys: Sequence[PageKey], message_ids: Sequence[int]) -> list[EntryState]:
    """Return the entries of messages (ascending ids) in these pages of one cell, in no particular order."""
    rows = await connection.fetch(
        f"""
        select page.user_id, entry.message_id, entry.read_at
        from {KEYS}
        join mailbox_page as page on {PAGE_OF_KEY}
        cross join lateral unnest(page.message_ids, page.read_at) as entry (message_id, read_at)
        where page.first_id <= $6 and page.last_id >= $5 and entry.message_id = any($7)
        """,
        *key_parameters(keys),
        message_ids[0],
        message_ids[-1],
        message_ids,
    )
    return [EntryState(*row) for row in rows]
