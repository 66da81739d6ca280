"""What is older than a platform keeps its messages: found and deleted in small batches, in the order of keys.

Each `delete_…` takes what its finder returned, or users whose mailboxes the transaction holds, so a run can stop
anywhere and be done again. The order of the steps is told in docs/decisions/0010-retention.md.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple

from msgcenter.database.database import Connection, Database

_LOCK = 0x6D73_6772  # "msgr": the advisory lock of whoever removes old messages
_DIGEST = 32


class Rule(NamedTuple):
    """How long a platform keeps its messages; `days` is None if for ever."""

    platform_code: str
    days: int | None


class FeedPlace(NamedTuple):
    """The key of a feed row inside its platform."""

    topic_number: int
    position: int


class FeedRow(NamedTuple):
    """What there is to know of a feed row to tell whether it goes."""

    place: FeedPlace
    about: int
    message_id: int


class ChunkKey(NamedTuple):
    """The key of an audience chunk."""

    digest: bytes
    bucket: int


FEED_START = FeedPlace(-1, -1)
CHUNK_START = ChunkKey(b"", -1)


@asynccontextmanager
async def sole_remover(database: Database) -> AsyncIterator[bool]:
    """Give True to one process at a time, False to the others. The lock ends with its connection at the latest.

    It spares double work only: two runs at once would do no harm.
    """
    async with database.connection() as connection:
        alone: bool = await connection.fetchval("select pg_try_advisory_lock($1)", _LOCK)
        try:
            yield alone
        finally:
            if alone and not connection.is_closed():
                await connection.execute("select pg_advisory_unlock($1)", _LOCK)


# --- Rules ----------------------------------------------------------------------------------------------------------


async def rules(connection: Connection) -> list[Rule]:
    """Return the rules of all platforms, in the order of their codes."""
    rows = await connection.fetch("select code, retention_days from platform order by code")
    return [Rule(*row) for row in rows]


async def set_days(connection: Connection, platform_code: str, days: int | None) -> bool:
    """Let a platform keep its messages for so many days, or with None for ever; return False if it does already."""
    status = await connection.execute(
        "update platform set retention_days = $2 where code = $1 and retention_days is distinct from $2",
        platform_code,
        days,
    )
    return status != "UPDATE 0"


async def removed_through(connection: Connection, platform_code: str) -> int:
    """Return the last bucket of a platform that a run has removed to the end, -1 if none has."""
    value: bytes | None = await connection.fetchval(
        "select value from installation where name = $1", _mark(platform_code)
    )
    return -1 if value is None else int(value)


async def set_removed_through(connection: Connection, platform_code: str, bucket: int) -> None:
    """Note that a run has removed the buckets of a platform up to this one, to the end."""
    await connection.execute(
        "insert into installation (name, value) values ($1, $2)"
        " on conflict (name) do update set value = excluded.value",
        _mark(platform_code),
        str(bucket).encode(),
    )


def _mark(platform_code: str) -> str:
    return f"removed through {platform_code}"


# --- The feed -------------------------------------------------------------------------------------------------------


async def feed_position(connection: Connection, platform_code: str) -> int:
    """Return how far a platform's feed goes."""
    position: int | None = await connection.fetchval(
        "select position from feed_head where platform_code = $1", platform_code
    )
    return position or 0


async def feed_rows(connection: Connection, platform_code: str, after: FeedPlace, limit: int) -> list[FeedRow]:
    """Return the next rows of a platform's feed, in key order."""
    rows = await connection.fetch(
        "select topic_number, position, about, message_id from feed"
        " where platform_code = $1 and (topic_number, position) > ($2, $3) order by topic_number, position limit $4",
        platform_code,
        *after,
        limit,
    )
    return [FeedRow(FeedPlace(row[0], row[1]), row[2], row[3]) for row in rows]


async def delete_feed(connection: Connection, platform_code: str, places: Sequence[FeedPlace]) -> int:
    """Delete rows of a platform's feed; return how many there were."""
    status = await connection.execute(
        "delete from feed f using unnest($2::int[], $3::bigint[]) as t (n, p)"
        " where f.platform_code = $1 and f.topic_number = t.n and f.position = t.p",
        platform_code,
        [place.topic_number for place in places],
        [place.position for place in places],
    )
    return _rows(status)


# --- Mailboxes ------------------------------------------------------------------------------------------------------


async def users_after(
    connection: Connection, platform_code: str, after: str, limit: int, *, lock: bool = False
) -> list[str]:
    """Return the next known users of a platform; `lock` holds their mailboxes until the transaction ends.

    Whoever pulls from the feed into a mailbox holds it too, so then nobody is halfway with a row that is gone.
    """
    rows = await connection.fetch(
        "select user_id from mailbox where platform_code = $1 and user_id > $2 order by user_id limit $3"
        f" {'for update' if lock else ''}",
        platform_code,
        after,
        limit,
    )
    return [row["user_id"] for row in rows]


_PAGES = "p.user_id = t.u and p.platform_code = $1 and p.bucket <= $3"
_SUBSCRIPTIONS = "s.user_id = t.u and s.platform_code = $1 and s.until < $3"


