"""Retention: finds and deletes what is older than a platform keeps its messages, in small batches and in key order.

Each `delete_…` takes what its finder returned, or users whose mailboxes the transaction has locked. So a run can stop
anywhere and be repeated. The order of the steps is in docs/decisions/0010-retention.md.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from msgcenter.database.database import Connection
from msgcenter.database.statements import affected_rows, column_arrays
from msgcenter.domain.message import AudienceChunk
from msgcenter.store.messages.messages import chunks_in


class FeedKey(NamedTuple):
    """The key of a feed row within its cell."""

    topic_number: int
    position: int


class FeedRow(NamedTuple):
    """A feed row. `origin_position` is the position of the message that it concerns."""

    key: FeedKey
    origin_position: int
    message_id: int


class ChunkKey(NamedTuple):
    """The key of an audience chunk within its cell."""

    digest: bytes
    bucket: int


FEED_START = FeedKey(-(1 << 31), -1)
"""Before all keys: groups have negative numbers."""
CHUNK_START = ChunkKey(b"", -1)


# --- The feed -------------------------------------------------------------------------------------------------------


async def feed_position(connection: Connection, cell: int) -> int:
    """Return the last position of a cell's feed, 0 if it is empty."""
    position: int = await connection.fetchval("select position from feed_head where cell = $1", cell)
    return position


async def feed_rows(connection: Connection, cell: int, after: FeedKey, limit: int) -> list[FeedRow]:
    """Return up to `limit` rows of a cell's feed after a key, in key order."""
    rows = await connection.fetch(
        """
        select topic_number, position, about, message_id
        from feed
        where cell = $1 and (topic_number, position) > ($2, $3)
        order by topic_number, position
        limit $4
        """,
        cell,
        *after,
        limit,
    )
    return [FeedRow(FeedKey(row["topic_number"], row["position"]), row["about"], row["message_id"]) for row in rows]


async def delete_feed(connection: Connection, cell: int, keys: Sequence[FeedKey]) -> int:
    """Delete rows of a cell's feed; return how many there were."""
    status = await connection.execute(
        """
        delete from feed
        using unnest($2::int[], $3::bigint[]) as key (topic_number, position)
        where feed.cell = $1 and feed.topic_number = key.topic_number and feed.position = key.position
        """,
        cell,
        *column_arrays(keys, 2),
    )
    return affected_rows(status)


# --- Mailboxes ------------------------------------------------------------------------------------------------------


async def users_after(connection: Connection, cell: int, after: str, limit: int, *, lock: bool = False) -> list[str]:
    """Return up to `limit` known users of a cell after a user id, in order.

    `lock` locks their mailboxes until the transaction ends. A mailbox that pulls is locked too, so no pull is then in
    the middle of a feed row that was deleted.
    """
    rows = await connection.fetch(
        f"""
        select user_id
        from mailbox
        where cell = $1 and user_id > $2
        order by user_id
        limit $3
        {"for update" if lock else ""}
        """,
        cell,
        after,
        limit,
    )
    return [row["user_id"] for row in rows]


_USERS = "unnest($2::text[]) as mailbox_user (user_id)"
_OLD_PAGE = "page.cell = $1 and page.user_id = mailbox_user.user_id and page.bucket <= $3"
_OLD_SUBSCRIPTION = """
    subscription.cell = $1 and subscription.user_id = mailbox_user.user_id and subscription.until < $3
"""
_OLD_DELIVERY = "delivery.cell = $1 and delivery.user_id = mailbox_user.user_id and delivery.message_id < $3"


async def count_entries(connection: Connection, cell: int, user_ids: Sequence[str], last_bucket: int) -> int:
    """Return how many entries users of a cell have in the buckets up to `last_bucket`."""
    entries: int = await connection.fetchval(
        f"""
        select coalesce(sum(cardinality(page.message_ids)), 0)
        from {_USERS} join mailbox_page as page on {_OLD_PAGE}
        """,
        cell,
        user_ids,
        last_bucket,
    )
    return entries


async def delete_pages(connection: Connection, cell: int, user_ids: Sequence[str], last_bucket: int) -> int:
    """Delete the pages of users of a cell (sorted) in the buckets up to `last_bucket`.

    Returns how many entries they had.
    """
    entries: int = await connection.fetchval(
        f"""
        with deleted as (
            delete from mailbox_page as page
            using {_USERS}
            where {_OLD_PAGE}
            returning cardinality(page.message_ids) as entries
        )
        select coalesce(sum(entries), 0) from deleted
        """,
        cell,
        user_ids,
        last_bucket,
    )
    return entries


async def count_subscriptions(connection: Connection, cell: int, user_ids: Sequence[str], oldest_position: int) -> int:
    """Return how many subscriptions of users of a cell ended before a feed position."""
    subscriptions: int = await connection.fetchval(
        f"select count(*) from {_USERS} join topic_subscription as subscription on {_OLD_SUBSCRIPTION}",
        cell,
        user_ids,
        oldest_position,
    )
    return subscriptions


