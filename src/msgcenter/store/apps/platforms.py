"""Platforms: cities, districts or groups of schools with users of their own."""

from collections.abc import Sequence
from typing import NamedTuple

from msgcenter.database.database import Connection
from msgcenter.database.statements import affected_rows


class PlatformRecord(NamedTuple):
    """A platform. `app_schemes` are the URL schemes of its own mobile apps, `apps` is the number of its apps."""

    code: str
    name: str
    app_schemes: tuple[str, ...]
    created_at: int
    apps: int


async def ensure_platform(connection: Connection, code: str, name: str, now: int) -> bool:
    """Add a platform unless it exists; return whether it is new. `now` is ms since 1970."""
    status = await connection.execute(
        "insert into platform (code, name, created_at) values ($1, $2, $3) on conflict (code) do nothing",
        code,
        name,
        now,
    )
    return affected_rows(status) > 0


async def list_platforms(connection: Connection) -> list[PlatformRecord]:
    """Return all platforms, ordered by code."""
    rows = await connection.fetch(
        """
        select platform.code, platform.name, platform.app_schemes, platform.created_at,
            (select count(*) from app where app.platform_code = platform.code) as apps
        from platform
        order by platform.code
        """
    )
    return [
        PlatformRecord(row["code"], row["name"], tuple(row["app_schemes"]), row["created_at"], row["apps"])
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
