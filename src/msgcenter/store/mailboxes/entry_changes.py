"""Changes of entries that the caller lists: withdrawing, archiving, marking approvals as open or decided.

The entries of a call, at least one, are of one cell.
"""

from collections.abc import Sequence

from msgcenter.database.database import Connection
from msgcenter.domain.mailbox import WITHDRAWN_UNREAD
from msgcenter.store.mailboxes.pages import PageKey, key_parameters

# Adds to an update of `mailbox_page as page` the pages of a cell that have any of the entries `listed.ids`.
FROM_ENTRIES = """
    from (
        select user_id, bucket, app_number, string_to_array(ids, ',')::bigint[] as ids
        from unnest($2::text[], $3::int[], $4::int[], $5::text[]) as parameter (user_id, bucket, app_number, ids)
    ) as listed
    where page.cell = $1
        and page.user_id = listed.user_id
        and page.bucket = listed.bucket
        and page.app_number = listed.app_number
        and page.message_ids && listed.ids
"""


def entry_parameters(entries: Sequence[tuple[PageKey, int]]) -> tuple[object, ...]:
    """Return the first five parameters of a statement with `FROM_ENTRIES`."""
    ids_by_page: dict[PageKey, list[int]] = {}
    for key, message_id in entries:
        ids_by_page.setdefault(key, []).append(message_id)
    return (*key_parameters(ids_by_page.keys()), [",".join(map(str, ids)) for ids in ids_by_page.values()])


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
        {FROM_ENTRIES}
        """,
        *entry_parameters(entries),
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
        {FROM_ENTRIES}
        """,
        *entry_parameters(approvals),
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
        {FROM_ENTRIES}
        """,
        *entry_parameters(sorted(entries)),
        archived,
    )
