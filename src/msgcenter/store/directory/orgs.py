"""The organisations of a platform. They have no cell: a platform has few of them compared with its users."""

from collections.abc import AsyncIterator, Collection, Sequence
from typing import NamedTuple

from msgcenter.database.database import Connection
from msgcenter.database.statements import column_arrays

_LOCK_CLASS = 0x6D73_676F  # "msgo": the class of the advisory locks of directories


class OrgRow(NamedTuple):
    """An organisation, which may be deleted."""

    number: int
    parent_number: int | None
    org_id: str
    kind: str
    name: str
    is_deleted: bool


_COLUMNS = "number, parent_number, org_id, kind, name, deleted_at is not null"


async def lock_directory(connection: Connection, platform_code: str) -> None:
    """Wait for other changes of a platform's directory, and hold up later ones until the transaction ends."""
    await connection.execute("select pg_advisory_xact_lock($1, hashtext($2))", _LOCK_CLASS, platform_code)


async def with_ancestors(connection: Connection, platform_code: str, org_ids: Collection[str]) -> list[OrgRow]:
    """Return those of the organisations that exist or are deleted, and all above them."""
    rows = await connection.fetch(
        f"""
        with recursive line as (
            select org.*
            from directory_org as org
            where org.platform_code = $1 and org.org_id = any($2)
            union
            select above.*
            from line
            join directory_org as above on above.number = line.parent_number
        )
        select {_COLUMNS} from line
        """,
        platform_code,
        sorted(org_ids),
    )
    return [OrgRow(*row) for row in rows]


async def below(connection: Connection, numbers: Collection[int]) -> list[OrgRow]:
    """Return all organisations below these that are not deleted."""
    if not numbers:
        return []
    rows = await connection.fetch(
        f"""
        with recursive subtree as (
            select org.*
            from directory_org as org
            where org.parent_number = any($1) and org.deleted_at is null
            union
            select org.*
            from subtree
            join directory_org as org on org.parent_number = subtree.number and org.deleted_at is null
        )
        select {_COLUMNS} from subtree
        """,
        sorted(numbers),
    )
    return [OrgRow(*row) for row in rows]


async def numbers_of(connection: Connection, platform_code: str, org_ids: Collection[str]) -> dict[str, int]:
    """Return the numbers of those of the organisations that exist."""
    rows = await connection.fetch(
        """
        select org_id, number
        from directory_org
        where platform_code = $1 and org_id = any($2) and deleted_at is null
        """,
        platform_code,
        sorted(org_ids),
    )
    return {row["org_id"]: row["number"] for row in rows}


async def ids_of(connection: Connection, numbers: Collection[int]) -> dict[int, str]:
    """Return the org ids of organisations by their numbers."""
    rows = await connection.fetch("select number, org_id from directory_org where number = any($1)", sorted(numbers))
    return {row["number"]: row["org_id"] for row in rows}


async def find(connection: Connection, platform_code: str, org_id: str) -> OrgRow | None:
    """Return an organisation that exists."""
    row = await connection.fetchrow(
        f"select {_COLUMNS} from directory_org where platform_code = $1 and org_id = $2 and deleted_at is null",
        platform_code,
        org_id,
    )
    return OrgRow(*row) if row else None


async def find_number(connection: Connection, number: int) -> OrgRow | None:
    """Return the organisation with this number."""
    row = await connection.fetchrow(f"select {_COLUMNS} from directory_org where number = $1", number)
    return OrgRow(*row) if row else None


async def children(
    connection: Connection, platform_code: str, parent_number: int | None, after: str, limit: int
) -> list[OrgRow]:
    """Return up to `limit` organisations directly below one (None: the top ones), by org id, starting after `after`."""
    # `is not distinct from` would use no index.
    below_it = "$2::int is null and parent_number is null" if parent_number is None else "parent_number = $2"
    rows = await connection.fetch(
        f"""
        select {_COLUMNS}
        from directory_org
        where platform_code = $1
            and {below_it}
            and deleted_at is null
            and org_id > $3
        order by org_id
        limit $4
        """,
        platform_code,
        parent_number,
        after,
        limit,
    )
    return [OrgRow(*row) for row in rows]


async def all_orgs(connection: Connection, platform_code: str) -> AsyncIterator[OrgRow]:
    """Yield all organisations of a platform that exist, by org id. Runs inside a transaction."""
    statement = f"""
        select {_COLUMNS}
        from directory_org
        where platform_code = $1 and deleted_at is null
        order by org_id
    """
    async for row in connection.cursor(statement, platform_code, prefetch=2_000):
        yield OrgRow(*row)


async def insert(connection: Connection, platform_code: str, orgs: Sequence[tuple[str, str, str]]) -> dict[str, int]:
    """Add organisations (org id, kind, name) without parents; return their numbers by org id."""
    rows = await connection.fetch(
        """
        insert into directory_org (platform_code, org_id, kind, name)
        select $1, new.* from unnest($2::text[], $3::text[], $4::text[]) as new
        returning org_id, number
        """,
        platform_code,
        *column_arrays(orgs, 3),
    )
    return {row["org_id"]: row["number"] for row in rows}


async def update(connection: Connection, orgs: Sequence[tuple[int, int | None, str, str]]) -> None:
    """Set the parents, kinds and names of organisations, by their numbers. Deleted ones exist again."""
    await connection.execute(
        """
        update directory_org as org
        set parent_number = new.parent_number, kind = new.kind, name = new.name, deleted_at = null
        from unnest($1::int[], $2::int[], $3::text[], $4::text[]) as new (number, parent_number, kind, name)
        where org.number = new.number
        """,
        *column_arrays(orgs, 4),
    )


async def delete(connection: Connection, numbers: Collection[int], now: int) -> None:
    """Mark organisations as deleted at `now` (ms since 1970)."""
    await connection.execute("update directory_org set deleted_at = $2 where number = any($1)", sorted(numbers), now)
