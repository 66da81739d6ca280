"""Searches of people through the directory: organisations by any part of id or name, users by their beginnings."""

from collections.abc import Collection
from typing import NamedTuple

from msgcenter.database.database import Connection
from msgcenter.domain.directory import DirectoryUser
from msgcenter.store.directory.orgs import OrgRow

_LAST_CHARACTER = "\U0010ffff"
"""Sorts after every other character."""


class FoundUser(NamedTuple):
    """A user and the user's cell."""

    cell: int
    user: DirectoryUser


async def find_orgs(connection: Connection, platform_code: str, text: str, limit: int) -> list[OrgRow]:
    """Return up to `limit` organisations whose id or name contains a text, in any case. One with this id is first.

    It reads all organisations of the platform, which has thousands of them at most.
    """
    rows = await connection.fetch(
        """
        select number, parent_number, org_id, kind, name, false
        from directory_org
        where platform_code = $1
            and deleted_at is null
            and (strpos(lower(org_id), lower($2)) > 0 or strpos(lower(name), lower($2)) > 0)
        order by org_id <> $2, org_id
        limit $3
        """,
        platform_code,
        text,
        limit,
    )
    return [OrgRow(*row) for row in rows]


async def find_users(connection: Connection, cells: Collection[int], text: str, limit: int) -> list[FoundUser]:
    """Return up to `limit` users of cells whose id begins with a text, or whose name does, in any case."""
    rows = await connection.fetch(
        """
        select cell, user_id, name, coalesce(locale, ''), coalesce(time_zone, ''), disabled
        from (
            (
                select *
                from directory_user
                where cell = any($1) and user_id >= $2 and user_id < $2 || $3
                order by user_id
                limit $4
            )
            union
            (
                select *
                from directory_user
                where cell = any($1)
                    and lower(name) collate "C" >= lower($2) collate "C"
                    and lower(name) collate "C" < lower($2) collate "C" || $3
                order by lower(name) collate "C", user_id
                limit $4
            )
        ) as found
        order by user_id <> $2, user_id
        limit $4
        """,
        sorted(cells),
        text,
        _LAST_CHARACTER,
        limit,
    )
    return [FoundUser(row["cell"], DirectoryUser(*tuple(row)[1:])) for row in rows]


async def with_orgs_below(connection: Connection, org_numbers: Collection[int]) -> set[int]:
    """Return those of the organisations that have others below them now."""
    rows = await connection.fetch(
        "select distinct parent_number from directory_org where parent_number = any($1) and deleted_at is null",
        sorted(org_numbers),
    )
    return {row["parent_number"] for row in rows}


async def with_orgs_below_at(
    connection: Connection, cell: int, position: int, org_numbers: Collection[int]
) -> set[int]:
    """Return those of the organisations that had others below them at a position of a cell's feed."""
    rows = await connection.fetch(
        """
        select distinct ancestor_number
        from directory_path
        where cell = $1
            and ancestor_number = any($2)
            and depth = 1
            and since < $3
            and coalesce(until, $3) >= $3
        """,
        cell,
        sorted(org_numbers),
        position,
    )
    return {row["ancestor_number"] for row in rows}
