"""Memberships, as intervals of feed positions. One that is open (`until` is null) is in the directory now.

The open memberships of a disabled user begin at NEVER, after all positions: they wait until the user is enabled.
"""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from msgcenter.database.database import Connection
from msgcenter.database.statements import column_arrays
from msgcenter.domain.directory import NEVER


class Member(NamedTuple):
    """A role of a user in an organisation. Sorts like the primary key."""

    user_id: str
    org_number: int
    role: str


class MemberCount(NamedTuple):
    """How many users have a role in an organisation."""

    org_number: int
    role: str
    members: int


_COLUMNS = "member.user_id, member.org_number, member.role"
_NAMED = "unnest($2::text[], $3::int[], $4::text[]) as named (user_id, org_number, role)"
_IS_NAMED = """
    member.cell = $1
        and member.user_id = named.user_id
        and member.org_number = named.org_number
        and member.role = named.role
        and member.until is null
"""


async def find(connection: Connection, cell: int, members: Collection[Member]) -> set[Member]:
    """Return those of the memberships in a cell that are open."""
    rows = await connection.fetch(
        f"select {_COLUMNS} from {_NAMED} join directory_member as member on {_IS_NAMED}",
        cell,
        *column_arrays(sorted(members), 3),
    )
    return {Member(*row) for row in rows}


async def of_users(connection: Connection, cell: int, user_ids: Collection[str]) -> list[Member]:
    """Return all open memberships of users of a cell."""
    rows = await connection.fetch(
        f"""
        select {_COLUMNS}
        from directory_member as member
        where member.cell = $1 and member.user_id = any($2) and member.until is null
        """,
        cell,
        sorted(user_ids),
    )
    return [Member(*row) for row in rows]


async def of_org(connection: Connection, cell: int, org_number: int, limit: int | None) -> list[Member]:
    """Return up to `limit` (None: all) open memberships in an organisation, by user id."""
    rows = await connection.fetch(
        f"""
        select {_COLUMNS}
        from directory_member as member
        where member.cell = $1 and member.org_number = $2 and member.until is null
        order by member.user_id
        limit $3
        """,
        cell,
        org_number,
        limit,
    )
    return [Member(*row) for row in rows]


# --- Changes. The position was just taken: it is the last one of the cell's feed --------------------------------------


async def add(connection: Connection, cell: int, position: int, members: Collection[Member]) -> None:
    """Open memberships, none of which is open, from a position on. Those of disabled users wait."""
    await connection.execute(
        """
        insert into directory_member (cell, org_number, since, user_id, role)
        select home.cell, new.org_number, case when person.disabled then $6::bigint else $5::bigint end,
            new.user_id, new.role
        from feed_head as home
        cross join unnest($2::text[], $3::int[], $4::text[]) as new (user_id, org_number, role)
        left join directory_user as person on person.cell = $1 and person.user_id = new.user_id
        where home.cell = $1
        """,
        cell,
        *column_arrays(sorted(members), 3),
        position,
        NEVER,
    )


async def end(connection: Connection, cell: int, position: int, members: Collection[Member]) -> None:
    """Close memberships at a position."""
    arrays = column_arrays(sorted(members), 3)
    # A membership during which nothing was published in the cell is not kept.
    await connection.execute(
        f"delete from directory_member as member using {_NAMED} where {_IS_NAMED} and member.since >= $5::bigint - 1",
        cell,
        *arrays,
        position,
    )
    await connection.execute(
        f"update directory_member as member set until = $5 from {_NAMED} where {_IS_NAMED}", cell, *arrays, position
    )


async def suspend(connection: Connection, cell: int, position: int, user_ids: Collection[str]) -> None:
    """Close the memberships of users at a position, and open them again so that they wait."""
    user_ids = sorted(user_ids)
    of_users_in_force = "cell = $1 and user_id = any($2) and until is null and since < $3"
    await connection.execute(
        f"""
        insert into directory_member (cell, org_number, since, user_id, role)
        select cell, org_number, $3::bigint, user_id, role from directory_member where {of_users_in_force}
        """,
        cell,
        user_ids,
        NEVER,
    )
    await connection.execute(
        f"delete from directory_member where {of_users_in_force} and since >= $4::bigint - 1",
        cell,
        user_ids,
        NEVER,
        position,
    )
    await connection.execute(
        f"update directory_member set until = $4 where {of_users_in_force}", cell, user_ids, NEVER, position
    )


async def resume(connection: Connection, cell: int, position: int, user_ids: Collection[str]) -> None:
    """Open the waiting memberships of users from a position on."""
    await connection.execute(
        """
        update directory_member
        set since = $3
        where cell = $1 and user_id = any($2) and until is null and since = $4
        """,
        cell,
        sorted(user_ids),
        position,
        NEVER,
    )


# --- Lists and counts -------------------------------------------------------------------------------------------------


async def list_members(connection: Connection, cell: int, after: Member, limit: int) -> list[Member]:
    """Return up to `limit` open memberships of a cell, in the order of `Member`, starting after `after`."""
    rows = await connection.fetch(
        f"""
        select {_COLUMNS}
        from directory_member as member
        where member.cell = $1
            and member.until is null
            and (member.user_id, member.org_number, member.role) > ($2, $3, $4)
        order by member.user_id, member.org_number, member.role
        limit $5
        """,
        cell,
        *after,
        limit,
    )
    return [Member(*row) for row in rows]


async def list_org_members(
    connection: Connection,
    cell: int,
    org_number: int,
    after: Member,
    limit: int,
    *,
    roles: Sequence[str] | None,
    include_sub: bool,
) -> list[Member]:
    """Return up to `limit` open memberships in an organisation of users of a cell, with these roles, or any if None.

    `include_sub`: also those in all organisations below it. By organisation, user id and role, starting after `after`.
    """
    rows = await connection.fetch(
        f"""
        select {_COLUMNS}
        from directory_path as path
        join directory_member as member
            on member.cell = $1
            and member.org_number = path.org_number
            and member.until is null
        where path.cell = $1
            and path.ancestor_number = $2
            and path.until is null
            and ($7 or path.depth = 0)
            and path.org_number >= $3
            and (member.org_number, member.user_id, member.role) > ($3, $4, $5)
            and ($6::text[] is null or member.role = any($6))
        order by path.org_number, member.user_id, member.role
        limit $8
        """,
        cell,
        org_number,
        after.org_number,
        after.user_id,
        after.role,
        roles,
        include_sub,
        limit,
    )
    return [Member(*row) for row in rows]


async def count_by_role(connection: Connection, cell: int, org_number: int) -> list[MemberCount]:
    """Return how many users of a cell have each role in an organisation."""
    rows = await connection.fetch(
        """
        select org_number, role, count(*)
        from directory_member
        where cell = $1 and org_number = $2 and until is null
        group by org_number, role
        """,
        cell,
        org_number,
    )
    return [MemberCount(*row) for row in rows]


async def count_all(connection: Connection, cell: int) -> list[MemberCount]:
    """Return how many users of a cell have each role in each organisation."""
    rows = await connection.fetch(
        """
        select org_number, role, count(*)
        from directory_member
        where cell = $1 and until is null
        group by org_number, role
        """,
        cell,
    )
    return [MemberCount(*row) for row in rows]
