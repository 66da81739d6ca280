"""Read states: setting the entries of mailbox pages read or unread."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from msgcenter.database.database import Connection
from msgcenter.database.statements import column_arrays
from msgcenter.domain.account import AppVersion, Platform, Recipient
from msgcenter.domain.mailbox import EntryChange
from msgcenter.store.mailboxes.feed import has_pulled
from msgcenter.store.mailboxes.pages import PageKey, key_parameters
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
    connection: Connection,
    changes: Mapping[PageKey, PageChange],
    now: int,
    *,
    only_pulled: bool = False,
    seen: Collection[AppVersion] = (),
) -> dict[PageKey, set[int]]:
    """Set entries read or unread at `now` (ms since 1970); return the message ids that are not there, by page.

    The pages, at least one, are of one cell. A page with an expired entry is left alone, and its ids are returned as
    not there: call `sweeping.sweep_pages` first. With `only_pulled`, the same is true of the pages of a mailbox that
    has something to pull; with `seen`, of all pages if one of these apps has another version.
    """
    keys = sorted(changes)
    ordered = [_ListedChange.of(changes[key]) for key in keys]
    rows = await connection.fetch(
        _CHANGE_STATUS[only_pulled, bool(seen)],
        *key_parameters(keys),
        [change.kind for change in ordered],
        [_digits(change.ids) for change in ordered],
        [_digits(change.kinds) for change in ordered] if any(change.kinds for change in ordered) else None,
        now,
        *(column_arrays(seen, 2) if seen else ()),
    )
    # Nearly always, each change has found all its ids in one page.
    rest, parts = dict(enumerate(ordered, 1)), []
    for place, first, last, entries in rows:
        if entries is None and last - first + 1 == len(ordered[place - 1].ids):
            rest.pop(place, None)
        else:
            parts.append((place, first, last, entries))
    missing = {place: set(change.ids) for place, change in rest.items()}
    for place, first, last, entries in parts:
        if place in missing:
            ids = ordered[place - 1].ids
            found = ids[first - 1 : last] if entries is None else _not_withdrawn(*entries)
            missing[place].difference_update(found)
    return {keys[place - 1]: ids for place, ids in missing.items() if ids}


class _ListedChange(NamedTuple):
    """The ids of a page's change, ascending. They have one `kind`, or (None) each its own in `kinds`."""

    ids: Sequence[int]
    kind: EntryChange | None
    kinds: Sequence[int] = ()

    @classmethod
    def of(cls, change: PageChange) -> "_ListedChange":
        # Nearly all changes are of one kind.
        if not change.read_afresh and not change.unread:
            return cls(change.read, EntryChange.READ)
        if not change.read_afresh and not change.read:
            return cls(change.unread, EntryChange.UNREAD)
        used = [(ids, kind) for ids, kind in zip(change, EntryChange, strict=True) if ids]
        if len(used) == 1:
            return cls(*used[0])
        pairs = sorted((message_id, int(kind)) for ids, kind in used for message_id in ids)
        return cls([message_id for message_id, _ in pairs], None, [kind for _, kind in pairs])


def _digits(numbers: Sequence[int]) -> str:
    return msgspec.json.encode(numbers)[1:-1].decode()  # the fastest way


def _not_withdrawn(message_ids: Iterable[int], read_at: Iterable[int | None]) -> list[int]:
    return [i for i, at in zip(message_ids, read_at, strict=True) if at is None or at >= 0]


# The statement compares sorted arrays: `width_bucket` is a binary search in C. Of the ids of a change, those from
# `_FIRST` to `_LAST` are between the first and the last id of the page; in the page they begin at `_PLACE`. If they are
# neighbours there, as the messages of a list are, their read times are changed as one slice of the array.
_FIRST = "(width_bucket(page.first_id - 1, change.ids) + 1)"
_LAST = "width_bucket(page.last_id, change.ids)"
_PLACE = f"width_bucket(change.ids[{_FIRST}], page.message_ids)"
_END = f"({_PLACE} + {_LAST} - {_FIRST})"
_ARE_NEIGHBOURS = f"page.message_ids[{_PLACE}:{_END}] = change.ids[{_FIRST}:{_LAST}]"
_SLICE = f"page.read_at[{_PLACE}:{_END}]"
_KIND_OF_ENTRY = """
    case
        when change.kind is null and change.ids[width_bucket(entry.message_id, change.ids)] = entry.message_id
            then change.kinds[width_bucket(entry.message_id, change.ids)]
        when change.kind is not null and entry.message_id = any(change.ids) then change.kind
    end
"""


# It is computed once for the whole statement.
_APPS_ARE_CURRENT = """
    not exists (
        select from unnest($9::int[], $10::xid[]) as seen (number, version)
        left join app on app.number = seen.number and app.xmin = seen.version
        where app.number is null
    )
"""


