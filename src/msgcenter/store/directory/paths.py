"""Which organisations are above which, in each cell, as intervals of feed positions."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from msgcenter.database.database import Connection
from msgcenter.database.statements import column_arrays


class Path(NamedTuple):
    """An organisation and one that is `depth` levels above it; 0 is the organisation itself."""

    org_number: int
    ancestor_number: int
    depth: int


async def replace(
    connection: Connection, cell: int, position: int, org_numbers: Collection[int], paths: Sequence[Path]
) -> None:
    """Make `paths` all paths of the organisations in a cell from a position on, which was just taken."""
    arrays = column_arrays(paths, 3)
    outdated = """
        path.cell = $1
            and path.org_number = any($2)
            and path.until is null
            and not exists (
                select
                from unnest($3::int[], $4::int[], $5::smallint[]) as kept (org_number, ancestor_number, depth)
                where kept.org_number = path.org_number
                    and kept.ancestor_number = path.ancestor_number
                    and kept.depth = path.depth
            )
    """
    numbers = sorted(org_numbers)
    # A path during which nothing was published in the cell is not kept.
    await connection.execute(
        f"delete from directory_path as path where {outdated} and path.since >= $6::bigint - 1",
        cell,
        numbers,
        *arrays,
        position,
    )
    await connection.execute(
        f"update directory_path as path set until = $6 where {outdated}", cell, numbers, *arrays, position
    )
    await connection.execute(
        """
        insert into directory_path (cell, org_number, ancestor_number, depth, since)
        select home.cell, new.org_number, new.ancestor_number, new.depth, $5
        from feed_head as home
        cross join unnest($2::int[], $3::int[], $4::smallint[]) as new (org_number, ancestor_number, depth)
        where home.cell = $1
            and not exists (
                select
                from directory_path as path
                where path.cell = $1
                    and path.org_number = new.org_number
                    and path.ancestor_number = new.ancestor_number
                    and path.until is null
            )
        """,
        cell,
        *arrays,
        position,
    )
