"""Mailbox pages: the messages of one app to one recipient, about a hundred to a row.

Every statement takes its rows in primary-key order, so that two processes never lock each other out.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

import asyncpg

from msgcenter.database.database import Connection
from msgcenter.domain.account import Recipient
from msgcenter.domain.mailbox import WITHDRAWN_UNREAD, EntryChange
from msgcenter.domain.message_id import bucket_of
from msgcenter.store.messages.messages import expiries


class PageKey(NamedTuple):
    """All the parts of one recipient's pages of one app in one bucket. Sorts as the primary key does."""

    user_id: str
    platform_code: str
    bucket: int
    app_number: int


class Filling(NamedTuple):
    """How far the last part of a page is filled."""

    part: int
    entries: int


class Addition(NamedTuple):
    """Entries to append to one part of a page. Sorts as the primary key does."""

    key: PageKey
    part: int
    message_ids: tuple[int, ...]
    read_at: tuple[int | None, ...]
    expires_at: int | None
    open_approvals: tuple[int, ...] = ()


class PageChange(NamedTuple):
    """What to do with entries of a page: the ids to set unread, read, and read afresh; each ascending."""

    unread: Sequence[int] = ()
    read: Sequence[int] = ()
    afresh: Sequence[int] = ()

    @classmethod
    def of(cls, changes: Mapping[int, EntryChange]) -> "PageChange":
        """Sort changes of single entries by what they do."""
        return cls(*(sorted(i for i, wanted in changes.items() if wanted is change) for change in EntryChange))

    @property
    def ids(self) -> set[int]:
        """All ids."""
        return {*self.unread, *self.read, *self.afresh}

    def only(self, ids: Collection[int]) -> "PageChange":
        """Return the part of the change that is about these ids."""
        return PageChange(*([i for i in part if i in ids] for part in self))


class EntryState(NamedTuple):
    """One message in one mailbox: `read_at` as in `domain.mailbox`."""

    user_id: str
    message_id: int
    read_at: int | None


NEW_PAGE = Filling(0, 0)


def page_key(recipient: Recipient, message_id: int, app_number: int) -> PageKey:
    """Return the key of the page that holds a message."""
    return PageKey(recipient.user_id, recipient.platform_code, bucket_of(message_id), app_number)


def _columns(keys: Iterable[PageKey]) -> list[list[object]]:
    return [list(column) for column in zip(*keys, strict=True)]


async def last_parts(connection: Connection, keys: Sequence[PageKey]) -> dict[PageKey, Filling]:
    """Return the filling of the last part of each page that exists."""
    rows = await connection.fetch(
        "select p.user_id, p.platform_code, p.bucket, p.app_number, p.part, cardinality(p.message_ids)"
        " from unnest($1::text[], $2::text[], $3::int[], $4::int[]) as k (u, c, b, a)"
        " join mailbox_page p on p.user_id = k.u and p.platform_code = k.c and p.bucket = k.b and p.app_number = k.a",
        *_columns(keys),
    )
    last: dict[PageKey, Filling] = {}
    for user_id, platform_code, bucket, app_number, part, entries in rows:
        key = PageKey(user_id, platform_code, bucket, app_number)
        if part >= last.get(key, NEW_PAGE).part:
            last[key] = Filling(part, entries)
    return last


async def append(connection: Connection, additions: Sequence[Addition]) -> None:
    """Append entries to pages, opening the parts that are new. `additions` must be sorted and of distinct parts."""
    await connection.execute(
        "insert into mailbox_page as p (user_id, platform_code, bucket, app_number, part,"
        " message_ids, read_at, first_id, last_id, expires_at, open_approvals)"
        " select u, c, b, a, n, string_to_array(ids, ',')::bigint[], string_to_array(times, ',', 'n')::bigint[],"
        " lo, hi, e, string_to_array(o, ',')::bigint[]"
        " from unnest($1::text[], $2::text[], $3::int[], $4::int[], $5::int[], $6::text[], $7::text[],"
        " $8::bigint[], $9::bigint[], $10::bigint[], $11::text[]) as t (u, c, b, a, n, ids, times, lo, hi, e, o)"
        " on conflict (user_id, platform_code, bucket, app_number, part) do update"
        " set message_ids = p.message_ids || excluded.message_ids, read_at = p.read_at || excluded.read_at,"
        " first_id = least(p.first_id, excluded.first_id), last_id = greatest(p.last_id, excluded.last_id),"
        " expires_at = least(p.expires_at, excluded.expires_at),"
        " open_approvals = p.open_approvals || excluded.open_approvals",
        *_columns(addition.key for addition in additions),
        [addition.part for addition in additions],
        [",".join(map(str, addition.message_ids)) for addition in additions],
        [",".join("n" if at is None else str(at) for at in addition.read_at) for addition in additions],
        [min(addition.message_ids) for addition in additions],
        [max(addition.message_ids) for addition in additions],
        [addition.expires_at for addition in additions],
        [",".join(map(str, addition.open_approvals)) for addition in additions],
    )