async def delete_subscriptions(connection: Connection, cell: int, user_ids: Sequence[str], oldest_position: int) -> int:
    """Delete the subscriptions of users of a cell (sorted) that ended before a feed position.

    Returns how many there were.
    """
    status = await connection.execute(
        f"delete from topic_subscription as subscription using {_USERS} where {_OLD_SUBSCRIPTION}",
        cell,
        user_ids,
        oldest_position,
    )
    return affected_rows(status)


async def count_deliveries(connection: Connection, cell: int, user_ids: Sequence[str], before_id: int) -> int:
    """Return how many deliveries by channels users of a cell have of messages with ids below `before_id`."""
    deliveries: int = await connection.fetchval(
        f"select count(*) from {_USERS} join channel_delivery as delivery on {_OLD_DELIVERY}",
        cell,
        user_ids,
        before_id,
    )
    return deliveries


async def delete_deliveries(connection: Connection, cell: int, user_ids: Sequence[str], before_id: int) -> int:
    """Delete what became of messages with ids below `before_id` by channels, for users of a cell (sorted).

    Returns how many deliveries there were.
    """
    status = await connection.execute(
        f"delete from channel_delivery as delivery using {_USERS} where {_OLD_DELIVERY}",
        cell,
        user_ids,
        before_id,
    )
    return affected_rows(status)


# --- Messages -------------------------------------------------------------------------------------------------------


async def message_ids(connection: Connection, cell: int, after_id: int, before_id: int, limit: int) -> list[int]:
    """Return up to `limit` ids of the messages of a cell between two ids, in order."""
    rows = await connection.fetch(
        "select id from message where cell = $1 and id > $2 and id < $3 order by id limit $4",
        cell,
        after_id,
        before_id,
        limit,
    )
    return [row["id"] for row in rows]


async def count_versions(connection: Connection, cell: int, message_ids: Sequence[int]) -> int:
    """Return how many earlier versions messages of a cell have."""
    versions: int = await connection.fetchval(
        "select count(*) from message_version where cell = $1 and message_id = any($2)", cell, message_ids
    )
    return versions


async def delete_messages(connection: Connection, cell: int, message_ids: Sequence[int]) -> tuple[int, int]:
    """Delete messages of a cell (ascending ids) and their earlier versions; return how many there were of each.

    Their plans of channels and the values of their templates are deleted, too. Runs inside a transaction.
    """
    for table in ("channel_plan", "message_params"):
        await connection.execute(f"delete from {table} where cell = $1 and message_id = any($2)", cell, message_ids)
    messages = await connection.execute(
        "delete from message using unnest($2::bigint[]) as old (id) where message.cell = $1 and message.id = old.id",
        cell,
        message_ids,
    )
    versions = await connection.execute(
        """
        delete from message_version as version
        using unnest($2::bigint[]) as old (id)
        where version.cell = $1 and version.message_id = old.id
        """,
        cell,
        message_ids,
    )
    return affected_rows(messages), affected_rows(versions)


# --- Audience chunks ------------------------------------------------------------------------------------------------


async def chunk_keys(
    connection: Connection, cell: int, after: ChunkKey, *, first_bucket: int, last_bucket: int, limit: int
) -> tuple[list[ChunkKey], ChunkKey | None]:
    """Read the next `limit` chunks of a cell, of all buckets, after a key.

    Returns the keys of those in the buckets from `first_bucket` to `last_bucket`, and the last key that was read (None
    at the end).
    """
    rows = await connection.fetch(
        """
        with part as materialized (
            select digest, bucket
            from audience_chunk
            where cell = $1 and (digest, bucket) > ($2, $3)
            order by digest, bucket
            limit $6
        )
        select digest, bucket, false as is_last from part where bucket between $4 and $5
        union all
        (select digest, bucket, true from part order by digest desc, bucket desc limit 1)
        """,
        cell,
        *after,
        first_bucket,
        last_bucket,
        limit,
    )
    keys = [ChunkKey(digest, bucket) for digest, bucket, is_last in rows if not is_last]
    return keys, next((ChunkKey(digest, bucket) for digest, bucket, is_last in rows if is_last), None)


async def message_audiences(
    connection: Connection, cell: int, after_id: int, before_id: int, limit: int
) -> list[tuple[int, tuple[AudienceChunk, ...]]]:
    """Return up to `limit` messages of a cell between two ids, in order, as pairs of id and audience chunks."""
    rows = await connection.fetch(
        """
        select id, audience, audience_cells
        from message
        where cell = $1 and id > $2 and id < $3
        order by id
        limit $4
        """,
        cell,
        after_id,
        before_id,
        limit,
    )
    return [(row["id"], chunks_in(cell, row["audience"], row["audience_cells"])) for row in rows]


async def delete_chunks(connection: Connection, cell: int, keys: Iterable[ChunkKey]) -> int:
    """Delete chunks of a cell; return how many there were."""
    status = await connection.execute(
        """
        delete from audience_chunk as chunk
        using unnest($2::bytea[], $3::int[]) as key (digest, bucket)
        where chunk.cell = $1 and chunk.digest = key.digest and chunk.bucket = key.bucket
        """,
        cell,
        *column_arrays(sorted(keys), 2),
    )
    return affected_rows(status)
