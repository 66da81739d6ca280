"""Messages: one row per send, whatever the number of receivers, in the first cell of their platform."""

from collections.abc import Collection, Sequence
from itertools import groupby
from typing import NamedTuple

import asyncpg

from msgcenter.database.database import Connection
from msgcenter.database.statements import affected_rows
from msgcenter.domain.account import Platform
from msgcenter.domain.content import Kind
from msgcenter.domain.message import AudienceChunk, Message
from msgcenter.domain.message_id import MAX_ID

_COLUMNS = """
    platform_code, cell, cells, audience, audience_cells, id, app_number, kind, business_id, content, approval,
    receivers, delivered_chunks, created_at, send_at, expires_at, recalled_at, closed_at, topic_number, positions,
    version, updated_at, reset_read, reminded_at, closed_by, reset_positions, reset_at, request_id,
    sender_name, type_code
"""
_DIGEST_BYTES = 32


class MessageKey(NamedTuple):
    """The key of a message: the first cell of its platform, and its id. The order of locks."""

    cell: int
    id: int

    @classmethod
    def of(cls, message: Message) -> "MessageKey":
        """Return the key of a message."""
        return cls(message.platform.first_cell, message.id)


class MessageFilter(NamedTuple):
    """Which messages to list; None means all. Bounds of time are message ids (`domain.message_id.first_id_at`)."""

    app_number: int
    business_id: str | None = None
    kind: Kind | None = None
    first_id: int = 0
    before_id: int = MAX_ID
    platform_code: str | None = None

    def matches(self, message: Message) -> bool:
        """Return whether `list_messages` would list a message."""
        return (
            message.app_number == self.app_number
            and self.first_id <= message.id < self.before_id
            and self.business_id in {None, message.business_id}
            and self.kind in {None, message.kind}
            and self.platform_code in {None, message.platform_code}
        )


def _message_of(row: asyncpg.Record) -> Message:
    platform_code, cell, cells, audience, audience_cells, *_ = row
    values = dict(row)
    for name in ("platform_code", "cell", "cells", "audience_cells"):
        del values[name]
    for name in ("positions", "reset_positions"):
        values[name] = None if values[name] is None else tuple(values[name])
    values["audience"] = chunks_in(cell, audience, audience_cells)
    return Message(platform=Platform(platform_code, cell, cells), **values)


def chunks_in(cell: int, audience: bytes, audience_cells: Sequence[int] | None) -> tuple[AudienceChunk, ...]:
    """Return the chunks of the audience of a message in a cell, from the columns `audience` and `audience_cells`."""
    digests = [audience[start : start + _DIGEST_BYTES] for start in range(0, len(audience), _DIGEST_BYTES)]
    return tuple(map(AudienceChunk, audience_cells or [cell] * len(digests), digests))


async def insert_messages(connection: Connection, cell: int, messages: Sequence[Message]) -> None:
    """Store new messages in their cell. Raises the driver's UniqueViolationError if one of the ids is taken."""
    await connection.execute(
        """
        insert into message (cell, cells, id, app_number, platform_code, kind, business_id, content, approval,
            receivers, audience, audience_cells, delivered_chunks, created_at, send_at, expires_at, topic_number,
            positions, request_id, sender_name, type_code)
        select home.cell, cells, id, app_number, platform_code, kind, business_id, content, approval, receivers,
            audience, string_to_array(audience_cells, ',')::int[], delivered_chunks, created_at, send_at, expires_at,
            topic_number, string_to_array(positions, ',')::bigint[], request_id, sender_name,
            type_code
        from feed_head as home
        cross join unnest($2::smallint[], $3::bigint[], $4::int[], $5::text[], $6::text[], $7::text[], $8::jsonb[],
                $9::bool[], $10::int[], $11::bytea[], $12::text[], $13::int[], $14::bigint[], $15::bigint[],
                $16::bigint[], $17::int[], $18::text[], $19::text[], $20::text[],
                $21::text[])
            as message (cells, id, app_number, platform_code, kind, business_id, content, approval, receivers, audience,
                audience_cells, delivered_chunks, created_at, send_at, expires_at, topic_number, positions, request_id,
                sender_name, type_code)
        where home.cell = $1
        """,
        cell,
        [message.platform.cells for message in messages],
        [message.id for message in messages],
        [message.app_number for message in messages],
        [message.platform_code for message in messages],
        [message.kind for message in messages],
        [message.business_id for message in messages],
        [message.content for message in messages],
        [message.approval for message in messages],
        [message.receivers for message in messages],
        [b"".join(chunk.digest for chunk in message.audience) for message in messages],
        [_audience_cells(message) for message in messages],
        [message.delivered_chunks for message in messages],
        [message.created_at for message in messages],
        [message.send_at for message in messages],
        [message.expires_at for message in messages],
        [message.topic_number for message in messages],
        [None if message.positions is None else ",".join(map(str, message.positions)) for message in messages],
        [message.request_id for message in messages],
        [message.sender_name for message in messages],
        [message.type_code for message in messages],
    )


def _audience_cells(message: Message) -> str | None:
    if message.platform.cells == 1:
        return None
    return ",".join(str(chunk.cell) for chunk in message.audience)


# --- Look-ups -------------------------------------------------------------------------------------------------------


async def find_message(connection: Connection, key: MessageKey) -> Message | None:
    """Return the message with this key."""
    row = await connection.fetchrow(f"select {_COLUMNS} from message where cell = $1 and id = $2", *key)
    return _message_of(row) if row else None


