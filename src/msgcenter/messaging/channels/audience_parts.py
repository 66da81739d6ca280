"""The audience of a message, part by part: who has not read it, and how many have."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import NamedTuple

from msgcenter.database.database import Connection
from msgcenter.domain.audience import is_org_audience
from msgcenter.domain.message import Message
from msgcenter.store.directory import recipients
from msgcenter.store.directory.audiences import find_audience
from msgcenter.store.directory.recipients import Walk
from msgcenter.store.mailboxes import broadcast_receipts, receipts
from msgcenter.store.mailboxes.audience_place import AudiencePlace
from msgcenter.store.mailboxes.receipts import ReceiptBatch
from msgcenter.store.messages.audiences import CHUNK_SIZE

PART_SIZE = 500
"""Recipients of a part at most."""


class AudiencePart(NamedTuple):
    """Recipients of one cell: who has not read the message, and how many have.

    `place` leads to the next part, None at the end.
    """

    cell: int
    unread: list[str]
    read: int
    place: str | None


async def next_part(connection: Connection, message: Message, place: str | None) -> AudiencePart | None:
    """Return the part of a message's audience after a place, None for the start; None if nobody is left."""
    cell, batches = await _receipts(connection, message, place)
    async with aclosing(batches):
        batch = await anext(batches, None)
    if batch is None:
        return None
    listed, following = batch.receipts[:PART_SIZE], batch.cursor
    if len(listed) < len(batch.receipts):
        following = listed[-1].cursor
    unread = [receipt.user_id for receipt in listed if receipt.read_at is None]
    return AudiencePart(cell, unread, len(listed) - len(unread), following)


async def _receipts(
    connection: Connection, message: Message, place: str | None
) -> tuple[int, AsyncGenerator[ReceiptBatch, None]]:
    """Return the receipts after a place, and the cell of the first batch of them."""
    platform = message.platform
    if message.topic_number is None:
        start = int(place or 0)
        chunk = min(start // CHUNK_SIZE, max(0, len(message.audience) - 1))
        cell = message.audience[chunk].cell if message.audience else platform.first_cell
        return cell, receipts.receipts(connection, message, start)
    after = AudiencePlace.parse(message, place)
    cell = platform.all_cells[min(after.cell_place, platform.cells - 1)]
    if not is_org_audience(message.topic_number):
        return cell, broadcast_receipts.receipts(connection, message, after)
    walk = Walk(message, await find_audience(connection, message.topic_number))
    return cell, recipients.receipts(connection, walk, after)
