"""A recipient's own view of the mailbox: newest first, over all apps or some."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import Literal, NamedTuple

import asyncpg

from msgcenter.database.database import Connection
from msgcenter.domain.account import Recipient
from msgcenter.store.mailboxes.pages import PageKey

Filter = Literal["all", "unread", "todo", "archived"]
_PAGES_AT_ONCE = 8

_HOLDS: Mapping[Filter, str] = {
    "all": "",
    "unread": " and p.unread > 0",
    "todo": " and p.open_approvals <> '{}'",
    "archived": " and p.archived_ids <> '{}'",
}


class Entry(NamedTuple):
    """A message in a mailbox; `read_at` is ms since 1970 or None while unread."""

    message_id: int
    app_number: int
    read_at: int | None
    archived: bool
    is_open: bool


class AppCounts(NamedTuple):
    """What is unread and undecided of one app."""

    app_number: int
    unread: int
    todo: int


class Wanted(NamedTuple):
    """Which entries to look at: `app_number` None means all apps; ids are below `before_id`."""

    recipient: Recipient
    app_number: int | None = None
    filter: Filter = "all"
    before_id: int = (1 << 63) - 1


async def entries(connection: Connection, wanted: Wanted) -> AsyncIterator[Entry]:
    """Give the wanted entries, newest first.

    Pages overlap in time (an app each, late fan-outs), so an entry is given only once no page that is still to be
    read can hold a newer one.
    """
    held: list[Entry] = []
    async for page, next_last_id in _pages(connection, wanted):
        held.extend(entry for entry in _entries_of(page) if entry.message_id < wanted.before_id)
        held = [entry for entry in held if _passes(entry, wanted.filter)]
        held.sort(reverse=True)
        while held and held[0].message_id > next_last_id:
            yield held.pop(0)


async def received(connection: Connection, wanted: Wanted) -> AsyncIterator[int]:
    """Give the ids of all messages that ever came into a mailbox, newest first: also withdrawn and expired ones."""
    held: list[int] = []
    async for page, next_last_id in _pages(connection, wanted):
        held = sorted([*held, *(i for i in page["message_ids"] if i < wanted.before_id)], reverse=True)
        while held and held[0] > next_last_id:
            yield held.pop(0)


async def _pages(connection: Connection, wanted: Wanted) -> AsyncIterator[tuple[asyncpg.Record, int]]:
    """Give the pages that may hold wanted entries, the one with the newest first, each with the next one's last id."""
    offset = 0
    while True:
        rows = await connection.fetch(
            "select p.app_number, p.message_ids, p.read_at, p.archived_ids, p.open_approvals, p.last_id"
            " from mailbox_page p where p.user_id = $1 and p.platform_code = $2 and p.first_id < $3"
            f" and ($4::int is null or p.app_number = $4){_HOLDS[wanted.filter]}"
            " order by p.last_id desc, p.app_number, p.part limit $5 offset $6",
            *wanted.recipient,
            wanted.before_id,
            wanted.app_number,
            _PAGES_AT_ONCE + 1,
            offset,
        )
        for row, following in zip(rows[:_PAGES_AT_ONCE], [*rows[1:], None], strict=False):
            yield row, -1 if following is None else following["last_id"]
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


def _passes(entry: Entry, wanted: Filter) -> bool:
    if wanted == "todo":
        return entry.is_open  # also from the archive: it waits until it is decided
    if wanted == "archived":
        return entry.archived
    return not entry.archived and (wanted == "all" or entry.read_at is None)


async def find_entries(
    connection: Connection, asked: Collection[tuple[PageKey, int]]
) -> dict[tuple[Recipient, int], Entry]:
    """Return the entries among these (page key, message id) that mailboxes have, by recipient and message id."""
    distinct = sorted(set(asked))
    rows = await connection.fetch(
        "select p.user_id, p.platform_code, i, p.app_number, (p.read_at)[array_position(p.message_ids, i)] as r,"
        " i = any(p.archived_ids) as archived, i = any(p.open_approvals) as is_open"
        " from unnest($1::text[], $2::text[], $3::int[], $4::int[], $5::bigint[]) as t (u, c, b, a, i)"
        " join mailbox_page p on p.user_id = u and p.platform_code = c and p.bucket = b and p.app_number = a"
        " where p.first_id <= i and p.last_id >= i and i = any(p.message_ids)",
        *([list(column) for column in zip(*(key for key, _ in distinct), strict=True)] if distinct else [[]] * 4),
        [message_id for _, message_id in distinct],
    )
    return {
        (Recipient(user_id, platform_code), i): Entry(i, app_number, r, archived, is_open)
        for user_id, platform_code, i, app_number, r, archived, is_open in rows
        if r is None or r >= 0
    }