async def change_status(
    connection: Connection, changes: Mapping[PageKey, PageChange], now: int, *, condition: str = "true"
) -> dict[PageKey, set[int]]:
    """Set entries read or unread at `now` (ms since 1970); return the ids that are not there, by page.

    Pages with an entry that has expired, or that the condition (such as `feed.up_to_date`) does not hold for, are left
    alone, their ids returned as not there: `sweep_pages`, or pull, first.
    """
    keys = sorted(changes)
    ordered = [changes[key] for key in keys]
    rows = await connection.fetch(
        "with change as materialized ("
        " select n, u, c, b, a, lo, hi, string_to_array(un, ',')::bigint[] as unread_ids,"
        " string_to_array(rd, ',')::bigint[] as read_ids, string_to_array(af, ',')::bigint[] as afresh_ids"
        " from unnest($1::int[], $2::text[], $3::text[], $4::int[], $5::int[], $6::text[], $7::text[], $8::text[],"
        " $9::bigint[], $10::bigint[]) as t (n, u, c, b, a, un, rd, af, lo, hi))"
        " update mailbox_page p set read_at = array(select case"
        " when r < 0 then r"
        " when i = any(read_ids) then coalesce(r, $11)"
        " when i = any(unread_ids) then null"
        " when i = any(afresh_ids) then $11"
        " else r end from unnest(p.message_ids, p.read_at) as e (i, r)),"
        # Nothing unread is out of sight: what is set unread comes back from the archive.
        " archived_ids = case when p.archived_ids = '{}' then p.archived_ids"
        " else array(select i from unnest(p.archived_ids) as i where i <> all(unread_ids || afresh_ids)) end"
        " from change where p.user_id = u and p.platform_code = c and p.bucket = b and p.app_number = a"
        f" and p.first_id <= hi and p.last_id >= lo and (p.expires_at is null or p.expires_at > $11) and {condition}"
        # Most pages hold all the ids asked for: only of the others Python needs to see what they hold.
        " returning n, case when unread_ids || read_ids || afresh_ids <@ p.message_ids"
        " and (0 > any(p.read_at)) is not true then null else array[p.message_ids, p.read_at] end",
        range(len(keys)),
        *_columns(keys),
        *([_digits(part) for part in column] for column in zip(*ordered, strict=True)),
        [min(part[0] for part in change if part) for change in ordered],
        [max(part[-1] for part in change if part) for change in ordered],
        now,
    )
    complete = {n for n, entries in rows if entries is None}
    missing = {key: changes[key].ids for n, key in enumerate(keys) if n not in complete}
    for n, entries in rows:
        if n not in complete:
            missing[keys[n]].difference_update(_not_withdrawn(*entries))
    return {key: ids for key, ids in missing.items() if ids}


def _digits(message_ids: Sequence[int]) -> str:
    return str(list(message_ids))[1:-1] if message_ids else ""  # the quickest way; PostgreSQL skips the spaces


def _not_withdrawn(message_ids: Iterable[int], read_at: Iterable[int | None]) -> list[int]:
    return [i for i, at in zip(message_ids, read_at, strict=True) if at is None or at >= 0]


async def sweep_expired(connection: Connection, recipients: Sequence[Recipient], now: int) -> int:
    """Withdraw the entries of these mailboxes whose messages have expired at `now`; return how many pages changed.

    Runs inside a transaction. Whoever is about to show or count a mailbox that has such pages calls it first, so no
    timer is needed for an expired message to be gone.
    """
    rows = await connection.fetch(
        "select p.user_id, p.platform_code, p.bucket, p.app_number, p.part, p.message_ids, p.read_at, p.open_approvals"
        " from mailbox_page p where p.user_id = any($1) and p.platform_code = any($2) and p.expires_at <= $3"
        " order by p.user_id, p.platform_code, p.bucket, p.app_number, p.part for update",
        sorted({recipient.user_id for recipient in recipients}),
        sorted({recipient.platform_code for recipient in recipients}),
        now,
    )
    return await _withdraw_expired(connection, rows, now)


async def sweep_pages(connection: Connection, keys: Sequence[PageKey], now: int) -> int:
    """Do the same to these pages alone (sorted), and let nobody else change any of them in this transaction."""
    rows = await connection.fetch(
        "select p.user_id, p.platform_code, p.bucket, p.app_number, p.part,"
        " case when p.expires_at <= $5 then p.message_ids end as message_ids, p.read_at, p.open_approvals"
        " from unnest($1::text[], $2::text[], $3::int[], $4::int[]) as k (u, c, b, a)"
        " join mailbox_page p on p.user_id = k.u and p.platform_code = k.c and p.bucket = k.b and p.app_number = k.a"
        " order by p.user_id, p.platform_code, p.bucket, p.app_number, p.part for update of p",
        *_columns(keys),
        now,
    )
    return await _withdraw_expired(connection, [row for row in rows if row["message_ids"] is not None], now)


async def change_pages(
    connection: Connection, pages: Mapping[PageKey, PageChange], now: int
) -> dict[PageKey, set[int]]:
    """Change entries inside a transaction; return, by page, the ids that are not there.

    The pages are rid of expired messages and locked first, all in one order: only so is none passed over because
    another process sweeps or fills it meanwhile, and none waited for in a circle.
    """
    await sweep_pages(connection, sorted(pages), now)
    return await change_status(connection, pages, now)


