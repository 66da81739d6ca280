"""Mailbox pages: the messages of one app to one recipient, about a hundred to a row.

Every statement takes its rows in primary-key order, so that two processes never lock each other out.
"""

from collections.abc import Sequence
from typing import NamedTuple

from msgcenter.database.database import Connection
from msgcenter.database.statements import column_arrays
from msgcenter.domain.account import Recipient
from msgcenter.domain.message_id import bucket_of


class PageKey(NamedTuple):
    """The key of all parts of one recipient's page of one app in one bucket. Sorts as the primary key does."""

    user_id: str
    platform_code: str
    bucket: int
    app_number: int


class LastPart(NamedTuple):
    """The last part of a page, and how many entries it has."""

    part: int
    entries: int


class Addition(NamedTuple):
    """Entries to append to one part of a page. Sorts as the primary key does.

    `expires_at` (ms since 1970) is when the first of them expires. `open_approvals` are the message ids of those that
    are undecided approvals.
    """

    key: PageKey
    part: int
    message_ids: tuple[int, ...]
    read_at: tuple[int | None, ...]
    expires_at: int | None
    open_approvals: tuple[int, ...] = ()


class EntryState(NamedTuple):
    """One message in one mailbox; `read_at` as in `domain.mailbox`."""

    user_id: str
    message_id: int
    read_at: int | None


NEW_PAGE = LastPart(0, 0)
KEY_WIDTH = len(PageKey._fields)
# Parts of statements: page keys as the first four parameters, the join with their pages, and the order of locks.
KEYS = "unnest($1::text[], $2::text[], $3::int[], $4::int[]) as key (user_id, platform_code, bucket, app_number)"
PAGE_OF_KEY = """
    page.user_id = key.user_id
    and page.platform_code = key.platform_code
    and page.bucket = key.bucket
    and page.app_number = key.app_number
"""
PRIMARY_KEY = "page.user_id, page.platform_code, page.bucket, page.app_number, page.part"


def page_key(recipient: Recipient, message_id: int, app_number: int) -> PageKey:
    """Return the key of the page that has a message's entry."""
    return PageKey(recipient.user_id, recipient.platform_code, bucket_of(message_id), app_number)


# --- New entries ----------------------------------------------------------------------------------------------------


async def last_parts(connection: Connection, keys: Sequence[PageKey]) -> dict[PageKey, LastPart]:
    """Return the last part of each page that exists."""
    rows = await connection.fetch(
        f"""
        select page.user_id, page.platform_code, page.bucket, page.app_number, page.part,
            cardinality(page.message_ids)
        from {KEYS}
        join mailbox_page as page on {PAGE_OF_KEY}
        """,
        *column_arrays(keys, KEY_WIDTH),
    )
    last: dict[PageKey, LastPart] = {}
    for user_id, platform_code, bucket, app_number, part, entries in rows:
        key = PageKey(user_id, platform_code, bucket, app_number)
        if part >= last.get(key, NEW_PAGE).part:
            last[key] = LastPart(part, entries)
    return last


async def append(connection: Connection, additions: Sequence[Addition]) -> None:
    """Append entries to pages; new parts are created. `additions` must be sorted, one for each part."""
    await connection.execute(
        """
        insert into mailbox_page as page (user_id, platform_code, bucket, app_number, part,
            message_ids, read_at, first_id, last_id, expires_at, open_approvals)
        select user_id, platform_code, bucket, app_number, part,
            string_to_array(message_ids, ',')::bigint[], string_to_array(read_at, ',', 'n')::bigint[],
            first_id, last_id, expires_at, string_to_array(open_approvals, ',')::bigint[]
        from unnest($1::text[], $2::text[], $3::int[], $4::int[], $5::int[],
                $6::text[], $7::text[], $8::bigint[], $9::bigint[], $10::bigint[], $11::text[])
            as addition (user_id, platform_code, bucket, app_number, part,
                message_ids, read_at, first_id, last_id, expires_at, open_approvals)
        on conflict (user_id, platform_code, bucket, app_number, part) do update
        set message_ids = page.message_ids || excluded.message_ids,
            read_at = page.read_at || excluded.read_at,
            first_id = least(page.first_id, excluded.first_id),
            last_id = greatest(page.last_id, excluded.last_id),
            expires_at = least(page.expires_at, excluded.expires_at),
            open_approvals = page.open_approvals || excluded.open_approvals
        """,
        *column_arrays((addition.key for addition in additions), KEY_WIDTH),
        [addition.part for addition in additions],
        [",".join(map(str, addition.message_ids)) for addition in additions],
        [",".join("n" if at is None else str(at) for at in addition.read_at) for addition in additions],
        [min(addition.message_ids) for addition in additions],
        [max(addition.message_ids) for addition in additions],
        [addition.expires_at for addition in additions],
        [",".join(map(str, addition.open_approvals)) for addition in additions],
    )


# --- Look-ups -------------------------------------------------------------------------------------------------------


async def entry_states(connection: Connection, keys: Sequence[PageKey], message_ids: Sequence[int]) -> list[EntryState]:
    """Return the entries of messages (ascending ids) in these pages, in no particular order."""
    rows = await connection.fetch(
        f"""
        select page.user_id, entry.message_id, entry.read_at
        from {KEYS}
        join mailbox_page as page on {PAGE_OF_KEY}
        cross join lateral unnest(page.message_ids, page.read_at) as entry (message_id, read_at)
        where page.first_id <= $6 and page.last_id >= $5 and entry.message_id = any($7)
        """,
        *column_arrays(keys, KEY_WIDTH),
        message_ids[0],
        message_ids[-1],
        message_ids,
    )
    return [EntryState(*row) for row in rows]
