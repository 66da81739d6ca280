"""The known users of a platform: the audience of a message to everyone."""

from collections.abc import Iterable, Sequence

from msgcenter.database.database import Connection
from msgcenter.domain.account import Platform


async def register(connection: Connection, cell: int, user_ids: Iterable[str]) -> list[str]:
    """Make users known in their cell from now on; return those who are new.

    New users start at the feed's present position, so they do not get earlier messages to everyone. Runs in the
    caller's transaction, in key order, and takes no locks on existing users.
    """
    rows = await connection.fetch(
        """
        insert into mailbox (cell, joined, pulled_to, user_id)
        select home.cell, home.position, home.position, new_user.user_id
        from feed_head as home
        cross join unnest($2::text[]) as new_user (user_id)
        where home.cell = $1
        on conflict (cell, user_id) do nothing
        returning user_id
        """,
        cell,
        sorted(set(user_ids)),
    )
    return [row["user_id"] for row in rows]


async def is_known(connection: Connection, cell: int, user_id: str) -> bool:
    """Return whether a cell knows a user."""
    known: bool = await connection.fetchval(
        "select exists (select from mailbox where cell = $1 and user_id = $2)", cell, user_id
    )
    return known


async def stays_known(connection: Connection, cell: int, user_id: str) -> bool:
    """Return whether a cell knows a user, who is not removed before the caller's transaction ends."""
    known: bool | None = await connection.fetchval(
        "select true from mailbox where cell = $1 and user_id = $2 for key share", cell, user_id
    )
    return known is not None


async def are_known(connection: Connection, cell: int, user_ids: Sequence[str]) -> bool:
    """Return whether a cell knows all of these distinct users."""
    known: int = await connection.fetchval(
        "select count(*) from mailbox where cell = $1 and user_id = any($2)", cell, user_ids
    )
    return known == len(user_ids)


async def knowing_cells(connection: Connection, cells: Iterable[int], user_id: str) -> set[int]:
    """Return those of the cells that know a user."""
    rows = await connection.fetch(
        "select cell from mailbox where cell = any($1) and user_id = $2", sorted(cells), user_id
    )
    return {row["cell"] for row in rows}


async def count_users(connection: Connection, platform: Platform) -> int:
    """Return the number of known users of a platform."""
    users: int = await connection.fetchval(
        "select count(*) from mailbox where cell = any($1) and forgotten is null", list(platform.all_cells)
    )
    return users
