"""The known users of a platform; for operators."""

from collections.abc import Callable, Iterable
from itertools import islice

from msgcenter.actions.apps.platforms import check_platform
from msgcenter.database.database import Connection, Database
from msgcenter.domain.account import Platform
from msgcenter.domain.message_id import now_ms
from msgcenter.domain.person import COMMAND, Actor
from msgcenter.store import audit
from msgcenter.store.mailboxes import users as directory
from msgcenter.store.messages.audiences import by_cell

_USERS_PER_COMMIT = 5_000


async def import_users(
    database: Database,
    platform_code: str,
    user_ids: Iterable[str],
    on_batch: Callable[[int], None],
    *,
    by: Actor = COMMAND,
) -> int:
    """Make users known, so that broadcasts reach them from now on. Return how many were unknown before.

    `on_batch` is called after each commit with the number of ids in it. An import that was cut off can be repeated. The
    caller has checked the ids (`domain.identifiers.is_id`). Raises UnknownPlatformError.
    """
    platform = await check_platform(database, platform_code)
    remaining = iter(user_ids)
    new = 0
    while batch := tuple(islice(remaining, _USERS_PER_COMMIT)):
        new += await database.in_transaction(_register, platform, batch, by)
        on_batch(len(batch))
    return new


async def _register(connection: Connection, platform: Platform, user_ids: tuple[str, ...], by: Actor) -> int:
    new = 0
    for cell, cell_users in by_cell(platform, user_ids):
        new += len(await directory.register(connection, cell, cell_users))
    if new:
        await audit.record(connection, by, "platform.users", platform.code, now=now_ms(), new=new)
    return new


async def count_users(database: Database, platform_code: str) -> int:
    """Return how many users of a platform are known. Raises UnknownPlatformError."""
    platform = await check_platform(database, platform_code)
    async with database.connection() as connection:
        return await directory.count_users(connection, platform)