async def count_entries(connection: Connection, platform_code: str, user_ids: Sequence[str], last_bucket: int) -> int:
    """Return how many entries users have in the buckets up to `last_bucket`."""
    entries: int = await connection.fetchval(
        "select coalesce(sum(cardinality(p.message_ids)), 0)"
        f" from unnest($2::text[]) as t (u) join mailbox_page p on {_PAGES}",
        platform_code,
        user_ids,
        last_bucket,
    )
    return entries


async def delete_pages(connection: Connection, platform_code: str, user_ids: Sequence[str], last_bucket: int) -> int:
    """Delete the pages of users (sorted) in the buckets up to `last_bucket`; return how many entries they held."""
    entries: int = await connection.fetchval(
        "with gone as (delete from mailbox_page p using unnest($2::text[]) as t (u)"
        f" where {_PAGES} returning cardinality(p.message_ids) as entries)"
        " select coalesce(sum(entries), 0) from gone",
        platform_code,
        user_ids,
        last_bucket,
    )
    return entries


async def count_subscriptions(
    connection: Connection, platform_code: str, user_ids: Sequence[str], oldest_position: int
) -> int:
    """Return how many subscriptions of users ended before a position of the feed."""
    ended: int = await connection.fetchval(
        f"select count(*) from unnest($2::text[]) as t (u) join topic_subscription s on {_SUBSCRIPTIONS}",
        platform_code,
        user_ids,
        oldest_position,
    )
    return ended


async def delete_subscriptions(
    connection: Connection, platform_code: str, user_ids: Sequence[str], oldest_position: int
) -> int:
    """Delete the subscriptions of users (sorted) that ended before a position of the feed; return how many."""
    status = await connection.execute(
        f"delete from topic_subscription s using unnest($2::text[]) as t (u) where {_SUBSCRIPTIONS}",
        platform_code,
        user_ids,
        oldest_position,
    )
    return _rows(status)


# --- Messages -------------------------------------------------------------------------------------------------------


async def message_owners(connection: Connection, after_id: int, before_id: int, limit: int) -> list[tuple[int, str]]:
    """Return the next messages between two ids, in their order: id and platform code.

    All platforms' messages stand in one order, so it is the caller who picks: a statement looks at `limit` rows and no
    more, however few of them are of one platform.
    """
    rows = await connection.fetch(
        "select id, platform_code from message where id > $1 and id < $2 order by id limit $3",
        after_id,
        before_id,
        limit,
    )
    return [(row["id"], row["platform_code"]) for row in rows]


async def count_versions(connection: Connection, message_ids: Sequence[int]) -> int:
    """Return how many earlier versions there are of messages."""
    versions: int = await connection.fetchval(
        "select count(*) from message_version where message_id = any($1)", message_ids
    )
    return versions


async def delete_messages(connection: Connection, message_ids: Sequence[int]) -> tuple[int, int]:
    """Delete messages (ascending) and their earlier versions; return how many there were of each.

    Runs inside a transaction.
    """
    messages = await connection.execute(
        "delete from message m using unnest($1::bigint[]) as t (i) where m.id = t.i", message_ids
    )
    versions = await connection.execute(
        "delete from message_version v using unnest($1::bigint[]) as t (i) where v.message_id = t.i", message_ids
    )
    return _rows(messages), _rows(versions)


# --- Audience chunks ------------------------------------------------------------------------------------------------


async def chunk_keys(
    connection: Connection, after: ChunkKey, first_bucket: int, last_bucket: int, limit: int
) -> tuple[list[ChunkKey], ChunkKey | None]:
    """Look at the next `limit` chunks of all; return those of these buckets, and where to go on (None: at the end)."""
    rows = await connection.fetch(
        "with part as materialized (select digest, bucket from audience_chunk where (digest, bucket) > ($1, $2)"
        " order by digest, bucket limit $5)"
        " select digest, bucket, false as last from part where bucket between $3 and $4"
        " union all (select digest, bucket, true from part order by digest desc, bucket desc limit 1)",
        *after,
        first_bucket,
        last_bucket,
        limit,
    )
    keys = [ChunkKey(digest, bucket) for digest, bucket, last in rows if not last]
    return keys, next((ChunkKey(digest, bucket) for digest, bucket, last in rows if last), None)


async def audiences(
    connection: Connection, after_id: int, before_id: int, limit: int, *, but_of: str | None = None
) -> list[tuple[int, list[bytes]]]:
    """Return the next messages between two ids, in their order: id and the digests of its chunks.

    The messages of the platform `but_of` count as if they had none.
    """
    rows = await connection.fetch(
        "select id, case when platform_code = $4 then '' else audience end as audience from message"
        " where id > $1 and id < $2 order by id limit $3",
        after_id,
        before_id,
        limit,
        but_of,
    )
    return [(row["id"], _digests(row["audience"])) for row in rows]


def _digests(audience: bytes) -> list[bytes]:
    return [audience[start : start + _DIGEST] for start in range(0, len(audience), _DIGEST)]


async def delete_chunks(connection: Connection, keys: Iterable[ChunkKey]) -> int:
    """Delete chunks; return how many there were."""
    ordered = sorted(keys)
    status = await connection.execute(
        "delete from audience_chunk c using unnest($1::bytea[], $2::int[]) as t (d, b)"
        " where c.digest = t.d and c.bucket = t.b",
        [key.digest for key in ordered],
        [key.bucket for key in ordered],
    )
    return _rows(status)


def _rows(status: str) -> int:
    return int(status.rpartition(" ")[2])
