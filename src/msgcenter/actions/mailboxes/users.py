"""The directory of a platform's users, as far as they are known; for operators."""

from collections.abc import Callable, Iterable
from itertools import islice

from msgcenter.actions.apps.platforms import check_platform
from msgcenter.database.database import Connection, Database
from msgcenter.domain.message_id import now_ms
from msgcenter.domain.person import COMMAND, Actor
from msgcenter.store import audit
from msgcenter.store.mailboxes import users as directory

_BATCH = 5_000
"""Users per transaction."""


async def import_users(
    database: Database,
    platform_code: str,
    user_ids: Iterable[str],
    on_batch: Callable[[int], None],
    *,
    by: Actor = COMMAND,
) -> int:
    """Make users known, so that what is sent to everyone from now on reaches them; return how many were not yet.

    `on_batch` is told after each commit how many ids it held. What was cut off is done again without harm. The ids
    must be such (`domain.identifiers.is_id`). Raises UnknownPlatformError.
    """
    await check_platform(database, platform_code)
    rest = iter(user_ids)
    new = 0
    while batch := list(islice(rest, _BATCH)):

        async def write(connection: Connection, batch: list[str] = batch) -> int:
            users = await directory.register(connection, platform_code, batch)
            if users:
                await audit.record(connection, by, "platform.users", platform_code, now=now_ms(), new=users)
            return users

        new += await database.in_transaction(write)
        on_batch(len(batch))
    return new


async def count_users(database: Database, platform_code: str) -> int:
    """Return how many users of a platform are known. Raises UnknownPlatformError."""
    await check_platform(database, platform_code)
    async with database.connection() as connection:
        return await directory.count_users(connection, platform_code)
