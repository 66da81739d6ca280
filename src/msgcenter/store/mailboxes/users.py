"""The known users of a platform: the audience of a message to everyone."""

from collections.abc import Iterable

from msgcenter.database.database import Connection
from msgcenter.database.statements import affected_rows


async def register(connection: Connection, platform_code: str, user_ids: Iterable[str]) -> int:
    """Make users known to a platform from now on; return how many are new.

    New users start at the feed's present position, so they do not get earlier messages to everyone. Runs in the
    caller's transaction, in key order, and takes no locks on existing users.
    """
    status = await connection.execute(
        """
        insert into mailbox (joined, pulled_to, user_id, platform_code)
        select head.position, head.position, new_user.user_id, $1
        from unnest($2::text[]) as new_user (user_id),
            (
                select coalesce((select feed_head.position from feed_head where feed_head.platform_code = $1), 0)
                    as position
            ) as head
        on conflict (user_id, platform_code) do nothing
        """,
        platform_code,
        sorted(set(user_ids)),
    )
    return affected_rows(status)


async def platforms_of(connection: Connection, user_id: str) -> list[str]:
    """Return the codes of the platforms that know a user, in order."""
    rows = await connection.fetch(
        "select platform_code from mailbox where user_id = $1 order by platform_code", user_id
    )
    return [row["platform_code"] for row in rows]


async def count_users(connection: Connection, platform_code: str) -> int:
    """Return the number of known users of a platform."""
    users: int = await connection.fetchval("select count(*) from mailbox where platform_code = $1", platform_code)
    return users
