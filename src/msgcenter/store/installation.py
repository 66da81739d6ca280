"""Facts about this installation."""

from msgcenter.database.database import Connection


async def remember(connection: Connection, name: str, value: bytes) -> bytes:
    """Store a fact if it is new; return what stands there now."""
    await connection.execute(
        "insert into installation (name, value) values ($1, $2) on conflict (name) do nothing", name, value
    )
    stored: bytes = await connection.fetchval("select value from installation where name = $1", name)
    return stored
