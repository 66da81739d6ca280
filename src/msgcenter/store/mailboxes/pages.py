"""Mailbox pages: the messages of one app to one recipient, about a hundred to a row.

Every statement takes its rows in primary-key order, so that two processes never lock each other out.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

import asyncpg

from msgcenter.database.database import Connection
from msgcenter.database.statements import column_arrays
from msgcenter.domain.account import Recipient
from msgcenter.domain.mailbox import WITHDRAWN_UNREAD, EntryChange
from msgcenter.domain.message_id import bucket_of
from msgcenter.store.mailboxes.feed import has_pulled
from msgcenter.store.messages.messages import expiry_times


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


class PageChange(NamedTuple):
    """The message ids to set unread, read, and read afresh in a page (`domain.mailbox.EntryChange`); each ascending."""

    unread: Sequence[int] = ()
    read: Sequence[int] = ()
    read_afresh: Sequence[int] = ()

    @classmethod
    def of(cls, changes: Mapping[int, EntryChange]) -> "PageChange":
        """Return the change of a page that consists of these changes of entries."""
        return cls(*(sorted(i for i, change in changes.items() if change is kind) for kind in EntryChange))

    @property
    def ids(self) -> set[int]:
        """All message ids of the change."""
        return {*self.unread, *self.read, *self.read_afresh}

    def only(self, ids: Collection[int]) -> "PageChange":
        """Return the part of the change that concerns these message ids."""
        return PageChange(*([i for i in part if i in ids] for part in self))


class EntryState(NamedTuple):
    """One message in one mailbox; `read_at` as in `domain.mailbox`."""

    user_id: str
    message_id: int
    read_at: int | None


NEW_PAGE = LastPart(0, 0)
_KEY_WIDTH = len(PageKey._fields)
_KEYS = "unnest($1::text[], $2::text[], $3::int[], $4::int[]) as key (user_id, platform_code, bucket, app_number)"
_PAGE_OF_KEY = """
    page.user_id = key.user_id
    and page.platform_code = key.platform_code
    and page.bucket = key.bucket
    and page.app_number = key.app_number
"""
_PRIMARY_KEY = "page.user_id, page.platform_code, page.bucket, page.app_number, page.part"


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
        from {_KEYS}
        join mailbox_page as page on {_PAGE_OF_KEY}
        """,
        *column_arrays(keys, _KEY_WIDTH),
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
        *column_arrays((addition.key for addition in additions), _KEY_WIDTH),
        [addition.part for addition in additions],
        [",".join(map(str, addition.message_ids)) for addition in additions],
        [",".join("n" if at is None else str(at) for at in addition.read_at) for addition in additions],
        [min(addition.message_ids) for addition in additions],
        [max(addition.message_ids) for addition in additions],
        [addition.expires_at for addition in additions],
        [",".join(map(str, addition.open_approvals)) for addition in additions],
    )


# --- Read states ----------------------------------------------------------------------------------------------------


