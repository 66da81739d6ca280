"""Removing a person from a platform (docs/operating.md, "Data protection")."""

from collections.abc import Callable
from typing import NamedTuple

from msgcenter.actions.apps.platforms import check_platform
from msgcenter.database.database import Connection, Database
from msgcenter.domain.account import Recipient
from msgcenter.domain.forgotten import anonymous_id
from msgcenter.domain.message_id import now_ms
from msgcenter.domain.person import Actor
from msgcenter.messaging import forget as forgetting
from msgcenter.messaging import groups
from msgcenter.messaging.forget import Removed
from msgcenter.store import audit
from msgcenter.store.mailboxes.forgetting import START, ChunkPlace, chunks_with, count_chunks

_CHUNKS = 2_000
"""Audience chunks that one statement looks through: up to some 20 MB."""


class UnknownUserError(ValueError):
    """The platform knows nothing of this user."""

    def __init__(self, platform_code: str, user_id: str) -> None:
        super().__init__(f"Platform {platform_code} has no user {user_id}.")


class _DryRunError(Exception):
    """Ends the transaction of a dry run, which changes nothing."""

    def __init__(self, removed: Removed) -> None:
        super().__init__()
        self.removed = removed


class _Work(NamedTuple):
    recipient: Recipient
    chunks: list[ChunkPlace]
    dry_run: bool
    by: Actor


async def forget_user(
    database: Database,
    platform_code: str,
    user_id: str,
    *,
    dry_run: bool = False,
    on_chunks: Callable[[int, int], None],
    by: Actor,
) -> Removed:
    """Remove a user of a platform: mailbox, directory entry, subscriptions, contact points, preferences.

    Where receipts need a recipient, a random id stands in the user's place; nothing leads back from it. The audit log
    says how much was removed, not whose it was. `on_chunks` is called with how many audience chunks were looked
    through, of how many. `dry_run` returns what would be removed. Raises UnknownPlatformError and UnknownUserError.
    """
    platform = await check_platform(database, platform_code)
    recipient = platform.recipient(user_id)
    work = _Work(recipient, await _chunks_with(database, recipient, on_chunks), dry_run, by)
    if not dry_run:
        # The next message to such a list makes a group again, of those who are receivers then.
        await groups.remove_with_chunks(database, platform, recipient.cell, [it.digest for it in work.chunks], now_ms())
    try:
        return await database.in_transaction(_forget, work)
    except _DryRunError as result:
        return result.removed


async def _chunks_with(
    database: Database, recipient: Recipient, on_chunks: Callable[[int, int], None]
) -> list[ChunkPlace]:
    async with database.connection() as connection:
        total = await count_chunks(connection, recipient.cell)
    found: list[ChunkPlace] = []
    place: ChunkPlace | None = START
    done = 0
    while place is not None:
        on_chunks(done, total)
        async with database.connection() as connection:
            part, place = await chunks_with(connection, recipient.cell, recipient.user_id, place, _CHUNKS)
        found += part
        done += _CHUNKS
    on_chunks(total, total)
    return found


async def _forget(connection: Connection, work: _Work) -> Removed:
    recipient, now = work.recipient, now_ms()
    new_id = anonymous_id(recipient.platform, recipient.user_id)
    removed = await forgetting.forget(connection, recipient, new_id, work.chunks, now)
    if not any(removed):
        raise UnknownUserError(recipient.platform_code, recipient.user_id)
    if work.dry_run:
        raise _DryRunError(removed)
    counts = {name: int(count) for name, count in removed._asdict().items() if count}
    await audit.record(connection, work.by, "platform.forget", recipient.platform_code, now=now, removed=counts)
    return removed
