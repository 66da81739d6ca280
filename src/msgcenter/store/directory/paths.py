"""Which organisations are above which, in each cell, as intervals of feed positions."""

from collections.abc import Collection
from typing import NamedTuple

from msgcenter.database.database import Connection
from msgcenter.database.statements import column_arrays


class Path(NamedTuple):
    """An organisation and one that is `depth` levels above it; 0 is the organisation itself."""

    org_number: int
    ancestor_number: int
    depth: int


async def find(connection: Connection, cell: int, org_numbers: Collection[int]) -> set[Path]:
    """Return the open paths of organisations in a cell."""
    rows = await connection.fetch(
        """
        select path.org_number, path.ancestor_number, path.depth
        from directory_path as path
        where path.cell = $1 and path.org_number = any($2) and path.until is null
        """,
        cell,
        sorted(org_numbers),
    )
    return {Path(*row) for row in rows}


async def end(connection: Connection, cell: int, position: int, paths: Collection[Path]) -> None:
    """Close open paths at a position, which was just taken."""
    arrays = column_arrays(sorted(paths), 3)[:2]
    named = "unnest($2::int[], $3::int[]) as named (org_number, ancestor_number)"
    is_named = """
        path.cell = $1
            and path.org_number = named.org_number
            and path.ancestor_number = named.ancestor_number
            and path.until is null
    """
    # A path during which nothing was published in the cell is not kept.
    await connection.execute(
        f"delete from directory_path as path using {named} where {is_named} and path.since >= $4::bigint - 1",
        cell,
        *arrays,
        position,
    )
    await connection.execute(
        f"update directory_path as path set until = $4 from {named} where {is_named}", cell, *arrays, position
    )


async def add(connection: Connection, cell: int, position: int, paths: Collection[Path]) -> None:
    """Open paths, none of which is open, from a position on, which was just taken."""
    await connection.execute(
        """
        insert into directory_path (cell, org_number, ancestor_number, depth, since)
        select home.cell, new.org_number, new.ancestor_number, new.depth, $5
        from feed_head as home
        cross join unnest($2::int[], $3::int[], $4::smallint[]) as new (org_number, ancestor_number, depth)
        where home.cell = $1
        """,
        cell,
        *column_arrays(sorted(paths), 3),
        position,
    )