async def change_status(
    connection: Connection, changes: Mapping[PageKey, PageChange], now: int, *, only_pulled: bool = False
) -> dict[PageKey, set[int]]:
    """Set entries read or unread at `now` (ms since 1970); return the message ids that are not there, by page.

    A page with an expired entry is left alone, and its ids are returned as not there: call `sweep_pages` first. With
    `only_pulled`, the same holds for the pages of a mailbox that has something to pull.
    """
    keys = sorted(changes)
    ordered = [changes[key] for key in keys]
    condition = has_pulled(user_id="change.user_id", platform_code="change.platform_code") if only_pulled else "true"
    rows = await connection.fetch(
        f"""
        with change as materialized (
            select place, user_id, platform_code, bucket, app_number, first_id, last_id,
                string_to_array(unread, ',')::bigint[] as unread_ids,
                string_to_array(read, ',')::bigint[] as read_ids,
                string_to_array(read_afresh, ',')::bigint[] as afresh_ids
            from unnest($1::int[], $2::text[], $3::text[], $4::int[], $5::int[],
                    $6::text[], $7::text[], $8::text[], $9::bigint[], $10::bigint[])
                as parameter (place, user_id, platform_code, bucket, app_number,
                    unread, read, read_afresh, first_id, last_id)
        )
        update mailbox_page as page
        set read_at = array(
                select case
                    when entry.read_at < 0 then entry.read_at
                    when entry.message_id = any(change.read_ids) then coalesce(entry.read_at, $11)
                    when entry.message_id = any(change.unread_ids) then null
                    when entry.message_id = any(change.afresh_ids) then $11
                    else entry.read_at
                end
                from unnest(page.message_ids, page.read_at) as entry (message_id, read_at)
            ),
            -- No unread entry is archived: setting one unread takes it out of the archive.
            archived_ids = case
                when page.archived_ids = '{{}}' then page.archived_ids
                else array(
                    select message_id
                    from unnest(page.archived_ids) as message_id
                    where message_id <> all(change.unread_ids || change.afresh_ids)
                )
            end
        from change
        where page.user_id = change.user_id
            and page.platform_code = change.platform_code
            and page.bucket = change.bucket
            and page.app_number = change.app_number
            and page.first_id <= change.last_id
            and page.last_id >= change.first_id
            and (page.expires_at is null or page.expires_at > $11)
            and {condition}
        -- Most pages have all the ids of the change. Only the contents of the others are returned.
        returning change.place, case
            when change.unread_ids || change.read_ids || change.afresh_ids <@ page.message_ids
                and (0 > any(page.read_at)) is not true
            then null
            else array[page.message_ids, page.read_at]
        end
        """,
        range(len(keys)),
        *column_arrays(keys, _KEY_WIDTH),
        *([_digits(part) for part in column] for column in zip(*ordered, strict=True)),
        [min(part[0] for part in change if part) for change in ordered],
        [max(part[-1] for part in change if part) for change in ordered],
        now,
    )
    complete = {place for place, entries in rows if entries is None}
    missing = {key: changes[key].ids for place, key in enumerate(keys) if place not in complete}
    for place, entries in rows:
        if place not in complete:
            missing[keys[place]].difference_update(_not_withdrawn(*entries))
    return {key: ids for key, ids in missing.items() if ids}


def _digits(message_ids: Sequence[int]) -> str:
    return str(list(message_ids))[1:-1] if message_ids else ""  # the fastest way; PostgreSQL skips the spaces


def _not_withdrawn(message_ids: Iterable[int], read_at: Iterable[int | None]) -> list[int]:
    return [i for i, at in zip(message_ids, read_at, strict=True) if at is None or at >= 0]


async def change_pages(
    connection: Connection, pages: Mapping[PageKey, PageChange], now: int
) -> dict[PageKey, set[int]]:
    """Change entries inside a transaction; return the message ids that are not there, by page.

    The pages are swept and locked first, all in one order. So no page is skipped because another process sweeps or
    fills it at the same time, and no two processes wait for each other.
    """
    await sweep_pages(connection, sorted(pages), now)
    return await change_status(connection, pages, now)


# --- Expiry ---------------------------------------------------------------------------------------------------------


async def sweep_mailboxes(connection: Connection, recipients: Sequence[Recipient], now: int) -> int:
    """Withdraw the entries of these mailboxes that have expired at `now` (ms since 1970).

    Returns how many pages changed. Runs inside a transaction. Call it before a mailbox with such pages is shown or
    counted; so no timer is needed to remove an expired message.
    """
    rows = await connection.fetch(
        f"""
        select {_PRIMARY_KEY}, page.message_ids, page.read_at, page.open_approvals
        from mailbox_page as page
        where page.user_id = any($1) and page.platform_code = any($2) and page.expires_at <= $3
        order by {_PRIMARY_KEY}
        for update
        """,
        sorted({recipient.user_id for recipient in recipients}),
        sorted({recipient.platform_code for recipient in recipients}),
        now,
    )
    return await _withdraw_expired(connection, rows, now)


