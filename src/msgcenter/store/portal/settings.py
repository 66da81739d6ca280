"""Settings that operators change in the portal."""

from msgcenter.database.database import Connection


async def portal_setting(connection: Connection, name: str) -> str | None:
    """Return a setting."""
    value: str | None = await connection.fetchval("select value from portal_setting where name = $1", name)
    return value


async def set_portal_setting(connection: Connection, name: str, value: str) -> None:
    """Store a setting."""
    await connection.execute(
        "insert into portal_setting (name, value) values ($1, $2) on conflict (name) do update set value = $2",
        name,
        value,
    )
