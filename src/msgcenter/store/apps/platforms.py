"""Platforms: cities, districts or groups of schools with users of their own."""

from collections.abc import Sequence
from typing import NamedTuple

from msgcenter.database.database import Connection
from msgcenter.database.statements import affected_rows
from msgcenter.domain.account import Platform


class PlatformRecord(NamedTuple):
    """A platform. `app_schemes` are the URL schemes of its own mobile apps, `apps` is the number of its apps."""

    code: str
    name: str
    app_schemes: tuple[str, ...]
    created_at: int
    apps: int
    cells: int


async def ensure_platform(connection: Connection, code: str, name: str, now: int, *, cells: int | None = None) -> bool:
    """Add a platform with this number of cells unless it exists; return whether it is new. `now` is ms since 1970.

    Without a number, it has as many as the column's default says: one. The number of cells never changes, since it
    decides where each user's data is. Runs inside a transaction.
    """
    if await connection.fetchval("select true from platform where code = $1", code):
        return False
    # One transaction at a time takes the next numbers for cells.
    await connection.execute("lock table platform in share row exclusive mode")
    status = await connection.execute(
        """
        insert into platform (code, name, created_at, first_cell)
        select $1, $2, $3, coalesce(max(first_cell + cells), 1) from platform
        on conflict (code) do nothing
        """,
        code,
        name,
        now,
    )
    if not affected_rows(status):
        return False
    row = await connection.fetchrow(
        "update platform set cells = coalesce($2, cells) where code = $1 returning code, first_cell, cells", code, cells
    )
    assert row is not None
    await _add_cells(connection, Platform(*row))
    return True


async def _add_cells(connection: Connection, platform: Platform) -> None:
    """Add the row that each cell of a platform has from the start (`store.mailboxes.feed`)."""
    await connection.executemany(
        "insert into feed_head (cell, position) values ($1, 0)", [(cell,) for cell in platform.all_cells]
    )


async def find_platforms(connection: Connection) -> dict[str, Platform]:
    """Return all platforms, by their codes, in order."""
    rows = await connection.fetch("select code, first_cell, cells from platform order by code")
    return {row["code"]: Platform(*row) for row in rows}


async def list_platforms(connection: Connection) -> list[PlatformRecord]:
    """Return all platforms, ordered by code."""
    rows = await connection.fetch(
        """
        select platform.code, platform.name, platform.app_schemes, platform.created_at, platform.cells,
            (select count(*) from app where app.platform_code = platform.code) as apps
        from platform
        order by platform.code
        """
    )
    return [
        PlatformRecord(
            row["code"], row["name"], tuple(row["app_schemes"]), row["created_at"], row["apps"], row["cells"]
        )
        for row in rows
    ]


async def platform_codes(connection: Connection) -> list[str]:
    """Return the codes of all platforms, in order."""
    return [row["code"] for row in await connection.fetch("select code from platform order by code")]


async def platform_names(connection: Connection) -> list[str]:
    """Return the names and codes of all platforms, in no particular order."""
    rows = await connection.fetch("select code, name from platform")
    return [text for row in rows for text in row]


async def change_platform(connection: Connection, code: str, name: str, app_schemes: Sequence[str]) -> bool:
    """Set the name and URL schemes of a platform; return False if there is no such platform.

    The app that sends the platform's announcements gets the name too.
    """
    status = await connection.execute(
        "update platform set name = $2, app_schemes = $3 where code = $1", code, name, app_schemes
    )
    await connection.execute("update app set name = $2 where platform_code = $1 and notices", code, name)
    return affected_rows(status) > 0
