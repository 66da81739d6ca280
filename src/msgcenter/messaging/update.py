"""Update: gives a sent message new content under the same id and keeps the earlier version."""

import msgspec

from msgcenter.database.database import Connection, Database
from msgcenter.domain.channels.template import UsedTemplate
from msgcenter.domain.content import Body, kind_of
from msgcenter.domain.event import EventKind, MailboxEvent
from msgcenter.domain.mailbox import EntryChange
from msgcenter.domain.message import Message, State
from msgcenter.domain.message_id import now_ms
from msgcenter.domain.person import Actor
from msgcenter.domain.refusal import Reason, Refusal
from msgcenter.messaging.addressed import publish_about
from msgcenter.messaging.delivered_copies import delivered_copies, same_change, statements_of
from msgcenter.messaging.groups import settle
from msgcenter.messaging.recall import lock_own_message
from msgcenter.store import audit
from msgcenter.store.channels import message_params
from msgcenter.store.mailboxes.feed import FeedAction
from msgcenter.store.mailboxes.read_states import change_pages
from msgcenter.store.messages import messages
from msgcenter.store.messages.messages import MessageKey
from msgcenter.store.messages.versions import replace_body


async def update(
    database: Database,
    app_number: int,
    message_id: int,
    body: Body,
    *,
    template: UsedTemplate | None = None,
    reset_read: bool,
    by: Actor,
) -> list[MailboxEvent]:
    """Update the content of an app's message, and set it unread for everyone if `reset_read`.

    `template` has made the body; None if the app wrote it. Return the events to publish. A repetition of the last
    update changes nothing. Refuses with MESSAGE_UNKNOWN (also for an expired message) or ALREADY_RECALLED.
    """
    return await database.in_transaction(
        _update,
        app_number,
        message_id,
        body,
        msgspec.json.encode(body),
        template=template,
        reset_read=reset_read,
        by=by,
    )


async def _update(
    connection: Connection,
    app_number: int,
    message_id: int,
    body: Body,
    content: bytes,
    *,
    template: UsedTemplate | None,
    reset_read: bool,
    by: Actor,
) -> list[MailboxEvent]:
    now = now_ms()
    message = await lock_own_message(connection, app_number, message_id)
    state = message.state_at(now)
    if state is State.RECALLED:
        raise Refusal(Reason.ALREADY_RECALLED)
    if state is State.EXPIRED:
        raise Refusal(Reason.MESSAGE_UNKNOWN)
    is_same = message.kind == kind_of(body) and _is_equal(message.content, content)
    if is_same and (message.reset_read or not reset_read):
        return []
    await replace_body(connection, message, body, content.decode(), reset_read=reset_read, now=now)
    key = MessageKey.of(message)
    await message_params.delete(connection, *key)
    if template is not None:
        await message_params.insert(connection, key.cell, {message.id: template})
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
    return await _reach_mailboxes(connection, message, reset_read=reset_read, now=now)


def _is_equal(stored: str, content: bytes) -> bool:
    """Compare JSON: PostgreSQL returns it with other white space and in another order."""
    decoded: object = msgspec.json.decode(content)
    return bool(msgspec.json.decode(stored) == decoded)


async def _reach_mailboxes(
    connection: Connection, message: Message, *, reset_read: bool, now: int
) -> list[MailboxEvent]:
    """Set a message unread in all mailboxes that it has reached if `reset_read`. Return the events to publish."""
    kinds: list[EventKind] = ["update", "status"] if reset_read else ["update"]
    if message.topic_number is not None:
        if not message.is_sent:
            return []
        if reset_read:
            positions = await publish_about(connection, message, FeedAction.UNREAD_AGAIN)
            await messages.set_reset(connection, MessageKey.of(message), positions, now)
        return [MailboxEvent(kind, message.platform_code, (), (message.id,), message.topic_number) for kind in kinds]
    if reset_read:
        await settle(connection, message, now)
    copies = await delivered_copies(connection, message)
    if reset_read:
        for entries in statements_of([(key, message.id) for key in copies.keys]):
            await change_pages(connection, message.platform, same_change(entries, EntryChange.UNREAD), now)
    return [event for kind in kinds for event in copies.events(kind)]
