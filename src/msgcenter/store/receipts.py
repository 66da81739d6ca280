"""Who got a message, and who has read it."""

from collections.abc import AsyncIterator
from typing import NamedTuple

from msgcenter.domain.account import Recipient
from msgcenter.domain.mailbox import WITHDRAWN_UNREAD
from msgcenter.domain.message import Message
from msgcenter.domain.message_id import bucket_of
from msgcenter.store import audiences
from msgcenter.store.database import Connection
from msgcenter.store.mailboxes import message_states, page_key


class Counts(NamedTuple):
    """How many a message is for, how many mailboxes it has reached, and in how many it is read."""

    receivers: int
    delivered: int
    read: int


class Receipt(NamedTuple):
    """One receiver of a message: `read_at` is ms since 1970 or None while unread; `cursor` leads to the ones after."""

    user_id: str
    read_at: int | None
    cursor: str


async def count_states(connection: Connection, message: Message) -> Counts:
    """Count the receipts of a message to receivers."""
    bucket = bucket_of(message.id)
    delivered = read = 0
    for digest in message.audience[: message.delivered_chunks]:
        user_ids = (await audiences.read_chunks(connection, bucket, [digest]))[digest]
        states = await _states(connection, message, user_ids)
        delivered += len(states)
        read += sum(read_at is not None for read_at in states.values())
    return Counts(message.receivers, delivered, read)


async def receipts(connection: Connection, message: Message, start: int = 0) -> AsyncIterator[Receipt]:
    """Give the receipts of a message to receivers in the order of its audience, from a position on.

    Those whom a fan-out has not reached yet are left out; a withdrawn entry tells what it was.
    """
    bucket = bucket_of(message.id)
    delivered = message.audience[: message.delivered_chunks]
    for number in range(start // audiences.CHUNK, len(delivered)):
        digest = delivered[number]
        user_ids = (await audiences.read_chunks(connection, bucket, [digest]))[digest]
        states = await _states(connection, message, user_ids)
        for position, user_id in enumerate(user_ids, number * audiences.CHUNK):
            if position >= start and user_id in states:
                yield Receipt(user_id, states[user_id], str(position + 1))


async def _states(connection: Connection, message: Message, user_ids: tuple[str, ...]) -> dict[str, int | None]:
    keys = [page_key(Recipient(user_id, message.platform_code), message.id, message.app_number) for user_id in user_ids]
    entries = await message_states(connection, keys, [message.id])
    return {entry.user_id: _read_time(entry.read_at) for entry in entries}


def _read_time(read_at: int | None) -> int | None:
    return None if read_at is None or read_at == WITHDRAWN_UNREAD else abs(read_at)
