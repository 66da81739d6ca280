"""Receipts of pulled messages: the audience of a topic message or broadcast, and which of these users have read it.

The audience are the users who were subscribed, or known, at the message's position of their cell's feed. It is in the
order of cells, and of user ids within a cell.

A mailbox that has not pulled past this position cannot have read the message. If the message was set unread again, the
same holds for the position of that row, and for an entry that was withdrawn with an older read time. No times of other
entries are compared, since clocks differ.
"""

from collections.abc import AsyncIterator
from typing import NamedTuple

from msgcenter.database.database import Connection
from msgcenter.domain.account import MAX_CELLS
from msgcenter.domain.audience import EVERYONE
from msgcenter.domain.mailbox import WITHDRAWN_UNREAD
from msgcenter.domain.message import Message
from msgcenter.domain.message_id import MAX_ID, bucket_of
from msgcenter.domain.refusal import malformed
from msgcenter.store.mailboxes.receipts import Receipt, ReceiptTotals

USERS_PER_COUNT = 20_000
_USERS_PER_STATEMENT = 500
_END_OF_FEED = MAX_ID
"""The position of a message that is not published yet: after all others."""

_KNOWN_USERS = """
    select mailbox.user_id, mailbox.pulled_to
    from mailbox
    where mailbox.cell = $1 and $2::int = 0 and mailbox.joined < $3 and mailbox.user_id > $4
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
_READ_TIMES = """
    select audience.user_id, entry.read_at
    from ({audience}) as audience
    left join lateral (
        select nullif((page.read_at)[array_position(page.message_ids, $6::bigint)], $10) as read_at
        from mailbox_page as page
        where page.cell = $1
            and page.user_id = audience.user_id
            and page.bucket = $7
            and page.app_number = $8
            and page.first_id <= $6
            and page.last_id >= $6
            and $6 = any(page.message_ids)
    ) as entry
        on audience.pulled_to >= $9 and (entry.read_at > 0 or entry.read_at <= -$11::bigint)
"""


class AudiencePlace(NamedTuple):
    """A place in an audience: after a user id in one of the platform's cells, the first of which is 0."""

    cell_place: int = 0
    user_id: str = ""

    @classmethod
    def parse(cls, message: Message, cursor: str | None) -> "AudiencePlace":
        """Return the place that a cursor stands for. With one cell, a cursor is a user id."""
        if message.platform.cells == 1 or not cursor:
            return cls(0, cursor or "")
        place, _, user_id = cursor.partition(":")
        if not (place.isascii() and place.isdigit() and len(place) <= len(str(MAX_CELLS))):
            raise malformed("cursor", "无效", "is not one of ours")
        return cls(int(place), user_id)

    def cursor(self, message: Message) -> str:
        """Return the cursor that leads to this place."""
        return self.user_id if message.platform.cells == 1 else f"{self.cell_place}:{self.user_id}"


START = AudiencePlace()
"""The place before all users of an audience."""


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
    return counts, _next_cell(message, after)


async def receipts(connection: Connection, message: Message, after: AudiencePlace = START) -> AsyncIterator[Receipt]:
    """Yield the receipts of a message after a place in its audience. A withdrawn entry counts as it was before."""
    place: AudiencePlace | None = after
    while message.positions is not None and place is not None and place.cell_place < message.platform.cells:
        rows = await connection.fetch(
            f"{_read_times_of(message)} order by audience.user_id", *_parameters(message, place, _USERS_PER_STATEMENT)
        )
        for user_id, read_at in rows:
            cursor = AudiencePlace(place.cell_place, user_id).cursor(message)
            yield Receipt(user_id, None if read_at is None else abs(read_at), cursor)
        if len(rows) == _USERS_PER_STATEMENT:
            place = AudiencePlace(place.cell_place, rows[-1]["user_id"])
        else:
            place = _next_cell(message, place)


def _next_cell(message: Message, place: AudiencePlace) -> AudiencePlace | None:
    following = place.cell_place + 1
    return AudiencePlace(following) if following < message.platform.cells else None


def _read_times_of(message: Message) -> str:
    return _READ_TIMES.format(audience=_KNOWN_USERS if message.topic_number == EVERYONE else _SUBSCRIBERS)


def _parameters(message: Message, after: AudiencePlace, limit: int) -> tuple[object, ...]:
    place = after.cell_place
    position = _END_OF_FEED if message.positions is None else message.positions[place]
    return (
        message.platform.all_cells[place],
        message.topic_number,
        position,
        after.user_id,
        limit,
        message.id,
        bucket_of(message.id),
        message.app_number,
        position if message.reset_positions is None else message.reset_positions[place],
        WITHDRAWN_UNREAD,
        message.reset_at or 0,
    )
