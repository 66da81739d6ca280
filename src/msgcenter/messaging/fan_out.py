"""Fan-out: puts a message into the mailboxes of its audience, a chunk of up to 1,000 receivers to a transaction.

Each transaction counts its chunk on the message's own row. So every receiver gets the message exactly once, however
often the job is killed and started again, by any number of processes.
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
from msgcenter.messaging.addressed import publish_about
from msgcenter.messaging.groups import known_groups
from msgcenter.messaging.recall import recall_within
from msgcenter.store import audit
from msgcenter.store.apps import apps
from msgcenter.store.mailboxes import feed
from msgcenter.store.mailboxes.feed import Addressed, FeedAction, Publication
from msgcenter.store.messages import audiences, messages
from msgcenter.store.messages.jobs import Delivery
from msgcenter.store.messages.messages import MessageKey
from msgcenter.store.webhooks import outbox

_log = structlog.get_logger(__name__)
_DONE = {State.SENT, State.RECALLED, State.EXPIRED}
_Step = tuple[Message | None, list[MailboxEvent]]
"""The message after a step of its fan-out (None if it was removed), and the events to publish."""


async def fan_out(database: Database, delivery: Delivery, on_change: Listener = ignore_events) -> int:
    """Deliver the rest of a message. Return 0 when done, or the ms until a scheduled message is due.

    A scheduled message is recalled instead if its app may not reach its audience any more when it is due.
    """
    async with database.connection() as connection:
        message = await _find(connection, delivery)
    if message is None or message.state_at(now_ms()) in _DONE:
        return 0
    if message.send_at is not None and message.delivered_chunks == 0:
        ms_left = message.send_at - now_ms()
        if ms_left > 0:
            return ms_left
        withheld_events = await database.in_transaction(_withhold, message)
        if withheld_events is not None:
            on_change(withheld_events)
            return 0
    while message is not None and message.state_at(now_ms()) not in _DONE:
        if message.topic_number is None:
            message, events = await database.in_transaction(_deliver_chunk, message)
        else:
            message, events = await database.in_transaction(_publish, message)
        on_change(events)
    return 0


async def _find(connection: Connection, delivery: Delivery) -> Message | None:
    if delivery.cell is None:
        return await messages.find_anywhere(connection, delivery.message_id)
    return await messages.find_message(connection, MessageKey(delivery.cell, delivery.message_id))


async def _withhold(connection: Connection, message: Message) -> list[MailboxEvent] | None:
    """Recall a message that its app may not send any more, with the reason in the audit log; None if it may."""
    app = (await apps.find_apps(connection, [message.app_number]))[message.app_number].app
    try:
        await reach.check_message(connection, app, message)
    except Refusal as refusal:
        reason = refusal.describe("zh")
        _log.warning("a scheduled message is withheld", message_id=message.id, app_id=app.app_id, reason=reason)
        await audit.record(
            connection,
            COMMAND,
            "message.withhold",
            str(message.id),
            now=now_ms(),
            app_number=message.app_number,
            reason=reason,
        )
        return await recall_within(connection, message.app_number, message.id, COMMAND)
    return None


async def _deliver_chunk(connection: Connection, message: Message) -> _Step:
    """Deliver the next chunk of a direct message, unless another process has done so."""
    # Locks the message: no other process takes the chunk, and no recall or decision comes in between.
    key = MessageKey.of(message)
    current = await messages.advance_delivery(connection, key, message.delivered_chunks)
    if current is None:
        return await messages.find_message(connection, key), []
    chunk = current.audience[message.delivered_chunks]
    user_ids = (await audiences.read_chunks(connection, bucket_of(message.id), [chunk]))[chunk]
    group = None if current.approval else (await known_groups(connection, [chunk])).get(chunk)
    if group is not None:
        publication = Publication(Addressed((group.number,)), current.id, current.app_number, current.expires_at)
        await feed.publish(connection, chunk.cell, [publication])
    else:
        new_entries = NewEntries(
            message_id=current.id,
            app_number=current.app_number,
            cell=chunk.cell,
            user_ids=user_ids,
            expires_at=current.expires_at,
            approval=current.approval,
            read_at=current.closed_at,
        )
        await add_entries(connection, [new_entries])
    if current.delivered_chunks >= len(current.audience):
        completed = completed_event(current.app_number, current.id, current.receivers)
        await outbox.record(connection, [completed], now_ms())
    return current, [MailboxEvent("message", current.platform_code, user_ids, (current.id,))]


async def _publish(connection: Connection, message: Message) -> _Step:
    """Put a message to a topic, to organisations or to everyone into the feed, unless another process has done so."""
    key = MessageKey.of(message)
    locked = await messages.lock_messages(connection, [key])
    if not locked or locked[0].state_at(now_ms()) in _DONE:
        return (locked[0] if locked else None), []
    await outbox.record(connection, [completed_event(message.app_number, message.id, None)], now_ms())
    positions = await publish_about(connection, locked[0], FeedAction.MESSAGE)
    await messages.set_positions(connection, key, positions)
    event = MailboxEvent("message", message.platform_code, (), (message.id,), message.topic_number)
    return replace(locked[0], positions=positions), [event]