def _change_status_statement(condition: str) -> str:
    # `offset 0` keeps the planner from computing the expressions of a sub-select once for each place that uses them.
    return f"""
        with change as materialized (
            select place, user_id, bucket, app_number, kind, ids, kinds,
                ids[1] as first_id, ids[cardinality(ids)] as last_id
            from (
                select place, user_id, bucket, app_number, kind,
                    string_to_array(ids, ',')::bigint[] as ids, string_to_array(kinds, ',')::smallint[] as kinds
                from unnest($2::text[], $3::int[], $4::int[], $5::smallint[], $6::text[], $7::text[])
                    with ordinality as parameter (user_id, bucket, app_number, kind, ids, kinds, place)
                offset 0
            ) as parsed
        )
        update mailbox_page as page
        set read_at = case
                when change.kind = {EntryChange.READ:d} and {_ARE_NEIGHBOURS}
                    then page.read_at[:{_PLACE} - 1]
                        || array_replace({_SLICE}, null, $8::bigint)
                        || page.read_at[{_END} + 1:]
                when change.kind <> {EntryChange.READ:d} and {_ARE_NEIGHBOURS} and (0 > any({_SLICE})) is not true
                    then page.read_at[:{_PLACE} - 1]
                        || array_fill(
                            case when change.kind = {EntryChange.READ_AFRESH:d} then $8::bigint end,
                            array[{_LAST} - {_FIRST} + 1]
                        )
                        || page.read_at[{_END} + 1:]
                else array(
                    select case
                        when entry.read_at < 0 or entry.kind is null then entry.read_at
                        when entry.kind = {EntryChange.READ:d} then coalesce(entry.read_at, $8)
                        when entry.kind = {EntryChange.READ_AFRESH:d} then $8
                    end
                    from (
                        select entry.read_at, {_KIND_OF_ENTRY} as kind
                        from unnest(page.message_ids, page.read_at) as entry (message_id, read_at)
                        offset 0
                    ) as entry
                )
            end,
            -- No unread entry is archived: setting one unread takes it out of the archive.
            archived_ids = case
                when page.archived_ids = '{{}}' then page.archived_ids
                else array(
                    select entry.message_id
                    from unnest(page.archived_ids) as entry (message_id)
                    where coalesce({_KIND_OF_ENTRY}, {EntryChange.READ:d}) = {EntryChange.READ:d}
                )
            end
        from change
        where page.cell = $1
            and page.user_id = change.user_id
            and page.bucket = change.bucket
            and page.app_number = change.app_number
            and page.first_id <= change.last_id
            and page.last_id >= change.first_id
            and (page.expires_at is null or page.expires_at > $8)
            and {condition}
        -- Most pages have all the ids of the change that can be theirs. Only the contents of the others are returned.
        returning change.place, {_FIRST}, {_LAST}, case
            when (0 > any(page.read_at)) is true then array[page.message_ids, page.read_at]
            when {_ARE_NEIGHBOURS} then null
            when page.message_ids @> change.ids[{_FIRST}:{_LAST}] then null
            else array[page.message_ids, page.read_at]
        end
    """


_HAS_PULLED = has_pulled("$1", user_id="change.user_id")
_CHANGE_STATUS = {
    (False, False): _change_status_statement("true"),
    (True, False): _change_status_statement(_HAS_PULLED),
    (True, True): _change_status_statement(f"{_HAS_PULLED} and {_APPS_ARE_CURRENT}"),
}
"""The statement of `change_status`, by `only_pulled` and whether it compares apps, which needs all tables on a node."""


async def change_pages(
    connection: Connection, platform: Platform, pages: Mapping[PageKey, PageChange], now: int
) -> dict[PageKey, set[int]]:
    """Change entries inside a transaction; return the message ids that are not there, by page.

    The pages are of one cell of the platform. They are swept and locked first, all in one order. So no page is skipped
    because another process sweeps or fills it at the same time, and no two processes wait for each other.
    """
    await sweep_pages(connection, platform, sorted(pages), now)
    return await change_status(connection, pages, now)


async def set_read_up_to(
    connection: Connection, recipient: Recipient, app_number: int | None, last_id: int, now: int
) -> list[int]:
    """Set the unread messages of one app or all (None) up to `last_id` read at `now` (ms since 1970).

    Hidden ones stay unread. Returns the ids, newest first. Runs inside a transaction, on a mailbox that is swept.
    """
    parameters = (recipient.cell, recipient.user_id, last_id, app_number)
    where = """
        where page.cell = $1
            and page.user_id = $2
            and page.unread > 0
            and page.first_id <= $3
            and ($4::int is null or page.app_number = $4)
    """
    rows = await connection.fetch(
        f"""
        select page.message_ids, page.read_at, page.hidden_ids
        from mailbox_page as page
        {where}
        order by page.cell, page.user_id, page.bucket, page.app_number, page.part
        for update
        """,
        *parameters,
    )
    await connection.execute(
        f"""
        update mailbox_page as page
        set read_at = array(
            select case
                when entry.read_at is null
                    and entry.message_id <= $3
                    and (page.hidden_ids is null or entry.message_id <> all(page.hidden_ids))
                then $5
                else entry.read_at
            end
            from unnest(page.message_ids, page.read_at) as entry (message_id, read_at)
        )
        {where}
        """,
        *parameters,
        now,
    )
    read: list[int] = []
    for row in rows:
        hidden = set(row["hidden_ids"] or ())
        pairs = zip(row["message_ids"], row["read_at"], strict=True)
        read += [i for i, read_at in pairs if read_at is None and i <= last_id and i not in hidden]
    return sorted(read, reverse=True)
