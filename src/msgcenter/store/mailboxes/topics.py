"""Topics and their subscriptions, which are intervals of feed positions.

A user's subscriptions change only while the user's `mailbox` row is locked. Pulling locks it too.
"""

from collections.abc import Collection, Sequence

from msgcenter.database.database import Connection
from msgcenter.database.statements import affected_rows
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
    """Return the number of an app's topic on a platform; add the topic if it is new. `now` is ms since 1970."""
    await connection.execute(
        """
        insert into topic (app_number, platform_code, name, created_at)
        values ($1, $2, $3, $4)
        on conflict (app_number, platform_code, name) do nothing
        """,
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


async def subscribe(connection: Connection, topic_number: int, cell: int, user_ids: Sequence[str]) -> int:
    """Subscribe users of a cell (sorted, distinct) from the feed's present position.

    Returns how many were not subscribed. Runs inside a transaction.
    """
    await users.register(connection, cell, user_ids)
    await feed.lock_pull_states(connection, cell, user_ids)
    status = await connection.execute(
        """
        insert into topic_subscription (cell, topic_number, since, user_id)
        select home.cell, $2, home.position, new_subscriber.user_id
        from feed_head as home
        cross join unnest($3::text[]) as new_subscriber (user_id)
        where home.cell = $1
            and not exists (
                select from topic_subscription as subscription
                where subscription.cell = $1
                    and subscription.user_id = new_subscriber.user_id
                    and subscription.topic_number = $2
                    and subscription.until is null
            )
        """,
        cell,
        topic_number,
        user_ids,
    )
    return affected_rows(status)


async def unsubscribe(connection: Connection, topic_number: int, cell: int, user_ids: Sequence[str]) -> int:
    """End the subscriptions of users of a cell (sorted, distinct); return how many there were.

    The users keep the messages that were sent before. Runs inside a transaction.
    """
    await feed.lock_pull_states(connection, cell, user_ids)
    ended = await connection.execute(
        """
        update topic_subscription as subscription
        set until = feed_head.position
        from unnest($3::text[]) as former_subscriber (user_id), feed_head
        where subscription.cell = $1
            and subscription.user_id = former_subscriber.user_id
            and subscription.topic_number = $2
            and subscription.until is null
            and feed_head.cell = $1
            and subscription.since < feed_head.position
        """,
        cell,
        topic_number,
        user_ids,
    )
    # A subscription during which nothing was published in the cell is not kept.
    deleted = await connection.execute(
        """
        delete from topic_subscription as subscription
        using unnest($3::text[]) as former_subscriber (user_id)
        where subscription.cell = $1
            and subscription.user_id = former_subscriber.user_id
            and subscription.topic_number = $2
            and subscription.until is null
        """,
        cell,
        topic_number,
        user_ids,
    )
    return affected_rows(ended) + affected_rows(deleted)


async def subscribers(
    connection: Connection, topic_number: int, cells: Sequence[int], after: str, limit: int
) -> list[str]:
    """Return the ids of up to `limit` subscribers in these cells, in order, starting after `after`."""
    rows = await connection.fetch(
        """
        select user_id
        from topic_subscription
        where cell = any($1) and topic_number = $2 and until is null and user_id > $3
        order by user_id
        limit $4
        """,
        cells,
        topic_number,
        after,
        limit,
    )
    return [row["user_id"] for row in rows]


async def subscriber_outside_sandbox(
    connection: Connection, topic_number: int, cells: Sequence[int], sandbox_user: str
) -> str | None:
    """Return a subscriber who is not a sandbox user; the ids of those are `sandbox_user` and `sandbox_user-…`."""
    user_id: str | None = await connection.fetchval(
        """
        select user_id
        from topic_subscription
        where cell = any($1)
            and topic_number = $2
            and until is null
            and user_id <> $3
            and not starts_with(user_id, $3 || '-')
        order by user_id
        limit 1
        """,
        cells,
        topic_number,
        sandbox_user,
    )
    return user_id


async def ever_subscribed(connection: Connection, topic_number: int, cell: int, user_ids: Collection[str]) -> list[str]:
    """Return those of the users of a cell who are or were subscribed to a topic."""
    rows = await connection.fetch(
        """
        select distinct subscription.user_id
        from unnest($3::text[]) as candidate (user_id)
        join topic_subscription as subscription
            on subscription.cell = $1
            and subscription.user_id = candidate.user_id
            and subscription.topic_number = $2
        """,
        cell,
        topic_number,
        user_ids,
    )
    return [row["user_id"] for row in rows]
