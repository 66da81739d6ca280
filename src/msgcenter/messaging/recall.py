"""Recall: removes a message from every mailbox at once."""

from collections.abc import Sequence

from msgcenter.database.database import Connection, Database
from msgcenter.domain.event import MailboxEvent
from msgcenter.domain.message import Message
from msgcenter.domain.message_id import now_ms
from msgcenter.domain.person import Actor
from msgcenter.domain.refusal import Reason, Refusal
from msgcenter.domain.webhook import recalled_event
from msgcenter.messaging.addressed import publish_about
from msgcenter.messaging.delivered_copies import delivered_copies, statements_of
from msgcenter.messaging.groups import settle
from msgcenter.store import audit
from msgcenter.store.mailboxes import entry_changes
from msgcenter.store.mailboxes.feed import FeedAction
from msgcenter.store.messages import messages
from msgcenter.store.messages.messages import MessageKey
from msgcenter.store.webhooks import outbox


async def recall(database: Database, app_number: int, message_id: int, by: Actor) -> list[MailboxEvent]:
    """Recall an app's message, sent or scheduled. Return the events to publish: none if it was recalled before.

    Entries of a direct message are withdrawn in this transaction. For any other message the feed gets rows that
    withdraw it; every mailbox pulls them before it is read. Refuses with MESSAGE_UNKNOWN.
    """
    return await database.in_transaction(recall_within, app_number, message_id, by)


async def recall_within(connection: Connection, app_number: int, message_id: int, by: Actor) -> list[MailboxEvent]:
    """Recall a message in the caller's transaction, as `recall` does."""
    message = await lock_own_message(connection, app_number, message_id)
    if message.recalled_at is not None:
        return []
    now = now_ms()
    await messages.set_recalled(connection, MessageKey.of(message), now)
    await audit.record(connection, by, "message.recall", str(message.id), now=now, app_number=app_number)
    await outbox.record(connection, [recalled_event(app_number, message.id, now)], now)
    if message.topic_number is None:
        await settle(connection, message, now)
        return await _withdraw_copies(connection, message)
    if not message.is_sent:
        return []
    await publish_about(connection, message, FeedAction.WITHDRAW)
    return [MailboxEvent("removed", message.platform_code, (), (message.id,), message.topic_number)]


async def lock_own_message(connection: Connection, app_number: int, message_id: int) -> Message:
    """Return an app's message, locked until the transaction ends. Refuses with MESSAGE_UNKNOWN."""
    locked = await lock_own_messages(connection, app_number, [message_id])
    if not locked:
        raise Refusal(Reason.MESSAGE_UNKNOWN)
    return locked[0]


async def lock_own_messages(connection: Connection, app_number: int, message_ids: Sequence[int]) -> list[Message]:
    """Return those of the messages that an app has sent, in key order, locked until the transaction ends."""
    sent = await messages.find_sent(connection, app_number, message_ids)
    return await messages.lock_messages(connection, [MessageKey.of(message) for message in sent])


async def _withdraw_copies(connection: Connection, message: Message) -> list[MailboxEvent]:
    copies = await delivered_copies(connection, message)
    for entries in statements_of([(key, message.id) for key in copies.keys]):
        await entry_changes.withdraw(connection, entries)
    return copies.events("removed")