async def _withdraw_expired(connection: Connection, rows: Sequence[asyncpg.Record], now: int) -> int:
    if not rows:
        return 0
    expires = await expiries(connection, sorted({i for row in rows for i in row["message_ids"]}))
    pages = []
    for row in rows:
        read_at = []
        still = []
        for message_id, at in zip(row["message_ids"], row["read_at"], strict=True):
            expires_at = expires.get(message_id)
            gone = expires_at is not None and expires_at <= now
            if expires_at is not None and not gone:
                still.append(expires_at)
            read_at.append(withdrawn(at) if gone else at)
        open_approvals = [i for i in row["open_approvals"] if expires.get(i, now + 1) > now]
        pages.append((*tuple(row)[:5], read_at, min(still, default=None), open_approvals))
    await connection.executemany(
        "update mailbox_page set read_at = $6, expires_at = $7, open_approvals = $8"
        " where user_id = $1 and platform_code = $2 and bucket = $3 and app_number = $4 and part = $5",
        pages,
    )
    return len(pages)


async def withdraw(connection: Connection, entries: Sequence[tuple[PageKey, int]]) -> None:
    """Withdraw entries (page key and message id; sorted) from mailboxes that have them."""
    await connection.execute(
        "update mailbox_page p set read_at = array(select case when i <> all(ids) or r < 0 then r"
        " else coalesce(-r, $6) end from unnest(p.message_ids, p.read_at) as e (i, r)),"
        " archived_ids = array(select i from unnest(p.archived_ids) as i where i <> all(ids)),"
        f" open_approvals = array(select i from unnest(p.open_approvals) as i where i <> all(ids)) {_OF_PAGES}",
        *_by_page(entries),
        WITHDRAWN_UNREAD,
    )


async def set_open_approvals(
    connection: Connection, approvals: Sequence[tuple[PageKey, int]], *, is_open: bool
) -> None:
    """Mark approvals as open or decided in mailboxes that have them (page key and message id; sorted)."""
    await connection.execute(
        "update mailbox_page p set open_approvals ="
        " array(select i from unnest(p.open_approvals) as i where i <> all(ids)"
        f" union all select i from unnest(p.message_ids) as i where $6 and i = any(ids)) {_OF_PAGES}",
        *_by_page(approvals),
        is_open,
    )


_OF_PAGES = (
    "from (select u, c, b, a, string_to_array(l, ',')::bigint[] as ids"
    " from unnest($1::text[], $2::text[], $3::int[], $4::int[], $5::text[]) as t (u, c, b, a, l)) as asked"
    " where p.user_id = u and p.platform_code = c and p.bucket = b and p.app_number = a and p.message_ids && ids"
)


def _by_page(entries: Sequence[tuple[PageKey, int]]) -> list[list[object]]:
    ids_by_page: dict[PageKey, list[int]] = {}
    for key, message_id in entries:
        ids_by_page.setdefault(key, []).append(message_id)
    return [*(_columns(ids_by_page) or [[]] * 4), [",".join(map(str, ids)) for ids in ids_by_page.values()]]


def withdrawn(read_at: int | None) -> int:
    """Return the `read_at` of an entry whose message is taken back."""
    return WITHDRAWN_UNREAD if read_at is None else -abs(read_at)


async def unread_counts(
    connection: Connection, mailboxes: Sequence[tuple[Recipient, int]], now: int
) -> tuple[dict[tuple[str, str, int], int], set[Recipient]]:
    """Count the unread messages in mailboxes, each of one app (its number).

    Returns the counts by (user id, platform code, app number), zero counts left out, and the recipients whose
    mailboxes must be swept (`sweep_expired`) for their counts to be right.
    """
    rows = await connection.fetch(
        "select p.user_id, p.platform_code, p.app_number, sum(p.unread)::bigint, min(p.expires_at)"
        " from unnest($1::text[], $2::text[], $3::int[]) as k (u, c, a)"
        " join mailbox_page p on p.user_id = k.u and p.platform_code = k.c and p.app_number = k.a"
        " group by p.user_id, p.platform_code, p.app_number",
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


async def message_states(
    connection: Connection, keys: Sequence[PageKey], message_ids: Sequence[int]
) -> list[EntryState]:
    """Return the entries of messages (ascending ids) in these pages, in no particular order."""
    rows = await connection.fetch(
        "select p.user_id, e.i, e.r"
        " from unnest($1::text[], $2::text[], $3::int[], $4::int[]) as k (u, c, b, a)"
        " join mailbox_page p on p.user_id = k.u and p.platform_code = k.c and p.bucket = k.b and p.app_number = k.a"
        " cross join lateral unnest(p.message_ids, p.read_at) as e (i, r)"
        " where p.first_id <= $6 and p.last_id >= $5 and e.i = any($7)",
        *_columns(keys),
        message_ids[0],
        message_ids[-1],
        message_ids,
    )
    return [EntryState(*row) for row in rows]
