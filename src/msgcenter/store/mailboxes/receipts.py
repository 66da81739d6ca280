"""Receipts of pushed messages: which recipients got a message, and which of them have read it."""

from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple

from msgcenter.database.database import Connection
from msgcenter.domain.account import Recipient
from msgcenter.domain.mailbox import WITHDRAWN_UNREAD
from msgcenter.domain.message import Message
from msgcenter.domain.message_id import bucket_of
from msgcenter.store.mailboxes.pages import entry_states, page_key
from msgcenter.store.messages import audiences


class ReceiptTotals(NamedTuple):
    """The numbers of a message's receivers, of mailboxes that it has reached, and of those in which it is read."""

    receivers: int
    delivered: int
    read: int


class Receipt(NamedTuple):
    """One receiver of a message. `read_at` is ms since 1970, None while unread; `cursor` leads to the next receipts."""

    user_id: str
    read_at: int | None
    cursor: str


async def count_receipts(connection: Connection, messages: Sequence[Message]) -> list[ReceiptTotals]:
    """Count the receipts of pushed messages with one statement, which looks at each mailbox that they have reached."""
    chunks = [
        (place, message, digest)
        for place, message in enumerate(messages)
        for digest in message.audience[: message.delivered_chunks]
    ]
    rows = await connection.fetch(
        """
        select message.place, count(*) as delivered, count(nullif(entry.read_at, $7)) as read
        from unnest($1::int[], $2::bigint[], $3::text[], $4::int[], $5::int[], $6::bytea[])
            as message (place, id, platform_code, bucket, app_number, digest)
        join audience_chunk as chunk on chunk.digest = message.digest and chunk.bucket = message.bucket
        cross join lateral unnest(chunk.user_ids) as receiver (user_id)
        -- A sub-select with `offset 0`, so that each receiver's page is found by its key.
        cross join lateral (
            select (page.read_at)[array_position(page.message_ids, message.id)] as read_at
            from mailbox_page as page
            where page.user_id = receiver.user_id
                and page.platform_code = message.platform_code
                and page.bucket = message.bucket
                and page.app_number = message.app_number
                and page.first_id <= message.id
                and page.last_id >= message.id
                and message.id = any(page.message_ids)
            offset 0
        ) as entry
        group by message.place
        """,
        [place for place, _, _ in chunks],
        [message.id for _, message, _ in chunks],
        [message.platform_code for _, message, _ in chunks],
        [bucket_of(message.id) for _, message, _ in chunks],
        [message.app_number for _, message, _ in chunks],
        [digest for _, _, digest in chunks],
        WITHDRAWN_UNREAD,
    )
    counts = {row["place"]: (row["delivered"], row["read"]) for row in rows}
    return [ReceiptTotals(message.receivers, *counts.get(place, (0, 0))) for place, message in enumerate(messages)]


async def receipts(connection: Connection, message: Message, start: int = 0) -> AsyncIterator[Receipt]:
    """Yield the receipts of a pushed message in audience order, starting at position `start`.

    Receivers that a fan-out has not reached yet are left out. A withdrawn entry counts as it was before.
    """
    bucket = bucket_of(message.id)
    delivered = message.audience[: message.delivered_chunks]
    for number in range(start // audiences.CHUNK_SIZE, len(delivered)):
        digest = delivered[number]
        user_ids = (await audiences.read_chunks(connection, bucket, [digest]))[digest]
        read_times = await _read_times(connection, message, user_ids)
        for position, user_id in enumerate(user_ids, number * audiences.CHUNK_SIZE):
            if position >= start and user_id in read_times:
                yield Receipt(user_id, read_times[user_id], str(position + 1))


async def _read_times(connection: Connection, message: Message, user_ids: tuple[str, ...]) -> dict[str, int | None]:
    keys = [page_key(Recipient(user_id, message.platform_code), message.id, message.app_number) for user_id in user_ids]
    states = await entry_states(connection, keys, [message.id])
    return {state.user_id: _time_before_withdrawal(state.read_at) for state in states}


def _time_before_withdrawal(read_at: int | None) -> int | None:
    return None if read_at is None or read_at == WITHDRAWN_UNREAD else abs(read_at)
