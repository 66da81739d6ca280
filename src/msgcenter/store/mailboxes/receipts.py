"""Who got a message, and who has read it."""

from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple

from msgcenter.database.database import Connection
from msgcenter.domain.account import Recipient
from msgcenter.domain.mailbox import WITHDRAWN_UNREAD
from msgcenter.domain.message import Message
from msgcenter.domain.message_id import bucket_of
from msgcenter.store.mailboxes.pages import message_states, page_key
from msgcenter.store.messages import audiences


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


async def count_states(connection: Connection, messages: Sequence[Message]) -> list[Counts]:
    """Count the receipts of messages to receivers, all in one statement, which looks at each of those reached."""
    chunks = [
        (number, message, digest)
        for number, message in enumerate(messages)
        for digest in message.audience[: message.delivered_chunks]
    ]
    rows = await connection.fetch(
        "select t.n, count(*) as delivered, count(nullif(e.read_at, $7)) as read"
        " from unnest($1::int[], $2::bigint[], $3::text[], $4::int[], $5::int[], $6::bytea[]) as t (n, i, c, b, a, d)"
        " join audience_chunk k on k.digest = t.d and k.bucket = t.b cross join lateral unnest(k.user_ids) as u (id)"
        # In a sub-select of its own, so that each receiver's page is found by its key.
        " cross join lateral (select (p.read_at)[array_position(p.message_ids, t.i)] as read_at from mailbox_page p"
        " where p.user_id = u.id and p.platform_code = t.c and p.bucket = t.b and p.app_number = t.a"
        " and p.first_id <= t.i and p.last_id >= t.i and t.i = any(p.message_ids) offset 0) e group by t.n",
        [number for number, _, _ in chunks],
        [message.id for _, message, _ in chunks],
        [message.platform_code for _, message, _ in chunks],
        [bucket_of(message.id) for _, message, _ in chunks],
        [message.app_number for _, message, _ in chunks],
        [digest for _, _, digest in chunks],
        WITHDRAWN_UNREAD,
    )
    found = {row["n"]: (row["delivered"], row["read"]) for row in rows}
    return [Counts(message.receivers, *found.get(number, (0, 0))) for number, message in enumerate(messages)]


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
