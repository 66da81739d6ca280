"""Retention: finds and deletes what is older than a platform keeps its messages, in small batches and in key order.

Each `delete_…` takes what its finder returned, or users whose mailboxes the transaction has locked. So a run can stop
anywhere and be repeated. The order of the steps is in docs/decisions/0010-retention.md.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from msgcenter.database.database import Connection
from msgcenter.database.statements import affected_rows, column_arrays
from msgcenter.store.messages.messages import digests_of


class FeedKey(NamedTuple):
    """The key of a feed row within its platform."""

    topic_number: int
    position: int


class FeedRow(NamedTuple):
    """A feed row. `origin_position` is the position of the message that it concerns."""

    key: FeedKey
    origin_position: int
    message_id: int


class ChunkKey(NamedTuple):
    """The key of an audience chunk."""

    digest: bytes
    bucket: int


FEED_START = FeedKey(-1, -1)
CHUNK_START = ChunkKey(b"", -1)


# --- The feed -------------------------------------------------------------------------------------------------------


async def feed_position(connection: Connection, platform_code: str) -> int:
    """Return the last position of a platform's feed, 0 if it is empty."""
    position: int | None = await connection.fetchval(
        "select position from feed_head where platform_code = $1", platform_code
    )
    return position or 0


async def feed_rows(connection: Connection, platform_code: str, after: FeedKey, limit: int) -> list[FeedRow]:
    """Return up to `limit` rows of a platform's feed after a key, in key order."""
    rows = await connection.fetch(
        """
        select topic_number, position, about, message_id
        from feed
        where platform_code = $1 and (topic_number, position) > ($2, $3)
        order by topic_number, position
        limit $4
        """,
        platform_code,
        *after,
        limit,
    )
    return [FeedRow(FeedKey(row["topic_number"], row["position"]), row["about"], row["message_id"]) for row in rows]


async def delete_feed(connection: Connection, platform_code: str, keys: Sequence[FeedKey]) -> int:
    """Delete rows of a platform's feed; return how many there were."""
    status = await connection.execute(
        """
        delete from feed
        using unnest($2::int[], $3::bigint[]) as key (topic_number, position)
        where feed.platform_code = $1 and feed.topic_number = key.topic_number and feed.position = key.position
        """,
        platform_code,
        *column_arrays(keys, 2),
    )
    return affected_rows(status)


# --- Mailboxes ------------------------------------------------------------------------------------------------------


async def users_after(
    connection: Connection, platform_code: str, after: str, limit: int, *, lock: bool = False
) -> list[str]:
    """Return up to `limit` known users of a platform after a user id, in order.

    `lock` locks their mailboxes until the transaction ends. A mailbox that pulls is locked too, so no pull is then in
    the middle of a feed row that was deleted.
    """
    rows = await connection.fetch(
        f"""
        select user_id
        from mailbox
        where platform_code = $1 and user_id > $2
        order by user_id
        limit $3
        {"for update" if lock else ""}
        """,
        platform_code,
        after,
        limit,
    )
    return [row["user_id"] for row in rows]


_USERS = "unnest($2::text[]) as mailbox_user (user_id)"
_OLD_PAGE = "page.user_id = mailbox_user.user_id and page.platform_code = $1 and page.bucket <= $3"
_OLD_SUBSCRIPTION = """
    subscription.user_id = mailbox_user.user_id and subscription.platform_code = $1 and subscription.until < $3
"""


async def count_entries(connection: Connection, platform_code: str, user_ids: Sequence[str], last_bucket: int) -> int:
    """Return how many entries users have in the buckets up to `last_bucket`."""
    entries: int = await connection.fetchval(
        f"""
        select coalesce(sum(cardinality(page.message_ids)), 0)
        from {_USERS} join mailbox_page as page on {_OLD_PAGE}
        """,
        platform_code,
        user_ids,
        last_bucket,
    )
    return entries


async def delete_pages(connection: Connection, platform_code: str, user_ids: Sequence[str], last_bucket: int) -> int:
    """Delete the pages of users (sorted) in the buckets up to `last_bucket`; return how many entries they had."""
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
        platform_code,
        user_ids,
        last_bucket,
    )
    return entries


