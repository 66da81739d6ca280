"""Read states: setting the entries of mailbox pages read or unread."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from msgcenter.database.database import Connection
from msgcenter.database.statements import column_arrays
from msgcenter.domain.account import Recipient
from msgcenter.domain.mailbox import EntryChange
from msgcenter.store.mailboxes.feed import has_pulled
from msgcenter.store.mailboxes.pages import KEY_WIDTH, PageKey
from msgcenter.store.mailboxes.sweeping import sweep_pages


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


async def change_status(
    connection: Connection, changes: Mapping[PageKey, PageChange], now: int, *, only_pulled: bool = False
) -> dict[PageKey, set[int]]:
    """Set entries read or unread at `now` (ms since 1970); return the message ids that are not there, by page.

    A page with an expired entry is left alone, and its ids are returned as not there: call `sweeping.sweep_pages`
    first. With `only_pulled`, the same is true of the pages of a mailbox that has something to pull.
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
        *column_arrays(keys, KEY_WIDTH),
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


async def set_read_up_to(
    connection: Connection, recipient: Recipient, app_number: int | None, last_id: int, now: int
) -> list[int]:
    """Set the unread messages of one app or all (None) up to `last_id` read at `now` (ms since 1970).

    Returns their ids, newest first. Runs inside a transaction, on a mailbox that is swept.
    """
    parameters = (*recipient, last_id, app_number)
    where = """
        where page.user_id = $1
            and page.platform_code = $2
            and page.unread > 0
            and page.first_id <= $3
            and ($4::int is null or page.app_number = $4)
    """
    rows = await connection.fetch(
        f"""
        select page.message_ids, page.read_at
        from mailbox_page as page
        {where}
        order by page.user_id, page.platform_code, page.bucket, page.app_number, page.part
        for update
        """,
        *parameters,
    )
    await connection.execute(
        f"""
        update mailbox_page as page
        set read_at = array(
            select case when entry.read_at is null and entry.message_id <= $3 then $5 else entry.read_at end
            from unnest(page.message_ids, page.read_at) as entry (message_id, read_at)
        )
        {where}
        """,
        *parameters,
        now,
    )
    pairs = (pair for row in rows for pair in zip(row["message_ids"], row["read_at"], strict=True))
    return sorted((i for i, read_at in pairs if read_at is None and i <= last_id), reverse=True)
