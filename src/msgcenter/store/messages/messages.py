"""Messages: one row per send, whatever the number of receivers."""

from collections.abc import Sequence
from typing import NamedTuple

import asyncpg

from msgcenter.database.database import Connection
from msgcenter.database.statements import affected_rows
from msgcenter.domain.content import Kind
from msgcenter.domain.message import Message
from msgcenter.domain.message_id import MAX_ID

_COLUMNS = """
    id, app_number, platform_code, kind, business_id, content, approval, receivers, audience, delivered_chunks,
    created_at, send_at, expires_at, recalled_at, closed_at, topic_number, position, version, updated_at, reset_read,
    reminded_at, closed_by, reset_position, reset_at, request_id
"""
_DIGEST_BYTES = 32


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
    return Message(**{**dict(row), "audience": digests_of(row["audience"])})


def digests_of(audience: bytes) -> tuple[bytes, ...]:
    """Return the digests of the chunks of an audience, as the column `message.audience` has them."""
    return tuple(audience[start : start + _DIGEST_BYTES] for start in range(0, len(audience), _DIGEST_BYTES))


async def insert_messages(connection: Connection, messages: Sequence[Message]) -> None:
    """Store new messages. Raises the driver's UniqueViolationError if one of the ids is taken."""
    await connection.execute(
        """
        insert into message (id, app_number, platform_code, kind, business_id, content, approval, receivers, audience,
            delivered_chunks, created_at, send_at, expires_at, topic_number, position, request_id)
        select * from unnest($1::bigint[], $2::int[], $3::text[], $4::text[], $5::text[], $6::jsonb[], $7::bool[],
            $8::int[], $9::bytea[], $10::int[], $11::bigint[], $12::bigint[], $13::bigint[], $14::int[], $15::bigint[],
            $16::text[])
        """,
        [message.id for message in messages],
        [message.app_number for message in messages],
        [message.platform_code for message in messages],
        [message.kind for message in messages],
        [message.business_id for message in messages],
        [message.content for message in messages],
        [message.approval for message in messages],
        [message.receivers for message in messages],
        [b"".join(message.audience) for message in messages],
        [message.delivered_chunks for message in messages],
        [message.created_at for message in messages],
        [message.send_at for message in messages],
        [message.expires_at for message in messages],
        [message.topic_number for message in messages],
        [message.position for message in messages],
        [message.request_id for message in messages],
    )


# --- Look-ups -------------------------------------------------------------------------------------------------------


async def find_message(connection: Connection, message_id: int) -> Message | None:
    """Return the message with this id."""
    row = await connection.fetchrow(f"select {_COLUMNS} from message where id = $1", message_id)
    return _message_of(row) if row else None


async def find_messages(connection: Connection, message_ids: Sequence[int]) -> list[Message]:
    """Return the messages with these ids, in no particular order."""
    rows = await connection.fetch(f"select {_COLUMNS} from message where id = any($1)", message_ids)
    return [_message_of(row) for row in rows]


async def lock_messages(connection: Connection, message_ids: Sequence[int]) -> list[Message]:
    """Return messages in the order of their ids, locked until the transaction ends."""
    rows = await connection.fetch(
        f"select {_COLUMNS} from message where id = any($1) order by id for update", message_ids
    )
    return [_message_of(row) for row in rows]


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


async def expiry_times(connection: Connection, message_ids: Sequence[int]) -> dict[int, int]:
    """Return when messages expire (ms since 1970), by message id. Messages that never expire are left out."""
    rows = await connection.fetch(
        "select id, expires_at from message where id = any($1) and expires_at is not null", message_ids
    )
    return {row["id"]: row["expires_at"] for row in rows}


# --- Changes --------------------------------------------------------------------------------------------------------


async def set_closed(
    connection: Connection, message_ids: Sequence[int], closed_at: int | None, closed_by: str | None
) -> None:
    """Close approvals at a time (ms since 1970), or reopen them with None.

    An approval that is closed already keeps its time and its `closed_by`.
    """
    await connection.execute(
        """
        update message
        set closed_at = case when $2::bigint is null then null else coalesce(closed_at, $2) end,
            closed_by = case when $2::bigint is null then null when closed_at is null then $3 else closed_by end
        where id = any($1)
        """,
        message_ids,
        closed_at,
        closed_by,
    )


async def set_recalled(connection: Connection, message_id: int, recalled_at: int) -> None:
    """Set when a message was recalled (ms since 1970)."""
    await connection.execute("update message set recalled_at = $2 where id = $1", message_id, recalled_at)


async def set_position(connection: Connection, message_id: int, position: int) -> None:
    """Set a message's position in its platform's feed, which makes it sent."""
    await connection.execute("update message set position = $2 where id = $1", message_id, position)


async def set_reset(connection: Connection, message_id: int, position: int, reset_at: int) -> None:
    """Set the feed position and the time (ms since 1970) at which a message was set unread again."""
    await connection.execute(
        "update message set reset_position = $2, reset_at = $3 where id = $1", message_id, position, reset_at
    )


async def set_reminded(connection: Connection, message_id: int, reminded_at: int, not_after: int) -> bool:
    """Set when the readers of a message were reminded; return False if that was after `not_after` (ms since 1970)."""
    status = await connection.execute(
        "update message set reminded_at = $2 where id = $1 and (reminded_at is null or reminded_at <= $3)",
        message_id,
        reminded_at,
        not_after,
    )
    return affected_rows(status) > 0


async def advance_delivery(connection: Connection, message_id: int, delivered: int) -> Message | None:
    """Claim the next chunk of a fan-out: count it as delivered, if `delivered` chunks were delivered before.

    Returns the message after that change; None if another process has delivered the chunk, or the message is recalled.
    The row stays locked until the transaction ends, so a recall or the decision of an approval comes wholly before or
    wholly after the chunk.
    """
    row = await connection.fetchrow(
        f"""
        update message
        set delivered_chunks = delivered_chunks + 1
        where id = $1 and delivered_chunks = $2 and recalled_at is null
        returning {_COLUMNS}
        """,
        message_id,
        delivered,
    )
    return _message_of(row) if row else None
