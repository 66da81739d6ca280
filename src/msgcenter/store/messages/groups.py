"""Groups: audience chunks that were addressed before, whose members pull (docs/decisions/0022-groups.md).

A group has a negative number, which stands where a topic's number does: in the feed and in the members' subscriptions.
"""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from msgcenter.database.database import Connection
from msgcenter.database.statements import affected_rows

_DAY_MS = 86_400_000


class Group(NamedTuple):
    """A group, and when it was last used, to the day (ms since 1970)."""

    cell: int
    digest: bytes
    number: int
    used_at: int


async def find(connection: Connection, cell: int, digests: Collection[bytes]) -> dict[bytes, Group]:
    """Return the groups of a cell that have these digests.

    They stay until the transaction ends, so that a message can be published to them.
    """
    rows = await connection.fetch(
        """
        select cell, digest, number, used_at
        from audience_group
        where cell = $1 and digest = any($2)
        order by cell, digest
        for key share
        """,
        cell,
        sorted(digests),
    )
    return {row["digest"]: Group(*row) for row in rows}


async def add(connection: Connection, cell: int, digest: bytes, position: int, now: int) -> bool:
    """Add a group with the number -`position`; return False if the chunk has one already.

    `position` is a position of the cell's feed that was taken for it, so that the number is unique in the cell.
    """
    status = await connection.execute(
        """
        insert into audience_group (cell, digest, number, used_at)
        values ($1, $2, $3, $4)
        on conflict (cell, digest) do nothing
        """,
        cell,
        digest,
        -position,
        now,
    )
    return affected_rows(status) > 0


async def add_members(connection: Connection, cell: int, position: int, user_ids: Sequence[str]) -> None:
    """Subscribe users to the group with the number -`position` from that position on.

    Their mailboxes need not be locked: whoever sees a message to the group sees the subscriptions, too.
    """
    await connection.execute(
        """
        insert into topic_subscription (cell, topic_number, since, user_id)
        select home.cell, $2, $3, member.user_id
        from feed_head as home
        cross join unnest($4::text[]) as member (user_id)
        where home.cell = $1
        """,
        cell,
        -position,
        position,
        user_ids,
    )


async def set_used(connection: Connection, groups: Collection[Group], now: int) -> None:
    """Note that groups of one cell are used, at most once a day."""
    stale = sorted(group for group in groups if group.used_at < now - _DAY_MS)
    if stale:
        await connection.execute(
            "update audience_group set used_at = $3 where cell = $1 and digest = any($2)",
            stale[0].cell,
            [group.digest for group in stale],
            now,
        )


async def idle(connection: Connection, before: int, limit: int) -> list[Group]:
    """Return up to `limit` groups of any cell that were last used before a time (ms since 1970)."""
    rows = await connection.fetch(
        """
        select cell, digest, number, used_at
        from audience_group
        where used_at < $1
        order by used_at
        limit $2
        """,
        before,
        limit,
    )
    return [Group(*row) for row in rows]


async def remove(connection: Connection, group: Group, before: int) -> list[str] | None:
    """Remove a group unless it was used since `before` (ms since 1970); return the ids of its members, sorted.

    Waits for transactions that are publishing to it. The members stay subscribed: see `remove_members`. Returns None if
    the group is not removed.
    """
    status = await connection.execute(
        "delete from audience_group where cell = $1 and digest = $2 and used_at < $3", group.cell, group.digest, before
    )
    if not affected_rows(status):
        return None
    rows = await connection.fetch(
        "select user_id from topic_subscription where cell = $1 and topic_number = $2 order by user_id",
        group.cell,
        group.number,
    )
    return [row["user_id"] for row in rows]


async def remove_members(connection: Connection, group: Group, user_ids: Sequence[str]) -> None:
    """End the membership of users whose mailboxes have pulled everything that was sent to the group."""
    await connection.execute(
        """
        delete from topic_subscription as subscription
        using unnest($3::text[]) as member (user_id)
        where subscription.cell = $1
            and subscription.user_id = member.user_id
            and subscription.topic_number = $2
        """,
        group.cell,
        group.number,
        user_ids,
    )
