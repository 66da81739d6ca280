"""Receipts of messages to listed receivers: which of them got a message, and which of them have read it."""

from collections.abc import AsyncGenerator, Sequence
from typing import NamedTuple

from msgcenter.database.database import Connection
from msgcenter.domain.mailbox import WITHDRAWN_UNREAD
from msgcenter.domain.message import Message
from msgcenter.domain.message_id import bucket_of
from msgcenter.store.mailboxes.pages import PageKey, entry_states
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


class ReceiptBatch(NamedTuple):
    """Some receipts, found among `looked_at` users. `cursor` leads to the next ones; None at the end."""

    receipts: list[Receipt]
    looked_at: int
    cursor: str | None


def receipt_of(user_id: str, read_at: int | None, cursor: str) -> Receipt:
    """Return a receipt; a `read_at` of an entry that was withdrawn after it was read is negative."""
    return Receipt(user_id, None if read_at is None else abs(read_at), cursor)


async def count_receipts(connection: Connection, messages: Sequence[Message]) -> list[ReceiptTotals]:
    """Count the receipts of pushed messages. Takes a statement for each cell, which looks at each mailbox reached."""
    chunks_by_cell: dict[int, list[tuple[int, Message, bytes]]] = {}
    for place, message in enumerate(messages):
        for chunk in message.audience[: message.delivered_chunks]:
            chunks_by_cell.setdefault(chunk.cell, []).append((place, message, chunk.digest))
    delivered, read = [0] * len(messages), [0] * len(messages)
    for cell in sorted(chunks_by_cell):
        for place, entries, read_entries in await _count_in_cell(connection, cell, chunks_by_cell[cell]):
            delivered[place] += entries
            read[place] += read_entries
    return [
        ReceiptTotals(message.receivers, *counts) for message, *counts in zip(messages, delivered, read, strict=True)
    ]


async def _count_in_cell(
    connection: Connection, cell: int, chunks: Sequence[tuple[int, Message, bytes]]
) -> Sequence[tuple[int, int, int]]:
    """Return the place of each message with its numbers of receivers and of those who have read it in a cell."""
    rows = await connection.fetch(
        """
        select message.place, count(*) as delivered, count(nullif(entry.read_at, $7)) as read
        from unnest($2::int[], $3::bigint[], $4::int[], $5::int[], $6::bytea[])
            as message (place, id, bucket, app_number, digest)
        join audience_chunk as chunk
            on chunk.cell = $1 and chunk.digest = message.digest and chunk.bucket = message.bucket
        cross join lateral unnest(chunk.user_ids) as receiver (user_id)
        -- A sub-select with `offset 0`, so that each receiver's page is found by its key.
        left join lateral (
            select (page.read_at)[array_position(page.message_ids, message.id)] as read_at
            from mailbox_page as page
            where page.cell = $1
                and page.user_id = receiver.user_id
                and page.bucket = message.bucket
                and page.app_number = message.app_number
                and page.first_id <= message.id
                and page.last_id >= message.id
                and message.id = any(page.message_ids)
            offset 0
        ) as entry on true
        group by message.place
        """,
        cell,
        [place for place, _, _ in chunks],
        [message.id for _, message, _ in chunks],
        [bucket_of(message.id) for _, message, _ in chunks],
        [message.app_number for _, message, _ in chunks],
        [digest for _, _, digest in chunks],
        WITHDRAWN_UNREAD,
    )
    return [(row["place"], row["delivered"], row["read"]) for row in rows]


async def receipts(connection: Connection, message: Message, start: int = 0) -> AsyncGenerator[ReceiptBatch, None]:
    """Yield the receipts of a pushed message in audience order, starting at position `start`.

    Receivers that a fan-out has not reached yet are left out. Members of a group who have not pulled the message have
    not read it. A withdrawn entry counts as it was before.
    """
    bucket = bucket_of(message.id)
    delivered = message.audience[: message.delivered_chunks]
    for number in range(start // audiences.CHUNK_SIZE, len(delivered)):
        chunk = delivered[number]
        user_ids = (await audiences.read_chunks(connection, bucket, [chunk]))[chunk]
        read_times = await _read_times(connection, message, chunk.cell, user_ids)
        listed = [
            Receipt(user_id, read_times.get(user_id), str(position + 1))
            for position, user_id in enumerate(user_ids, number * audiences.CHUNK_SIZE)
            if position >= start
        ]
        is_last = number + 1 == len(delivered)
        yield ReceiptBatch(listed, len(listed), None if is_last else str((number + 1) * audiences.CHUNK_SIZE))


async def _read_times(
    connection: Connection, message: Message, cell: int, user_ids: tuple[str, ...]
) -> dict[str, int | None]:
    keys = [PageKey(cell, user_id, bucket_of(message.id), message.app_number) for user_id in user_ids]
    states = await entry_states(connection, keys, [message.id])
    return {state.user_id: _time_before_withdrawal(state.read_at) for state in states}


def _time_before_withdrawal(read_at: int | None) -> int | None:
    return None if read_at is None or read_at == WITHDRAWN_UNREAD else abs(read_at)
