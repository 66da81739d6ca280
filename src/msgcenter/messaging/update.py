"""Updates: a sent message says something else, under the same id; what it said before is kept."""

from typing import NamedTuple

import msgspec

from msgcenter.database.database import Connection, Database
from msgcenter.domain.content import Body, Kind, business_id_of, kind_of
from msgcenter.domain.event import EventKind, MailboxEvent
from msgcenter.domain.mailbox import EntryChange
from msgcenter.domain.message import Message, State
from msgcenter.domain.message_id import now_ms
from msgcenter.domain.person import Actor
from msgcenter.domain.refusal import Reason, Refusal
from msgcenter.messaging.delivered_copies import delivered_copies, same_change, statements_of
from msgcenter.messaging.recall import own_message
from msgcenter.store import audit
from msgcenter.store.mailboxes import feed
from msgcenter.store.mailboxes.feed import FeedAction
from msgcenter.store.mailboxes.pages import change_pages
from msgcenter.store.messages import messages


class MessageVersion(NamedTuple):
    """What a message said from a time on (ms since 1970); `reset_read`: and was unread again."""

    version: int
    created_at: int
    reset_read: bool
    kind: Kind
    content: str


async def update(
    database: Database, app_number: int, message_id: int, body: Body, *, reset_read: bool, by: Actor
) -> list[MailboxEvent]:
    """Let an app's message say something else, and be unread again if `reset_read`; return what to tell.

    A repetition of the update before it changes nothing. Refuses with MESSAGE_UNKNOWN, also when it has expired, or
    ALREADY_RECALLED.
    """
    content = msgspec.json.encode(body)

    async def write(connection: Connection) -> list[MailboxEvent]:
        now = now_ms()
        message = await own_message(connection, app_number, message_id)
        state = message.state_at(now)
        if state is State.RECALLED:
            raise Refusal(Reason.ALREADY_RECALLED)
        if state is State.EXPIRED:
            raise Refusal(Reason.MESSAGE_UNKNOWN)
        is_same = message.kind == kind_of(body) and _equal(message.content, content)
        if is_same and (message.reset_read or not reset_read):
            return []
        await _replace_body(connection, message, body, content.decode(), reset_read=reset_read, now=now)
        await audit.record(
            connection,
            by,
            "message.update",
            str(message.id),
            now=now,
            app_number=app_number,
            version=message.version + 1,
            reset_read=reset_read,
        )
        return await _tell_and_reset(connection, message, reset_read=reset_read, now=now)

    return await database.in_transaction(write)


async def versions(connection: Connection, message: Message) -> list[MessageVersion]:
    """Return what a message has said, the first version first."""
    rows = await connection.fetch(
        "select version, created_at, reset_read, kind, content from message_version"
        " where message_id = $1 order by version",
        message.id,
    )
    present = message.created_at if message.updated_at is None else message.updated_at
    return [
        *(MessageVersion(*row) for row in rows),
        MessageVersion(message.version, present, message.reset_read, message.kind, message.content),
    ]


def _equal(stored: str, content: bytes) -> bool:
    given: object = msgspec.json.decode(content)  # PostgreSQL gives JSON back with other spaces and in another order
    return bool(msgspec.json.decode(stored) == given)


async def _replace_body(
    connection: Connection, message: Message, body: Body, content: str, *, reset_read: bool, now: int
) -> None:
    await connection.execute(
        "insert into message_version (message_id, version, created_at, reset_read, kind, content)"
        " values ($1, $2, $3, $4, $5, $6)",
        message.id,
        message.version,
        message.created_at if message.updated_at is None else message.updated_at,
        message.reset_read,
        message.kind,
        message.content,
    )
    await connection.execute(
        "update message set kind = $2, business_id = $3, content = $4, version = version + 1, updated_at = $5,"
        " reset_read = $6 where id = $1",
        message.id,
        kind_of(body),
        business_id_of(body),
        content,
        now,
        reset_read,
    )


async def _tell_and_reset(
    connection: Connection, message: Message, *, reset_read: bool, now: int
) -> list[MailboxEvent]:
    kinds: list[EventKind] = ["update", "status"] if reset_read else ["update"]
    if message.topic_number is not None:
        if not message.is_sent:
            return []
        if reset_read:
            (position,) = await feed.publish(connection, [feed.follow_up_row(message, FeedAction.UNREAD_AGAIN)])
            await messages.set_reset(connection, message.id, position, now)
        return [MailboxEvent(kind, message.platform_code, (), (message.id,), message.topic_number) for kind in kinds]
    copies = await delivered_copies(connection, message)
    if reset_read:
        for entries in statements_of([(key, message.id) for key in copies.keys]):
            await change_pages(connection, same_change(entries, EntryChange.UNREAD), now)
    return [event for kind in kinds for event in copies.events(kind)]