async def find_messages(connection: Connection, cell: int, message_ids: Sequence[int]) -> list[Message]:
    """Return the messages with these ids in a cell, in no particular order."""
    rows = await connection.fetch(f"select {_COLUMNS} from message where cell = $1 and id = any($2)", cell, message_ids)
    return [_message_of(row) for row in rows]


async def find_sent(connection: Connection, app_number: int, message_ids: Sequence[int]) -> list[Message]:
    """Return those of the messages that an app has sent, on any platform, in no particular order."""
    rows = await connection.fetch(
        f"select {_COLUMNS} from message where app_number = $1 and id = any($2)", app_number, message_ids
    )
    return [_message_of(row) for row in rows]


async def find_anywhere(connection: Connection, message_id: int) -> Message | None:
    """Return the message with this id, of any app and platform. Looks into every cell."""
    row = await connection.fetchrow(f"select {_COLUMNS} from message where id = $1", message_id)
    return _message_of(row) if row else None


async def lock_messages(connection: Connection, keys: Collection[MessageKey]) -> list[Message]:
    """Return messages in key order, locked until the transaction ends. Takes a statement for each cell."""
    locked: list[Message] = []
    for cell, cell_keys in groupby(sorted(keys), key=lambda key: key.cell):
        rows = await connection.fetch(
            f"select {_COLUMNS} from message where cell = $1 and id = any($2) order by id for update",
            cell,
            [key.id for key in cell_keys],
        )
        locked += map(_message_of, rows)
    return locked


async def list_messages(connection: Connection, query: MessageFilter, limit: int) -> list[Message]:
    """Return up to `limit` messages of an app that match the filter, newest first."""
    conditions = ["app_number = $1", "id >= $2", "id < $3"]
    values: list[object] = [query.app_number, query.first_id, query.before_id]
    for column, value in (
        ("business_id", query.business_id),
        ("kind", query.kind),
        ("platform_code", query.platform_code),
    ):
        if value is not None:
            values.append(value)
            conditions.append(f"{column} = ${len(values)}")
    rows = await connection.fetch(
        f"""
        select {_COLUMNS}
        from message
        where {" and ".join(conditions)}
        order by id desc
        limit {int(limit)}
        """,
        *values,
    )
    return [_message_of(row) for row in rows]


async def expiry_times(connection: Connection, cell: int, message_ids: Sequence[int]) -> dict[int, int]:
    """Return when messages in a cell expire (ms since 1970), by message id. Messages that never expire are left out."""
    rows = await connection.fetch(
        "select id, expires_at from message where cell = $1 and id = any($2) and expires_at is not null",
        cell,
        message_ids,
    )
    return {row["id"]: row["expires_at"] for row in rows}


# --- Changes --------------------------------------------------------------------------------------------------------


async def set_closed(
    connection: Connection, keys: Collection[MessageKey], closed_at: int | None, closed_by: str | None
) -> None:
    """Close approvals at a time (ms since 1970), or reopen them with None. Takes a statement for each cell.

    An approval that is closed already keeps its time and its `closed_by`.
    """
    for cell, cell_keys in groupby(sorted(keys), key=lambda key: key.cell):
        await connection.execute(
            """
            update message
            set closed_at = case when $3::bigint is null then null else coalesce(closed_at, $3) end,
                closed_by = case when $3::bigint is null then null when closed_at is null then $4 else closed_by end
            where cell = $1 and id = any($2)
            """,
            cell,
            [key.id for key in cell_keys],
            closed_at,
            closed_by,
        )


async def set_recalled(connection: Connection, key: MessageKey, recalled_at: int) -> None:
    """Set when a message was recalled (ms since 1970)."""
    await connection.execute("update message set recalled_at = $3 where cell = $1 and id = $2", *key, recalled_at)


async def set_positions(connection: Connection, key: MessageKey, positions: Sequence[int]) -> None:
    """Set a message's positions in the feeds of its platform's cells, which makes it sent."""
    await connection.execute("update message set positions = $3 where cell = $1 and id = $2", *key, positions)


async def set_reset(connection: Connection, key: MessageKey, positions: Sequence[int], reset_at: int) -> None:
    """Set the feed positions and the time (ms since 1970) at which a message was set unread again."""
    await connection.execute(
        "update message set reset_positions = $3, reset_at = $4 where cell = $1 and id = $2", *key, positions, reset_at
    )


async def set_reminded(connection: Connection, key: MessageKey, reminded_at: int, not_after: int) -> bool:
    """Set when the readers of a message were reminded; return False if that was after `not_after` (ms since 1970)."""
    status = await connection.execute(
        """
        update message
        set reminded_at = $3
        where cell = $1 and id = $2 and (reminded_at is null or reminded_at <= $4)
        """,
        *key,
        reminded_at,
        not_after,
    )
    return affected_rows(status) > 0


async def advance_delivery(connection: Connection, key: MessageKey, delivered: int) -> Message | None:
    """Claim the next chunk of a fan-out: count it as delivered, if `delivered` chunks were delivered before.

    Returns the message after that change; None if another process has delivered the chunk, or the message is recalled.
    The row stays locked until the transaction ends, so a recall or the decision of an approval comes wholly before or
    wholly after the chunk.
    """
    row = await connection.fetchrow(
        f"""
        update message
        set delivered_chunks = delivered_chunks + 1
        where cell = $1 and id = $2 and delivered_chunks = $3 and recalled_at is null
        returning {_COLUMNS}
        """,
        *key,
        delivered,
    )
    return _message_of(row) if row else None
