"""Messages to audiences that were addressed before: one row of the feed for a chunk, whose members pull it.

The first message to a chunk of receivers is pushed into their mailboxes. From the second on, the chunk is a group: its
members are subscribed to it, as to a topic (docs/decisions/0022-groups.md). Approvals are always pushed.
"""

from collections.abc import Iterable, Sequence

from msgcenter.database.database import Connection, Database
from msgcenter.domain.account import Platform
from msgcenter.domain.message import AudienceChunk, Message
from msgcenter.domain.message_id import bucket_of
from msgcenter.messaging.pull import pull_all_within
from msgcenter.store.apps.platforms import find_platforms
from msgcenter.store.mailboxes import feed
from msgcenter.store.messages import audiences, groups
from msgcenter.store.messages.audiences import Chunk
from msgcenter.store.messages.groups import Group

IDLE_MS = 60 * 86_400_000
"""A group that was not used for so long is removed."""
_GROUPS_AT_ONCE = 20
_DIGESTS_AT_ONCE = 1_000
_ALWAYS = 1 << 62
"""After all times: a group is removed, however lately it was used."""


async def known_groups(connection: Connection, chunks: Iterable[AudienceChunk]) -> dict[AudienceChunk, Group]:
    """Return the groups of those of the chunks that have one. They stay until the transaction ends."""
    digests: dict[int, list[bytes]] = {}
    for chunk in chunks:
        digests.setdefault(chunk.cell, []).append(chunk.digest)
    return {
        AudienceChunk(cell, digest): group
        for cell in sorted(digests)
        for digest, group in (await groups.find(connection, cell, digests[cell])).items()
    }


async def make_group(connection: Connection, chunk: Chunk, now: int) -> Group:
    """Make a chunk of known users a group, unless another transaction has done so. Return it. `now` is ms since 1970.

    Blocks other publications in the cell until the transaction ends.
    """
    (position,) = await feed.take_positions(connection, chunk.cell, 1)
    if await groups.add(connection, chunk.cell, chunk.digest, position, now):
        await groups.add_members(connection, chunk.cell, position, chunk.user_ids)
        return Group(chunk.cell, chunk.digest, -position, now)
    return (await groups.find(connection, chunk.cell, [chunk.digest]))[chunk.digest]


async def settle(connection: Connection, message: Message, now: int) -> None:
    """Make the members of a message's groups pull, in the caller's transaction, which must not have locked a page yet.

    After it, the message is in all mailboxes that it was delivered to, as if it had been pushed.
    """
    delivered = message.audience[: message.delivered_chunks]
    known = await known_groups(connection, delivered)
    if not known:
        return
    user_ids = await audiences.read_chunks(connection, bucket_of(message.id), known)
    for chunk in sorted(known):
        await pull_all_within(connection, message.platform, chunk.cell, user_ids[chunk], now)


async def remove_idle(database: Database, now: int) -> int:
    """Remove some of the groups that were not used for long. Return how many."""
    async with database.connection() as connection:
        idle = await groups.idle(connection, now - IDLE_MS, _GROUPS_AT_ONCE)
        platforms = await find_platforms(connection)
    by_cell = {cell: platform for platform in platforms.values() for cell in platform.all_cells}
    for group in idle:
        await database.in_transaction(_remove, by_cell[group.cell], group, now)
    return len(idle)


async def remove_with_chunks(
    database: Database, platform: Platform, cell: int, digests: Sequence[bytes], now: int
) -> int:
    """Remove the groups of chunks of a cell; return how many. `now` is ms since 1970."""
    removed = 0
    for start in range(0, len(digests), _DIGESTS_AT_ONCE):
        async with database.connection() as connection:
            found = await groups.find(connection, cell, digests[start : start + _DIGESTS_AT_ONCE])
        for group in found.values():
            await database.in_transaction(_remove, platform, group, now, before=_ALWAYS)
        removed += len(found)
    return removed


async def _remove(
    connection: Connection, platform: Platform, group: Group, now: int, before: int | None = None
) -> None:
    members = await groups.remove(connection, group, now - IDLE_MS if before is None else before)
    if members:
        # What the members have still to pull is theirs: they keep it.
        await pull_all_within(connection, platform, group.cell, members, now)
        await groups.remove_members(connection, group, members)