async def sweep_pages(connection: Connection, keys: Sequence[PageKey], now: int) -> int:
    """Lock these pages (sorted) until the transaction ends, and withdraw their entries that have expired at `now`.

    Returns how many pages changed.
    """
    rows = await connection.fetch(
        f"""
        select {_PRIMARY_KEY},
            case when page.expires_at <= $5 then page.message_ids end as message_ids,
            page.read_at, page.open_approvals
        from {_KEYS}
        join mailbox_page as page on {_PAGE_OF_KEY}
        order by {_PRIMARY_KEY}
        for update of page
        """,
        *column_arrays(keys, _KEY_WIDTH),
        now,
    )
    return await _withdraw_expired(connection, [row for row in rows if row["message_ids"] is not None], now)


async def _withdraw_expired(connection: Connection, rows: Sequence[asyncpg.Record], now: int) -> int:
    if not rows:
        return 0
    expires = await expiry_times(connection, sorted({i for row in rows for i in row["message_ids"]}))
    changed_pages = []
    for row in rows:
        read_times = []
        later_expiries = []
        for message_id, read_at in zip(row["message_ids"], row["read_at"], strict=True):
            expires_at = expires.get(message_id)
            has_expired = expires_at is not None and expires_at <= now
            if expires_at is not None and not has_expired:
                later_expiries.append(expires_at)
            read_times.append(withdrawn_read_at(read_at) if has_expired else read_at)
        open_approvals = [i for i in row["open_approvals"] if expires.get(i, now + 1) > now]
        changed_pages.append((*tuple(row)[:5], read_times, min(later_expiries, default=None), open_approvals))
    await connection.executemany(
        """
        update mailbox_page
        set read_at = $6, expires_at = $7, open_approvals = $8
        where user_id = $1 and platform_code = $2 and bucket = $3 and app_number = $4 and part = $5
        """,
        changed_pages,
    )
    return len(changed_pages)


# --- Changes of listed entries --------------------------------------------------------------------------------------

# Adds to an update of `mailbox_page as page` the pages that have any of the entries, whose ids are `listed.ids`.
_FROM_ENTRIES = """
    from (
        select user_id, platform_code, bucket, app_number, string_to_array(ids, ',')::bigint[] as ids
        from unnest($1::text[], $2::text[], $3::int[], $4::int[], $5::text[])
            as parameter (user_id, platform_code, bucket, app_number, ids)
    ) as listed
    where page.user_id = listed.user_id
        and page.platform_code = listed.platform_code
        and page.bucket = listed.bucket
        and page.app_number = listed.app_number
        and page.message_ids && listed.ids
"""


def _entry_arrays(entries: Sequence[tuple[PageKey, int]]) -> list[list[object]]:
    """Return the first five parameters of a statement with `_FROM_ENTRIES`."""
    ids_by_page: dict[PageKey, list[int]] = {}
    for key, message_id in entries:
        ids_by_page.setdefault(key, []).append(message_id)
    return [*column_arrays(ids_by_page, _KEY_WIDTH), [",".join(map(str, ids)) for ids in ids_by_page.values()]]


async def withdraw(connection: Connection, entries: Sequence[tuple[PageKey, int]]) -> None:
    """Withdraw entries (page key and message id; sorted) from the mailboxes that have them."""
    await connection.execute(
        f"""
        update mailbox_page as page
        set read_at = array(
                select case
                    when entry.message_id <> all(listed.ids) or entry.read_at < 0 then entry.read_at
                    else coalesce(-entry.read_at, $6)
                end
                from unnest(page.message_ids, page.read_at) as entry (message_id, read_at)
            ),
            archived_ids = array(
                select message_id from unnest(page.archived_ids) as message_id where message_id <> all(listed.ids)
            ),
            open_approvals = array(
                select message_id from unnest(page.open_approvals) as message_id where message_id <> all(listed.ids)
            )
        {_FROM_ENTRIES}
        """,
        *_entry_arrays(entries),
        WITHDRAWN_UNREAD,
    )