async def count_subscriptions(
    connection: Connection, platform_code: str, user_ids: Sequence[str], oldest_position: int
) -> int:
    """Return how many subscriptions of users ended before a feed position."""
    subscriptions: int = await connection.fetchval(
        f"select count(*) from {_USERS} join topic_subscription as subscription on {_OLD_SUBSCRIPTION}",
        platform_code,
        user_ids,
        oldest_position,
    )
    return subscriptions


async def delete_subscriptions(
    connection: Connection, platform_code: str, user_ids: Sequence[str], oldest_position: int
) -> int:
    """Delete the subscriptions of users (sorted) that ended before a feed position; return how many there were."""
    status = await connection.execute(
        f"delete from topic_subscription as subscription using {_USERS} where {_OLD_SUBSCRIPTION}",
        platform_code,
        user_ids,
        oldest_position,
    )
    return affected_rows(status)


# --- Messages -------------------------------------------------------------------------------------------------------


async def message_platforms(connection: Connection, after_id: int, before_id: int, limit: int) -> list[tuple[int, str]]:
    """Return up to `limit` messages between two ids, in order, as pairs of id and platform code.

    The messages of all platforms have one order, so the caller selects among them. The statement reads `limit` rows
    and no more, however few belong to one platform.
    """
    rows = await connection.fetch(
        "select id, platform_code from message where id > $1 and id < $2 order by id limit $3",
        after_id,
        before_id,
        limit,
    )
    return [(row["id"], row["platform_code"]) for row in rows]


async def count_versions(connection: Connection, message_ids: Sequence[int]) -> int:
    """Return how many earlier versions messages have."""
    versions: int = await connection.fetchval(
        "select count(*) from message_version where message_id = any($1)", message_ids
    )
    return versions


async def delete_messages(connection: Connection, message_ids: Sequence[int]) -> tuple[int, int]:
    """Delete messages (ascending ids) and their earlier versions; return how many there were of each.

    Runs inside a transaction.
    """
    messages = await connection.execute(
        "delete from message using unnest($1::bigint[]) as old (id) where message.id = old.id", message_ids
    )
    versions = await connection.execute(
        """
        delete from message_version as version
        using unnest($1::bigint[]) as old (id)
        where version.message_id = old.id
        """,
        message_ids,
    )
    return affected_rows(messages), affected_rows(versions)


# --- Audience chunks ------------------------------------------------------------------------------------------------


async def chunk_keys(
    connection: Connection, after: ChunkKey, first_bucket: int, last_bucket: int, limit: int
) -> tuple[list[ChunkKey], ChunkKey | None]:
    """Read the next `limit` chunks of all buckets after a key.

    Returns the keys of those in the buckets from `first_bucket` to `last_bucket`, and the last key that was read (None
    at the end).
    """
    rows = await connection.fetch(
        """
        with part as materialized (
            select digest, bucket
            from audience_chunk
            where (digest, bucket) > ($1, $2)
            order by digest, bucket
            limit $5
        )
        select digest, bucket, false as is_last from part where bucket between $3 and $4
        union all
        (select digest, bucket, true from part order by digest desc, bucket desc limit 1)
        """,
        *after,
        first_bucket,
        last_bucket,
        limit,
    )
    keys = [ChunkKey(digest, bucket) for digest, bucket, is_last in rows if not is_last]
    return keys, next((ChunkKey(digest, bucket) for digest, bucket, is_last in rows if is_last), None)


async def message_audiences(
    connection: Connection, after_id: int, before_id: int, limit: int, *, except_platform: str | None = None
) -> list[tuple[int, tuple[bytes, ...]]]:
    """Return up to `limit` messages between two ids, in order, as pairs of id and digests of the audience's chunks.

    The messages of the platform `except_platform` are returned without digests.
    """
    rows = await connection.fetch(
        """
        select id, case when platform_code = $4 then '' else audience end as audience
        from message
        where id > $1 and id < $2
        order by id
        limit $3
        """,
        after_id,
        before_id,
        limit,
        except_platform,
    )
    return [(row["id"], digests_of(row["audience"])) for row in rows]


async def delete_chunks(connection: Connection, keys: Iterable[ChunkKey]) -> int:
    """Delete chunks; return how many there were."""
    status = await connection.execute(
        """
        delete from audience_chunk as chunk
        using unnest($1::bytea[], $2::int[]) as key (digest, bucket)
        where chunk.digest = key.digest and chunk.bucket = key.bucket
        """,
        *column_arrays(sorted(keys), 2),
    )
    return affected_rows(status)
