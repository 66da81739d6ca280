"""The versions of a message's content: the current one is in `message`, the earlier ones in `message_version`."""

from typing import NamedTuple

from msgcenter.database.database import Connection
from msgcenter.domain.content import Body, Kind, business_id_of, kind_of
from msgcenter.domain.message import Message
from msgcenter.store.messages.messages import MessageKey


class MessageVersion(NamedTuple):
    """The content of a message from `created_at` (ms since 1970) on. `reset_read`: it was set unread with it."""

    version: int
    created_at: int
    reset_read: bool
    kind: Kind
    content: str


async def versions(connection: Connection, message: Message) -> list[MessageVersion]:
    """Return all versions of a message's content, oldest first."""
    rows = await connection.fetch(
        """
        select version, created_at, reset_read, kind, content
        from message_version
        where cell = $1 and message_id = $2
        order by version
        """,
        *MessageKey.of(message),
    )
    return [*(MessageVersion(*row) for row in rows), _current(message)]


async def replace_body(
    connection: Connection, message: Message, body: Body, content: str, *, reset_read: bool, now: int
) -> None:
    """Keep the current version of a message, which is locked, and give it a new body at `now` (ms since 1970).

    `content` is the body as JSON.
    """
    await connection.execute(
        """
        insert into message_version (cell, message_id, version, created_at, reset_read, kind, content)
        values ($1, $2, $3, $4, $5, $6, $7)
        """,
        *MessageKey.of(message),
        *_current(message),
    )
    await connection.execute(
        """
        update message
        set kind = $3, business_id = $4, content = $5, version = version + 1, updated_at = $6, reset_read = $7
        where cell = $1 and id = $2
        """,
        *MessageKey.of(message),
        kind_of(body),
        business_id_of(body),
        content,
        now,
        reset_read,
    )


def _current(message: Message) -> MessageVersion:
    since = message.created_at if message.updated_at is None else message.updated_at
    return MessageVersion(message.version, since, message.reset_read, message.kind, message.content)
