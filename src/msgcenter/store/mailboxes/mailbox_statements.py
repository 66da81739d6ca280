"""The statements that read what users look at most (`mailbox_reads` runs them).

Their first parameter is the cell of the mailboxes. `now` (ms since 1970) is the second one of a list or of counts.

The pages of a list are those with the latest last ids; the floor is the last id of the newest page that is left out.
Only entries above it are listed: below it, a page that was left out may have newer ones.

Entries that have woken and are unread come before all others in a list of filter 0 or 1, however old they are. The
statements of lists leave them out: others read them, as nearly no mailbox has any. The arrays of nearly all pages are
null.
"""

from msgcenter.store.mailboxes.feed import has_pulled

_CANDIDATE_PAGES = 8
"""Pages that are searched for the entries of a list. More are needed only if nearly all their entries are withdrawn, or
if messages of more apps than this arrive in turn: then the reading is not complete."""

# A row is of a mailbox (one for each app that is counted, at least one) or of an entry. The columns of an entry that
# make an `EntryMessage` begin here.
FIRST_COLUMN_OF_MESSAGE = 8
_NO_MESSAGE = """
    null::bigint, null::boolean, null::bigint[], null::text, null::boolean, null::bigint, null::bigint, null::bigint,
    null::bigint, null::bigint, null::text, null::text, null::int, null::jsonb
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
_MUTED_APPS = """
    (select mailbox.muted_apps from mailbox where mailbox.cell = $1 and mailbox.user_id = request.user_id)
"""
_HAS_ENTRIES = """
    case request.filter
        when 0 then true
        when 1 then page.unread > 0
        when 2 then page.open_approvals <> '{}'
        when 3 then page.archived_ids <> '{}'
        when 4 then page.starred_ids <> '{}'
        else page.snoozed_ids <> '{}'
    end
"""
# How many entries of a page are listed, or fewer: an entry may be hidden and archived. Then a list has more pages than
# it needs.
_ENTRIES = """
    case request.filter
        when 0 then cardinality(page.message_ids) - cardinality(page.archived_ids)
        when 1 then page.unread
        when 2 then cardinality(page.open_approvals)
        when 3 then cardinality(page.archived_ids)
        when 4 then cardinality(page.starred_ids)
        else cardinality(page.snoozed_ids) + cardinality(page.hidden_ids)
    end - coalesce(cardinality(page.hidden_ids), 0) - coalesce(cardinality(page.woken_ids), 0)
"""
_IS_LISTED = """
    case request.filter
        when 0 then entry.message_id <> all(page.archived_ids)
        when 1 then entry.read_at is null
        when 2 then entry.message_id = any(page.open_approvals)
        when 3 then entry.message_id = any(page.archived_ids)
        when 4 then entry.message_id = any(page.starred_ids)
        else entry.message_id = any(page.snoozed_ids)
    end
    and (not page.has_marks or (
        (page.hidden_ids is null or request.filter = 5 or entry.message_id <> all(page.hidden_ids))
        and (
            page.woken_ids is null or request.filter > 1 or entry.read_at is not null
            or entry.message_id <> all(page.woken_ids)
        )
    ))
"""


# What users have made of an entry is one column, null unless its page has any such entry: whether it is starred, until
# when it is asleep, and whether it has woken. Several columns would cost every entry some time.
_HAS_MARKS = "page.starred_ids is not null or page.hidden_ids is not null or page.woken_ids is not null"


def _marks(message_id: str, read_at: str) -> str:
    return f"""
        array[
            (page.starred_ids is not null and {message_id} = any(page.starred_ids))::int::bigint,
            page.snoozed_until[array_position(page.snoozed_ids, {message_id})],
            (page.woken_ids is not null and {message_id} = any(page.woken_ids) and {read_at} is null)::int::bigint
        ]
    """


# Open approvals that are hidden are no more to do.
_TODO = """
    case
        when page.hidden_ids is null then cardinality(page.open_approvals)
        else (select count(*) from unnest(page.open_approvals) as id where id <> all(page.hidden_ids))
    end
