"""Puts a message into the mailboxes of its audience, a thousand receivers to a transaction.

Each transaction counts the chunk that it serves on the message's own row, so however often the job is killed and
begun again, by however many processes, every receiver gets the message exactly once.
"""

import structlog
from msgspec.structs import replace

from msgcenter.database.database import Connection, Database
from msgcenter.domain.event import Listener, MailboxEvent, ignore_events
from msgcenter.domain.message import Message, State
from msgcenter.domain.message_id import bucket_of, now_ms
from msgcenter.domain.person import COMMAND
from msgcenter.domain.refusal import Refusal
from msgcenter.domain.webhook import completed_event
from msgcenter.messaging import reach
from msgcenter.messaging.add_entries import NewEntries, add_entries
from msgcenter.messaging.recall import recall_within
from msgcenter.store import audit
from msgcenter.store.apps import apps
from msgcenter.store.mailboxes import feed
from msgcenter.store.mailboxes.feed import FeedAction
from msgcenter.store.messages import audiences, messages
from msgcenter.store.webhooks import outbox

_log = structlog.get_logger(__name__)
_DONE = {State.SENT, State.RECALLED, State.EXPIRED}


async def fan_out(database: Database, message_id: int, on_change: Listener = ignore_events) -> int:
    """Deliver what is not delivered yet of a message; return how many ms it is still too early (0: done).

    A scheduled message whose app may not reach its audience any more when it is due is recalled instead.
    """
    async with database.connection() as connection:
        message = await messages.find_message(connection, message_id)
    if message is None or message.state_at(now_ms()) in _DONE:
        return 0
    if message.send_at is not None and message.delivered_chunks == 0:
        early = message.send_at - now_ms()
        if early > 0:
            return early
        if await _withheld(database, message, on_change):
            return 0
    while message is not None and message.state_at(now_ms()) not in _DONE:
        deliver_part = _deliver_next if message.topic_number is None else _publish
        message, events = await deliver_part(database, message)
        on_change(events)
    return 0


async def _withheld(database: Database, message: Message, on_change: Listener) -> bool:
    """Recall a message that its app may not send any more, saying why in the audit log; tell whether that is so."""

    async def write(connection: Connection) -> list[MailboxEvent] | None:
        app = (await apps.find_apps(connection, [message.app_number]))[message.app_number].app
        try:
            await reach.check_message(connection, app, message)
        except Refusal as refusal:
            why = refusal.describe("zh")
            _log.warning("a scheduled message is withheld", message_id=message.id, app_id=app.app_id, reason=why)
            await audit.record(
                connection,
                COMMAND,
                "message.withhold",
                str(message.id),
                now=now_ms(),
                app_number=message.app_number,
                reason=why,
            )
            return await recall_within(connection, message.app_number, message.id, COMMAND)
        return None

    events = await database.in_transaction(write)
    if events is None:
        return False
    on_change(events)
    return True


async def _deliver_next(database: Database, message: Message) -> tuple[Message | None, list[MailboxEvent]]:
    async def write(connection: Connection) -> tuple[Message | None, list[MailboxEvent]]:
        # Nobody else's chunk, and nothing is recalled or decided while it goes out: the row is locked.
        current = await messages.advance_delivery(connection, message.id, message.delivered_chunks)
        if current is None:
            return await messages.find_message(connection, message.id), []
        digest = current.audience[message.delivered_chunks]
        chunks = await audiences.read_chunks(connection, bucket_of(message.id), [digest])
        await add_entries(
            connection,
            [
                NewEntries(
                    message_id=current.id,
                    app_number=current.app_number,
                    platform_code=current.platform_code,
                    user_ids=chunks[digest],
                    expires_at=current.expires_at,
                    approval=current.approval,
                    read_at=current.closed_at,
                )
            ],
        )
        if current.delivered_chunks >= len(current.audience):
            completed = completed_event(current.app_number, current.id, current.receivers)
            await outbox.record(connection, [completed], now_ms())
        return current, [MailboxEvent("message", current.platform_code, chunks[digest], (current.id,))]

    return await database.in_transaction(write)


async def _publish(database: Database, message: Message) -> tuple[Message | None, list[MailboxEvent]]:
    """Put a message for a topic or for everyone into the feed."""

    async def write(connection: Connection) -> tuple[Message | None, list[MailboxEvent]]:
        found = await messages.lock_messages(connection, [message.id])
        if not found or found[0].state_at(now_ms()) in _DONE:
            return (found[0] if found else None), []
        await outbox.record(connection, [completed_event(message.app_number, message.id, None)], now_ms())
        (position,) = await feed.publish(connection, [feed.follow_up_row(found[0], FeedAction.MESSAGE)])
        await messages.set_position(connection, message.id, position)
        event = MailboxEvent("message", message.platform_code, (), (message.id,), message.topic_number)
        return replace(found[0], position=position), [event]

    return await database.in_transaction(write)
