"""The known users of a platform: whom a message to everyone concerns."""

from collections.abc import Iterable

from msgcenter.database.database import Connection


async def register(connection: Connection, platform_code: str, user_ids: Iterable[str]) -> int:
    """Make users known from now on; return how many were not yet.

    What was sent to everyone before stays unknown to the new ones: they join at the present position of the platform's
    feed. Runs in the caller's transaction, in key order, and holds nothing of those who are known already.
    """
    status = await connection.execute(
        "insert into mailbox (joined, pulled_to, user_id, platform_code)"
        " select position, position, u, $1 from unnest($2::text[]) as t (u),"
        " (select coalesce((select h.position from feed_head h where h.platform_code = $1), 0) as position) as head"
        " on conflict (user_id, platform_code) do nothing",
        platform_code,
        sorted(set(user_ids)),
    )
    return int(status.rpartition(" ")[2])


async def platforms_of(connection: Connection, user_id: str) -> list[str]:
    """Return the codes of the platforms that know a user."""
    rows = await connection.fetch(
        "select platform_code from mailbox where user_id = $1 order by platform_code", user_id
    )
    return [row["platform_code"] for row in rows]


async def count(connection: Connection, platform_code: str) -> int:
    """Return how many users of a platform are known."""
    known: int = await connection.fetchval("select count(*) from mailbox where platform_code = $1", platform_code)
    return known
