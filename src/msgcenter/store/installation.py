"""Facts about this installation, by name."""

from msgcenter.database.database import Connection


async def remember(connection: Connection, name: str, value: bytes) -> bytes:
    """Store a fact unless one of this name is stored; return the stored value."""
    await connection.execute(
        "insert into installation (name, value) values ($1, $2) on conflict (name) do nothing", name, value
    )
    stored_value: bytes = await connection.fetchval("select value from installation where name = $1", name)
    return stored_value
