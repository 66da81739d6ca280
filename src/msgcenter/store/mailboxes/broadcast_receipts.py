"""Receipts of messages to topics and to everyone: their audience, and which of these users have read them.

The audience are the users who were subscribed, or known, at the message's position of their cell's feed. It is in the
order of cells, and of user ids within a cell.
"""

from collections.abc import AsyncGenerator

from msgcenter.database.database import Connection
from msgcenter.domain.audience import EVERYONE
from msgcenter.domain.message import Message
from msgcenter.domain.message_id import MAX_ID
from msgcenter.store.mailboxes.audience_place import START, AudiencePlace
from msgcenter.store.mailboxes.read_times import read_time_parameters, read_times
from msgcenter.store.mailboxes.receipts import ReceiptBatch, ReceiptTotals, receipt_of

USERS_PER_COUNT = 20_000
_USERS_PER_STATEMENT = 500
_END_OF_FEED = MAX_ID
"""The position of a message that is not published yet: after all others."""

_KNOWN_USERS = """
    select mailbox.user_id, mailbox.pulled_to
    from mailbox
    where mailbox.cell = $1
        and $2::int = 0
        and mailbox.joined < $3
        and coalesce(mailbox.forgotten, $3) >= $3
        and mailbox.user_id > $4
    order by mailbox.user_id
    limit $5
"""
_SUBSCRIBERS = """
    select subscription.user_id, mailbox.pulled_to
    from topic_subscription as subscription
    join mailbox on mailbox.cell = $1 and mailbox.user_id = subscription.user_id
    where subscription.cell = $1
        and subscription.topic_number = $2
        and subscription.since < $3
        and coalesce(subscription.until, $3) >= $3
        and subscription.user_id > $4
    order by subscription.user_id
    limit $5
"""


async def count_receipts(
    connection: Connection, message: Message, after: AudiencePlace = START, limit: int | None = None
) -> tuple[ReceiptTotals, AudiencePlace | None]:
    """Count the receipts of up to `limit` users after a place; return the counts and the place of the last user.

    `limit` is `USERS_PER_COUNT` by default. The place is None at the end of the audience. The statement looks at each
    of these users, who are of one cell.
    """
    limit = USERS_PER_COUNT if limit is None else limit
    row = await connection.fetchrow(
        f"""
        select count(*) as receivers, count(receipt.read_at) as read, max(receipt.user_id) as last_user_id
        from ({_read_times_of(message)}) as receipt
        """,
        *_parameters(message, after, limit),
    )
    assert row is not None
    receivers = row["receivers"]
    counts = ReceiptTotals(receivers, 0 if message.positions is None else receivers, row["read"])
    if receivers == limit:
        return counts, AudiencePlace(after.cell_place, row["last_user_id"])
    return counts, after.next_cell(message)


async def receipts(
    connection: Connection, message: Message, after: AudiencePlace = START
) -> AsyncGenerator[ReceiptBatch, None]:
    """Yield the receipts of a message after a place in its audience. A withdrawn entry counts as it was before."""
    place: AudiencePlace | None = after
    while message.positions is not None and place is not None and place.cell_place < message.platform.cells:
        rows = await connection.fetch(
            f"{_read_times_of(message)} order by recipient.user_id", *_parameters(message, place, _USERS_PER_STATEMENT)
        )
        cell_place = place.cell_place
        listed = [
            receipt_of(user_id, read_at, AudiencePlace(cell_place, user_id).cursor(message))
            for user_id, read_at in rows
        ]
        if len(rows) == _USERS_PER_STATEMENT:
            place = AudiencePlace(cell_place, rows[-1]["user_id"])
        else:
            place = place.next_cell(message)
        yield ReceiptBatch(listed, len(rows), None if place is None else place.cursor(message))


def _read_times_of(message: Message) -> str:
    return read_times(_KNOWN_USERS if message.topic_number == EVERYONE else _SUBSCRIBERS, "", first=6)


def _parameters(message: Message, after: AudiencePlace, limit: int) -> tuple[object, ...]:
    place = after.cell_place
    position = _END_OF_FEED if message.positions is None else message.positions[place]
    return (
        message.platform.all_cells[place],
        message.topic_number,
        position,
        after.user_id,
        limit,
        *read_time_parameters(message, place, position),
    )
