"""Retention of the directory's history: memberships and paths that ended before every message that is kept."""

from collections.abc import Sequence
from typing import NamedTuple

from msgcenter.database.database import Connection
from msgcenter.database.statements import affected_rows, column_arrays


class PathKey(NamedTuple):
    """The key of a path within its cell."""

    org_number: int
    ancestor_number: int
    since: int


PATH_START = PathKey(0, 0, 0)
_OLD_MEMBERSHIP = """
    membership.cell = $1 and membership.user_id = mailbox_user.user_id and membership.until < $3
"""


async def count_memberships(connection: Connection, cell: int, user_ids: Sequence[str], oldest_position: int) -> int:
    """Return how many memberships of users of a cell ended before a feed position."""
    memberships: int = await connection.fetchval(
        f"""
        select count(*)
        from unnest($2::text[]) as mailbox_user (user_id)
        join directory_member as membership on {_OLD_MEMBERSHIP}
        """,
        cell,
        user_ids,
        oldest_position,
    )
    return memberships


async def delete_memberships(connection: Connection, cell: int, user_ids: Sequence[str], oldest_position: int) -> int:
    """Delete the memberships of users of a cell (sorted) that ended before a feed position; return how many."""
    status = await connection.execute(
        f"""
        delete from directory_member as membership
        using unnest($2::text[]) as mailbox_user (user_id)
        where {_OLD_MEMBERSHIP}
        """,
        cell,
        user_ids,
        oldest_position,
    )
    return affected_rows(status)


async def old_paths(
    connection: Connection, cell: int, after: PathKey, oldest_position: int, limit: int
) -> tuple[list[PathKey], PathKey | None]:
    """Read the next `limit` paths of a cell after a key.

    Return the keys of those that ended before a feed position, and the last key that was read (None at the end).
    """
    rows = await connection.fetch(
        """
        select org_number, ancestor_number, since, until < $5 as is_old
        from directory_path
        where cell = $1 and (org_number, ancestor_number, since) > ($2, $3, $4)
        order by org_number, ancestor_number, since
        limit $6
        """,
        cell,
        *after,
        oldest_position,
        limit,
    )
    keys = [PathKey(*row[:3]) for row in rows]
    old = [key for key, row in zip(keys, rows, strict=True) if row["is_old"]]
    return old, keys[-1] if len(keys) == limit else None


async def delete_paths(connection: Connection, cell: int, keys: Sequence[PathKey]) -> int:
    """Delete paths of a cell; return how many there were."""
    status = await connection.execute(
        """
        delete from directory_path as path
        using unnest($2::int[], $3::int[], $4::bigint[]) as key (org_number, ancestor_number, since)
        where path.cell = $1
            and path.org_number = key.org_number
            and path.ancestor_number = key.ancestor_number
            and path.since = key.since
        """,
        cell,
        *column_arrays(keys, 3),
    )
    return affected_rows(status)
