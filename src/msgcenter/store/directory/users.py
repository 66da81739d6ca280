"""What the directory knows of users."""

from collections.abc import Collection, Sequence

from msgcenter.database.database import Connection
from msgcenter.database.statements import affected_rows, column_arrays
from msgcenter.domain.directory import DirectoryUser

_COLUMNS = "user_id, name, coalesce(locale, ''), coalesce(time_zone, ''), disabled"


async def find(connection: Connection, cell: int, user_ids: Collection[str]) -> dict[str, DirectoryUser]:
    """Return those of the users of a cell that are in the directory."""
    rows = await connection.fetch(
        f"select {_COLUMNS} from directory_user where cell = $1 and user_id = any($2)", cell, sorted(user_ids)
    )
    return {row["user_id"]: DirectoryUser(*row) for row in rows}


async def write(connection: Connection, cell: int, users: Sequence[DirectoryUser]) -> None:
    """Add users of a cell or change them."""
    await connection.execute(
        """
        insert into directory_user (cell, user_id, name, locale, time_zone, disabled)
        select home.cell, new.user_id, new.name, nullif(new.locale, ''), nullif(new.time_zone, ''), new.disabled
        from feed_head as home
        cross join unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::boolean[])
            as new (user_id, name, locale, time_zone, disabled)
        where home.cell = $1
        on conflict (cell, user_id) do update
        set name = excluded.name,
            locale = excluded.locale,
            time_zone = excluded.time_zone,
            disabled = excluded.disabled
        """,
        cell,
        *column_arrays(sorted(users), 5),
    )


async def add_nameless(connection: Connection, cell: int, user_ids: Collection[str]) -> int:
    """Add those of the users of a cell who are not in the directory, without a name. Return how many were not."""
    status = await connection.execute(
        """
        insert into directory_user (cell, user_id, name)
        select home.cell, new_user.user_id, ''
        from feed_head as home
        cross join unnest($2::text[]) as new_user (user_id)
        where home.cell = $1
        on conflict (cell, user_id) do nothing
        """,
        cell,
        sorted(user_ids),
    )
    return affected_rows(status)


async def remove(connection: Connection, cell: int, user_ids: Collection[str]) -> None:
    """Remove users of a cell from the directory. Their memberships have ended."""
    await connection.execute("delete from directory_user where cell = $1 and user_id = any($2)", cell, sorted(user_ids))


async def list_users(connection: Connection, cell: int, after: str, limit: int) -> list[DirectoryUser]:
    """Return up to `limit` users of a cell, by user id, starting after `after`."""
    rows = await connection.fetch(
        f"""
        select {_COLUMNS}
        from directory_user
        where cell = $1 and user_id > $2
        order by user_id
        limit $3
        """,
        cell,
        after,
        limit,
    )
    return [DirectoryUser(*row) for row in rows]
