"""The organisations in the reports of a message: as its tree was at the send, with their names of now."""

from collections.abc import Collection
from typing import NamedTuple

from msgcenter.database.database import Connection
from msgcenter.domain.account import Platform
from msgcenter.domain.directory import NEVER
from msgcenter.domain.message import Message


class ReportOrg(NamedTuple):
    """An organisation, which may have been deleted since."""

    number: int
    org_id: str
    name: str


async def find_org(connection: Connection, platform: Platform, org_id: str) -> ReportOrg | None:
    """Return the organisation of a platform with this id, also if it was deleted."""
    row = await connection.fetchrow(
        "select number, org_id, name from directory_org where platform_code = $1 and org_id = $2",
        platform.code,
        org_id,
    )
    return ReportOrg(*row) if row else None


async def find_orgs(connection: Connection, numbers: Collection[int]) -> list[ReportOrg]:
    """Return the organisations with these numbers in the order of their ids."""
    rows = await connection.fetch(
        "select number, org_id, name from directory_org where number = any($1) order by org_id", sorted(numbers)
    )
    return [ReportOrg(*row) for row in rows]


async def children_at(connection: Connection, message: Message, org_number: int) -> list[int]:
    """Return the organisations just below another one when a message was sent; now, if it is not sent yet."""
    # The tree is the same in all cells of a platform.
    rows = await connection.fetch(
        """
        select org_number
        from directory_path
        where cell = $1
            and ancestor_number = $2
            and depth = 1
            and since < $3
            and coalesce(until, $3) >= $3
        """,
        message.platform.first_cell,
        org_number,
        NEVER if message.positions is None else message.positions[0],
    )
    return [row["org_number"] for row in rows]
