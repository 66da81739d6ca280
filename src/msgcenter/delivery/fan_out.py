"""Puts a message into the mailboxes of its audience, a thousand receivers to a transaction.

Each transaction counts the chunk that it serves on the message's own row, so however often the job is killed and
begun again, by however many processes, every receiver gets the message exactly once.
"""

from msgcenter.domain.event import Listener, MailboxEvent, nobody
from msgcenter.domain.message import Message, State
from msgcenter.domain.message_id import bucket_of, now_ms
from msgcenter.store import audiences, messages
from msgcenter.store.database import Connection, Database
from msgcenter.store.sends import Delivery, deliver

_GONE = {State.RECALLED, State.EXPIRED}


async def fan_out(database: Database, message_id: int, on_change: Listener = nobody) -> int:
    """Deliver what is not delivered yet of a message; return how many ms it is still too early (0: done)."""
    async with database.connection() as connection:
        message = await messages.find_message(connection, message_id)
    while message is not None and message.state_at(now_ms()) not in _GONE:
        early = 0 if message.send_at is None else message.send_at - now_ms()
        if early > 0:
            return early
        if message.delivered_chunks >= len(message.audience):
            break
        message, events = await _deliver_next(database, message)
        on_change(events)
    return 0


async def _deliver_next(database: Database, message: Message) -> tuple[Message | None, list[MailboxEvent]]:
    async def write(connection: Connection) -> tuple[Message | None, list[MailboxEvent]]:
        # Nobody else's chunk, and nothing is recalled or decided while it goes out: the row is locked.
        current = await messages.advance_delivery(connection, message.id, message.delivered_chunks)
        if current is None:
            return await messages.find_message(connection, message.id), []
        digest = current.audience[message.delivered_chunks]
        chunks = await audiences.read_chunks(connection, bucket_of(message.id), [digest])
        await deliver(
            connection,
            [
                Delivery(
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
        return current, [MailboxEvent("message", current.platform_code, chunks[digest], (current.id,))]

    return await database.in_transaction(write)