async def set_open_approvals(
    connection: Connection, approvals: Sequence[tuple[PageKey, int]], *, is_open: bool
) -> None:
    """Mark approvals (page key and message id; sorted) as open or decided in the mailboxes that have them."""
    await connection.execute(
        f"""
        update mailbox_page as page
        set open_approvals = array(
            select message_id from unnest(page.open_approvals) as message_id where message_id <> all(listed.ids)
            union all
            select message_id from unnest(page.message_ids) as message_id where $6 and message_id = any(listed.ids)
        )
        {_FROM_ENTRIES}
        """,
        *_entry_arrays(approvals),
        is_open,
    )


async def set_archived(connection: Connection, entries: Sequence[tuple[PageKey, int]], *, archived: bool) -> None:
    """Archive entries (page key and message id), or take them out of the archive."""
    await connection.execute(
        f"""
        update mailbox_page as page
        set archived_ids = array(
            select message_id from unnest(page.archived_ids) as message_id where message_id <> all(listed.ids)
            union all
            select message_id from unnest(page.message_ids) as message_id where $6 and message_id = any(listed.ids)
        )
        {_FROM_ENTRIES}
        """,
        *_entry_arrays(sorted(entries)),
        archived,
    )


def withdrawn_read_at(read_at: int | None) -> int:
    """Return the `read_at` of an entry after its message is withdrawn."""
    return WITHDRAWN_UNREAD if read_at is None else -abs(read_at)


# --- Counts and states ----------------------------------------------------------------------------------------------


async def unread_counts(
    connection: Connection, mailboxes: Sequence[tuple[Recipient, int]], now: int
) -> tuple[dict[tuple[str, str, int], int], set[Recipient]]:
    """Count the unread messages of one app (its number) in each of these mailboxes.

    Returns the counts by (user id, platform code, app number), without zero counts, and the recipients whose mailboxes
    must be swept (`sweep_mailboxes`) before their counts are right at `now` (ms since 1970).
    """
    rows = await connection.fetch(
        """
        select page.user_id, page.platform_code, page.app_number, sum(page.unread)::bigint, min(page.expires_at)
        from unnest($1::text[], $2::text[], $3::int[]) as key (user_id, platform_code, app_number)
        join mailbox_page as page
            on page.user_id = key.user_id
            and page.platform_code = key.platform_code
            and page.app_number = key.app_number
        group by page.user_id, page.platform_code, page.app_number
        """,
        [recipient.user_id for recipient, _ in mailboxes],
        [recipient.platform_code for recipient, _ in mailboxes],
        [app_number for _, app_number in mailboxes],
    )
    counts = {}
    stale = set()
    for user_id, platform_code, app_number, unread, expires_at in rows:
        counts[user_id, platform_code, app_number] = unread
        if expires_at is not None and expires_at <= now:
            stale.add(Recipient(user_id, platform_code))
    return counts, stale


async def entry_states(connection: Connection, keys: Sequence[PageKey], message_ids: Sequence[int]) -> list[EntryState]:
    """Return the entries of messages (ascending ids) in these pages, in no particular order."""
    rows = await connection.fetch(
        f"""
        select page.user_id, entry.message_id, entry.read_at
        from {_KEYS}
        join mailbox_page as page on {_PAGE_OF_KEY}
        cross join lateral unnest(page.message_ids, page.read_at) as entry (message_id, read_at)
        where page.first_id <= $6 and page.last_id >= $5 and entry.message_id = any($7)
        """,
        *column_arrays(keys, _KEY_WIDTH),
        message_ids[0],
        message_ids[-1],
        message_ids,
    )
    return [EntryState(*row) for row in rows]
