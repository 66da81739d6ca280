"""Replacing the id of a user who is removed by an anonymous one: read states and intervals stay, for receipts.

Both ids are of one cell. The statements run in one transaction, so that receipts never see a part of it.
"""

from collections.abc import Sequence
from typing import NamedTuple

from msgcenter.database.database import Connection
from msgcenter.database.statements import affected_rows, column_arrays

_IDS_PER_STATEMENT = 5_000


class Replacement(NamedTuple):
    """A user of a cell, and the anonymous id that replaces the user's."""

    cell: int
    user_id: str
    anonymous_id: str


class ChunkPlace(NamedTuple):
    """The key of an audience chunk in a cell."""

    digest: bytes
    bucket: int


START = ChunkPlace(b"", -1)
"""Before all chunks."""


async def rename_mailbox(connection: Connection, replacement: Replacement) -> bool:
    """Rename a mailbox, which is no longer that of a known user; return whether there was one."""
    status = await connection.execute(
        """
        update mailbox
        set user_id = $3, forgotten = feed_head.position, muted_apps = null
        from feed_head
        where mailbox.cell = $1 and mailbox.user_id = $2 and feed_head.cell = $1
        """,
        *replacement,
    )
    return affected_rows(status) == 1


async def rename_pages(connection: Connection, replacement: Replacement) -> int:
    """Rename the pages of a mailbox; only the read states stay. Return how many entries there are."""
    entries: int = await connection.fetchval(
        """
        with page as (
            update mailbox_page
            set user_id = $3, archived_ids = '{}', hidden_ids = null, snoozed_ids = null, snoozed_until = null,
                woken_ids = null, starred_ids = null
            where cell = $1 and user_id = $2
            returning cardinality(message_ids) as entries
        )
        select coalesce(sum(entries), 0) from page
        """,
        *replacement,
    )
    return entries


async def message_ids(connection: Connection, cell: int, user_id: str) -> list[int]:
    """Return the ids of all messages in the pages of a user."""
    rows = await connection.fetch(
        "select message_ids from mailbox_page where cell = $1 and user_id = $2", cell, user_id
    )
    return sorted(message_id for row in rows for message_id in row["message_ids"])


async def rename_approver(
    connection: Connection, message_cell: int, ids: Sequence[int], replacement: Replacement
) -> int:
    """Rename the user who has closed approvals among messages of a cell; return how many these are."""
    renamed = 0
    for start in range(0, len(ids), _IDS_PER_STATEMENT):
        status = await connection.execute(
            "update message set closed_by = $4 where cell = $1 and id = any($2) and closed_by = $3",
            message_cell,
            ids[start : start + _IDS_PER_STATEMENT],
            replacement.user_id,
            replacement.anonymous_id,
        )
        renamed += affected_rows(status)
    return renamed


async def end_subscriptions(connection: Connection, replacement: Replacement) -> int:
    """End all subscriptions of a user at the feed's present position and rename them; return how many were open.

    The mailbox is locked. A subscription during which nothing was published in the cell is not kept.
    """
    deleted = await connection.execute(
        """
        delete from topic_subscription as subscription
        using feed_head
        where subscription.cell = $1
            and subscription.user_id = $2
            and subscription.until is null
            and feed_head.cell = $1
            and subscription.since >= feed_head.position
        """,
        *replacement[:2],
    )
    ended = await connection.execute(
        """
        update topic_subscription as subscription
        set until = feed_head.position
        from feed_head
        where subscription.cell = $1
            and subscription.user_id = $2
            and subscription.until is null
            and feed_head.cell = $1
        """,
        *replacement[:2],
    )
    await connection.execute(
        "update topic_subscription set user_id = $3 where cell = $1 and user_id = $2", *replacement
    )
    return affected_rows(deleted) + affected_rows(ended)


async def rename_members(connection: Connection, replacement: Replacement) -> None:
    """Rename the memberships of a user, which have ended."""
    await connection.execute("update directory_member set user_id = $3 where cell = $1 and user_id = $2", *replacement)


# --- Audience chunks --------------------------------------------------------------------------------------------------


async def count_chunks(connection: Connection, cell: int) -> int:
    """Return how many audience chunks a cell has."""
    count: int = await connection.fetchval("select count(*) from audience_chunk where cell = $1", cell)
    return count


async def chunks_with(
    connection: Connection, cell: int, user_id: str, after: ChunkPlace, limit: int
) -> tuple[list[ChunkPlace], ChunkPlace | None]:
    """Look through the next `limit` chunks of a cell. Return those that contain a user, and where to continue.

    There is no index by user: this reads the chunks of the whole cell, part by part, 40 s for a billion user ids.
    """
    rows = await connection.fetch(
        """
        with part as materialized (
            select digest, bucket, $4 = any(user_ids) as is_there
            from audience_chunk
            where cell = $1 and (digest, bucket) > ($2, $3)
            order by digest, bucket
            limit $5
        )
        select digest, bucket, false as is_last from part where is_there
        union all
        (select digest, bucket, true from part order by digest desc, bucket desc limit 1)
        """,
        cell,
        *after,
        user_id,
        limit,
    )
    found = [ChunkPlace(digest, bucket) for digest, bucket, is_last in rows if not is_last]
    return found, next((ChunkPlace(digest, bucket) for digest, bucket, is_last in rows if is_last), None)


async def rename_in_chunks(connection: Connection, replacement: Replacement, chunks: Sequence[ChunkPlace]) -> int:
    """Replace a user in chunks, which stay sorted; return in how many.

    The digests stay: they are the names by which messages know their chunks.
    """
    status = await connection.execute(
        """
        update audience_chunk as chunk
        set user_ids = array(
            select renamed.user_id
            from (
                select case when member.user_id = $2 then $3 else member.user_id end as user_id
                from unnest(chunk.user_ids) as member (user_id)
            ) as renamed
            order by renamed.user_id collate "C"
        )
        from unnest($4::bytea[], $5::int[]) as key (digest, bucket)
        where chunk.cell = $1
            and chunk.digest = key.digest
            and chunk.bucket = key.bucket
            and $2 = any(chunk.user_ids)
        """,
        *replacement,
        *column_arrays(sorted(chunks), 2),
    )
    return affected_rows(status)