"""
_COUNTS = f"""
    select request.place, request.is_behind, counted.has_expired, counted.unread, counted.todo, request.muted_apps,
        counted.has_woken, null::bigint as floor, null::bigint as message_id, counted.app_number, {_NO_MESSAGE}
    from (
        select request.place, request.user_id, request.counted_app, {_IS_BEHIND} as is_behind,
            {_MUTED_APPS} as muted_apps
        from request
        offset 0
    ) as request
    left join lateral (
        select page.app_number, sum(page.unread)::bigint as unread, sum({_TODO})::bigint as todo,
            min(page.expires_at) <= $2 as has_expired,
            bool_or(page.unread > 0 and page.woken_ids is not null) as has_woken
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
# Which unread entries have woken. Few mailboxes have such, which their counts say (`has_woken`); only these are asked.
WOKEN_IDS = """
    select request.place, entry.message_id
    from unnest($2::int[], $3::text[], $4::int[]) as request (place, user_id, app_number)
    cross join lateral (
        select *
        from mailbox_page as page
        where page.cell = $1
            and page.user_id = request.user_id
            and (request.app_number is null or page.app_number = request.app_number)
            and page.unread > 0
            and page.woken_ids is not null
    ) as page
    cross join lateral unnest(page.message_ids, page.read_at) as entry (message_id, read_at)
    where entry.read_at is null
        and entry.message_id = any(page.woken_ids)
        and (page.hidden_ids is null or entry.message_id <> all(page.hidden_ids))
    order by entry.message_id desc
"""

_NEWEST_PAGES = f"""
    select page.app_number, page.message_ids, page.read_at, page.archived_ids, page.open_approvals, page.hidden_ids,
        page.snoozed_ids, page.snoozed_until, page.woken_ids, page.starred_ids, page.first_id, page.last_id,
        {_HAS_MARKS} as has_marks, case when page.last_id < request.before_id then {_ENTRIES} else 0 end as entries
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
        entry.message_id = any(page.archived_ids) as archived,
        case when page.has_marks then {_marks("entry.message_id", "entry.read_at")} end as marks
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
    entry_columns = """
        entry.floor, entry.message_id, entry.app_number, entry.read_at, entry.archived, entry.marks
    """
    return f"""
        with request as materialized (
            select *
            from unnest($3::int[], $4::text[], $5::int[], $6::int[], $7::int[], $8::bigint[], $9::int[])
                as request (place, user_id, counted_app, listed_app, filter, before_id, take)
        )
        {_COUNTS}
        union all
        select request.place, null, null, null, null, null, null, {entry_columns}, {columns}
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
            {_MUTED_APPS} as muted_apps, false as has_woken, null::bigint as floor, null::bigint as message_id,
            null::int as app_number, {_NO_MESSAGE}
        from unnest($2::int[], $3::text[]) as request (place, user_id)
        union all
        select key.place, null, null, null, null, null, null, null, key.message_id, {app_number}, page.entry_read_at,
            key.message_id = any(page.archived_ids), page.marks, {columns}
        from unnest($4::int[], $5::text[], $6::int[], $7::int[], $8::bigint[])
            as key (place, user_id, app_number, bucket, message_id)
        {join}
        cross join lateral (
            select page.*, case when {_HAS_MARKS} then {_marks("key.message_id", "page.entry_read_at")} end as marks
            from (
                select page.*, (page.read_at)[array_position(page.message_ids, key.message_id)] as entry_read_at
                from mailbox_page as page
            where page.cell = $1
                and page.user_id = key.user_id
                and page.bucket = key.bucket
                and page.app_number = {app_number}
                and page.first_id <= key.message_id
                and page.last_id >= key.message_id
                {_PROBE}
            ) as page
        ) as page
        where key.message_id = any(page.message_ids)
            and coalesce(page.entry_read_at, 0) >= 0
            -- A hidden entry is deleted, unless it is asleep.
            and (
                page.hidden_ids is null
                or key.message_id <> all(page.hidden_ids)
                or key.message_id = any(page.snoozed_ids)
            )
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
