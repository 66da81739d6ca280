"""The statements that read what users look at most (`mailbox_reads` runs them).

Their first parameter is the cell of the mailboxes. `now` (ms since 1970) is the second one of a list or of counts.

The pages of a list are those with the latest last ids; the floor is the last id of the newest page that is left out.
Only entries above it are listed: below it, a page that was left out may have newer ones.
"""

from msgcenter.store.mailboxes.feed import has_pulled

_CANDIDATE_PAGES = 8
"""Pages that are searched for the entries of a list. More are needed only if nearly all their entries are withdrawn, or
if messages of more apps than this arrive in turn: then the reading is not complete."""

# A row is of a mailbox (one for each app that is counted, at least one) or of an entry. The columns of an entry that
# make an `EntryMessage` begin here.
FIRST_COLUMN_OF_MESSAGE = 6
_NO_MESSAGE = """
    null::bigint, null::boolean, null::text, null::boolean, null::bigint, null::bigint, null::bigint, null::bigint,
    null::bigint, null::text, null::text, null::int, null::jsonb
"""
_NO_COLUMNS = "null, null, null, null, null, null, null, null, null, null, null"
MESSAGE_COLUMNS = """
    message.kind, message.approval, coalesce(message.send_at, message.created_at), message.updated_at,
    message.reminded_at, message.expires_at, message.closed_at, message.closed_by, message.sender_name,
    message.version
"""

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

COUNTS_ALONE = f"""
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
LISTS_WITH_CONTENT = _lists(f"{MESSAGE_COLUMNS}, message.content", _JOIN_MESSAGE)
LISTS_WITHOUT_CONTENT = _lists(f"{MESSAGE_COLUMNS}, null::jsonb", _JOIN_MESSAGE)
LISTED_ENTRIES = _lists(_NO_COLUMNS, "")


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


MESSAGES_BY_IDS = _by_ids(
    "message.app_number",
    f"{MESSAGE_COLUMNS}, message.content",
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
ENTRIES_BY_IDS = _by_ids("key.app_number", _NO_COLUMNS, join="", condition="")
