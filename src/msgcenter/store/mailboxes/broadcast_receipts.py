"""Receipts of pulled messages: the audience of a topic message or broadcast, and which of these users have read it.

The audience are the users who were subscribed, or known, at the message's position of the feed.

A mailbox that has not pulled past this position cannot have read the message. If the message was set unread again, the
same holds for the position of that row, and for an entry that was withdrawn with an older read time. No times of other
entries are compared, since clocks differ.
"""

from collections.abc import AsyncIterator

from msgcenter.database.database import Connection
from msgcenter.domain.audience import EVERYONE
from msgcenter.domain.mailbox import WITHDRAWN_UNREAD
from msgcenter.domain.message import Message
from msgcenter.domain.message_id import MAX_ID, bucket_of
from msgcenter.store.mailboxes.receipts import Receipt, ReceiptTotals

USERS_PER_COUNT = 20_000
_USERS_PER_STATEMENT = 500
_END_OF_FEED = MAX_ID
"""The position of a message that is not published yet: after all others."""

_KNOWN_USERS = """
    select mailbox.user_id, mailbox.pulled_to
    from mailbox
    where mailbox.platform_code = $1 and $2::int = 0 and mailbox.joined < $3 and mailbox.user_id > $4
    order by mailbox.user_id
    limit $5
"""
_SUBSCRIBERS = """
    select subscription.user_id, mailbox.pulled_to
    from topic_subscription as subscription
    join mailbox
        on mailbox.user_id = subscription.user_id and mailbox.platform_code = subscription.platform_code
    where subscription.platform_code = $1
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
        where page.user_id = audience.user_id
            and page.platform_code = $1
            and page.bucket = $7
            and page.app_number = $8
            and page.first_id <= $6
            and page.last_id >= $6
            and $6 = any(page.message_ids)
    ) as entry
        on audience.pulled_to >= $9 and (entry.read_at > 0 or entry.read_at <= -$11::bigint)
"""


async def count_receipts(
    connection: Connection, message: Message, after: str = "", limit: int | None = None
) -> tuple[ReceiptTotals, str | None]:
    """Count the receipts of up to `limit` users with ids after `after`; return the counts and the last user id.

    `limit` is `USERS_PER_COUNT` by default. The last user id is None at the end of the audience. The statement looks at
    each of these users.
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
    counts = ReceiptTotals(receivers, 0 if message.position is None else receivers, row["read"])
    return counts, None if receivers < limit else row["last_user_id"]


async def receipts(connection: Connection, message: Message, after: str = "") -> AsyncIterator[Receipt]:
    """Yield the receipts of a message by user id, starting after `after`. A withdrawn entry counts as it was before."""
    while message.position is not None:
        rows = await connection.fetch(
            f"{_read_times_of(message)} order by audience.user_id", *_parameters(message, after, _USERS_PER_STATEMENT)
        )
        for user_id, read_at in rows:
            yield Receipt(user_id, None if read_at is None else abs(read_at), user_id)
        if len(rows) < _USERS_PER_STATEMENT:
            return
        after = rows[-1]["user_id"]


def _read_times_of(message: Message) -> str:
    return _READ_TIMES.format(audience=_KNOWN_USERS if message.topic_number == EVERYONE else _SUBSCRIBERS)


def _parameters(message: Message, after: str, limit: int) -> tuple[object, ...]:
    position = _END_OF_FEED if message.position is None else message.position
    return (
        message.platform_code,
        message.topic_number,
        position,
        after,
        limit,
        message.id,
        bucket_of(message.id),
        message.app_number,
        position if message.reset_position is None else message.reset_position,
        WITHDRAWN_UNREAD,
        message.reset_at or 0,
    )
