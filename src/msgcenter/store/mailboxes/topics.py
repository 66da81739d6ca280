"""Topics: who is subscribed, as intervals of the feed's positions.

A user's subscriptions change only under the lock of the user's `mailbox` row, which pulling takes too.
"""

from collections.abc import Collection, Sequence

from msgcenter.database.database import Connection, Database
from msgcenter.domain.account import Recipient
from msgcenter.store.mailboxes import feed, users


async def find_topic(connection: Connection, app_number: int, platform_code: str, name: str) -> int | None:
    """Return the number of an app's topic on a platform."""
    number: int | None = await connection.fetchval(
        "select number from topic where app_number = $1 and platform_code = $2 and name = $3",
        app_number,
        platform_code,
        name,
    )
    return number


async def ensure_topic(connection: Connection, app_number: int, platform_code: str, name: str, now: int) -> int:
    """Return the number of an app's topic on a platform, added if it is new."""
    await connection.execute(
        "insert into topic (app_number, platform_code, name, created_at) values ($1, $2, $3, $4)"
        " on conflict (app_number, platform_code, name) do nothing",
        app_number,
        platform_code,
        name,
        now,
    )
    number = await find_topic(connection, app_number, platform_code, name)
    assert number is not None
    return number


async def topic_names(connection: Connection, numbers: Collection[int]) -> dict[int, str]:
    """Return the names of topics by their numbers."""
    if not numbers:
        return {}
    rows = await connection.fetch("select number, name from topic where number = any($1)", sorted(numbers))
    return {row["number"]: row["name"] for row in rows}


async def subscribe(connection: Connection, topic_number: int, platform_code: str, user_ids: Sequence[str]) -> int:
    """Subscribe users (ids sorted, distinct) from now on and return how many were not. Runs inside a transaction."""
    await users.register(connection, platform_code, user_ids)
    await feed.lock_marks(connection, [Recipient(user_id, platform_code) for user_id in user_ids])
    status = await connection.execute(
        "insert into topic_subscription (topic_number, since, user_id, platform_code)"
        " select $1, coalesce(h.position, 0), u, $2 from unnest($3::text[]) as u"
        " left join feed_head h on h.platform_code = $2 where not exists"
        " (select from topic_subscription s where s.user_id = u and s.platform_code = $2 and s.topic_number = $1"
        " and s.until is null)",
        topic_number,
        platform_code,
        user_ids,
    )
    return _rows(status)


async def unsubscribe(connection: Connection, topic_number: int, platform_code: str, user_ids: Sequence[str]) -> int:
    """End subscriptions (user ids sorted, distinct) and return how many there were. Runs inside a transaction.

    What was sent before stays with the users.
    """
    await feed.lock_marks(connection, [Recipient(user_id, platform_code) for user_id in user_ids])
    ended = await connection.execute(
        "update topic_subscription s set until = h.position from unnest($3::text[]) as u, feed_head h"
        " where s.user_id = u and s.platform_code = $2 and s.topic_number = $1 and s.until is null"
        " and h.platform_code = $2 and s.since < h.position",
        topic_number,
        platform_code,
        user_ids,
    )
    # What was never sent anything leaves no trace.
    empty = await connection.execute(
        "delete from topic_subscription s using unnest($3::text[]) as u"
        " where s.user_id = u and s.platform_code = $2 and s.topic_number = $1 and s.until is null",
        topic_number,
        platform_code,
        user_ids,
    )
    return _rows(ended) + _rows(empty)


async def subscribers(connection: Connection, topic_number: int, after: str, limit: int) -> list[str]:
    """Return who is subscribed, by user id, those after one; at most `limit`."""
    rows = await connection.fetch(
        "select user_id from topic_subscription where topic_number = $1 and until is null and user_id > $2"
        " order by user_id limit $3",
        topic_number,
        after,
        limit,
    )
    return [row["user_id"] for row in rows]


async def subscriber_outside(connection: Connection, topic_number: int, sandbox_user: str) -> str | None:
    """Return a subscriber who is none of the sandbox users (`sandbox_user`, or that id, a dash and anything)."""
    found: str | None = await connection.fetchval(
        "select user_id from topic_subscription where topic_number = $1 and until is null"
        " and user_id <> $2 and not starts_with(user_id, $2 || '-') order by user_id limit 1",
        topic_number,
        sandbox_user,
    )
    return found


async def concerned_by_topic(
    database: Database, topic_number: int, platform_code: str, user_ids: Collection[str]
) -> list[str]:
    """Return those of the users who are or were subscribed to a topic."""
    async with database.connection() as connection:
        rows = await connection.fetch(
            "select distinct s.user_id from unnest($3::text[]) as u join topic_subscription s"
            " on s.user_id = u and s.platform_code = $2 and s.topic_number = $1",
            topic_number,
            platform_code,
            user_ids,
        )
    return [row["user_id"] for row in rows]


def _rows(status: str) -> int:
    return int(status.rpartition(" ")[2])