async def app_counts(
    connection: Connection, recipients: Sequence[Recipient], now: int
) -> tuple[dict[Recipient, list[AppCounts]], set[Recipient]]:
    """Return the counts of each app that has something unread or undecided in these mailboxes.

    Also the mailboxes that must be swept (`mailboxes.sweep_expired`) for their counts to be right at `now`.
    """
    rows = await connection.fetch(
        "select p.user_id, p.platform_code, p.app_number, sum(p.unread)::bigint,"
        " sum(cardinality(p.open_approvals))::bigint, min(p.expires_at)"
        " from unnest($1::text[], $2::text[]) as t (u, c)"
        " join mailbox_page p on p.user_id = u and p.platform_code = c"
        " where p.unread > 0 or p.open_approvals <> '{}' or p.expires_at <= $3"
        " group by p.user_id, p.platform_code, p.app_number order by p.app_number",
        *([list(column) for column in zip(*recipients, strict=True)] if recipients else [[], []]),
        now,
    )
    counts: dict[Recipient, list[AppCounts]] = {recipient: [] for recipient in recipients}
    stale = set()
    for user_id, platform_code, app_number, unread, todo, expires_at in rows:
        recipient = Recipient(user_id, platform_code)
        if unread or todo:
            counts[recipient].append(AppCounts(app_number, unread, todo))
        if expires_at is not None and expires_at <= now:
            stale.add(recipient)
    return counts, stale


async def has_expired(connection: Connection, recipient: Recipient, now: int) -> bool:
    """Tell whether a mailbox holds messages that have expired and must be swept first."""
    found: bool = await connection.fetchval(
        "select exists (select from mailbox_page p"
        " where p.user_id = $1 and p.platform_code = $2 and p.expires_at <= $3)",
        *recipient,
        now,
    )
    return found


async def read_up_to(
    connection: Connection, recipient: Recipient, app_number: int | None, up_to: int, now: int
) -> list[int]:
    """Set everything unread up to and including an id read at `now`; return the ids, the newest first.

    Runs inside a transaction, on a mailbox that is swept.
    """
    asked = (*recipient, up_to, app_number)
    where = (
        " where p.user_id = $1 and p.platform_code = $2 and p.unread > 0 and p.first_id <= $3"
        " and ($4::int is null or p.app_number = $4)"
    )
    rows = await connection.fetch(
        f"select p.message_ids, p.read_at from mailbox_page p{where}"
        " order by p.user_id, p.platform_code, p.bucket, p.app_number, p.part for update",
        *asked,
    )
    await connection.execute(
        "update mailbox_page p set read_at = array(select case when r is null and i <= $3 then $5 else r end"
        f" from unnest(p.message_ids, p.read_at) as e (i, r)){where}",
        *asked,
        now,
    )
    pairs = (pair for row in rows for pair in zip(row["message_ids"], row["read_at"], strict=True))
    return sorted((i for i, at in pairs if at is None and i <= up_to), reverse=True)


async def set_archived(connection: Connection, asked: Sequence[tuple[PageKey, int]], *, archived: bool) -> None:
    """Put entries (page key, message id) out of sight, or back."""
    ids_by_page: dict[PageKey, list[int]] = {}
    for key, message_id in sorted(asked):
        ids_by_page.setdefault(key, []).append(message_id)
    await connection.execute(
        "update mailbox_page p set archived_ids = array("
        " select i from unnest(p.archived_ids) as i where i <> all(ids)"
        " union all select i from unnest(p.message_ids) as i where $6 and i = any(ids))"
        " from (select u, c, b, a, string_to_array(l, ',')::bigint[] as ids"
        " from unnest($1::text[], $2::text[], $3::int[], $4::int[], $5::text[]) as t (u, c, b, a, l)) as asked"
        " where p.user_id = u and p.platform_code = c and p.bucket = b and p.app_number = a and p.message_ids && ids",
        *([list(column) for column in zip(*ids_by_page, strict=True)] if ids_by_page else [[]] * 4),
        [",".join(map(str, ids)) for ids in ids_by_page.values()],
        archived,
    )
