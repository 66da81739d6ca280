"""Who a message to a topic, or to everyone, is for, and who has read it.

Its audience are those who were subscribed, or known, when it took its place in the feed. Whoever has not pulled so far
has not read it; whoever has not pulled since it was last set unread again has not read it since, nor has anybody whose
entry was withdrawn with an older time (of other entries no time is compared: clocks differ).
"""

from collections.abc import AsyncIterator

from msgcenter.database.database import Connection
from msgcenter.domain.audience import EVERYONE
from msgcenter.domain.mailbox import WITHDRAWN_UNREAD
from msgcenter.domain.message import Message
from msgcenter.domain.message_id import bucket_of
from msgcenter.store.mailboxes.receipts import Counts, Receipt

USERS_PER_COUNT = 20_000
_USERS_PER_PAGE = 500
_YET_TO_COME = (1 << 63) - 1
"""Where a message that is still to be published stands: after everything."""

_KNOWN = (
    "select m.user_id, m.pulled_to from mailbox m"
    " where m.platform_code = $1 and $2::int = 0 and m.joined < $3 and m.user_id > $4 order by m.user_id limit $5"
)
_SUBSCRIBED = (
    "select s.user_id, m.pulled_to from topic_subscription s"
    " join mailbox m on m.user_id = s.user_id and m.platform_code = s.platform_code"
    " where s.platform_code = $1 and s.topic_number = $2 and s.since < $3 and coalesce(s.until, $3) >= $3"
    " and s.user_id > $4 order by s.user_id limit $5"
)
_STATES = (
    "select a.user_id, e.read_at from ({audience}) a left join lateral ("
    " select nullif((p.read_at)[array_position(p.message_ids, $6::bigint)], $10) as read_at from mailbox_page p"
    " where p.user_id = a.user_id and p.platform_code = $1 and p.bucket = $7 and p.app_number = $8"
    " and p.first_id <= $6 and p.last_id >= $6 and $6 = any(p.message_ids)"
    ") e on a.pulled_to >= $9 and (e.read_at > 0 or e.read_at <= -$11::bigint)"
)


async def count_states(
    connection: Connection, message: Message, after: str = "", limit: int | None = None
) -> tuple[Counts, str | None]:
    """Count the receipts of a message to a topic or to everyone, of those after a user id.

    They are at most `limit`, or `USERS_PER_COUNT`. Also returns the last user id that it counted, None at the end. It
    looks at each of these users.
    """
    limit = USERS_PER_COUNT if limit is None else limit
    row = await connection.fetchrow(
        "select count(*) as receivers, count(s.read_at) as read, max(s.user_id) as last"
        f" from ({_states_of(message)}) s",
        *_asked(message, after, limit),
    )
    assert row is not None
    receivers = row["receivers"]
    counts = Counts(receivers, 0 if message.position is None else receivers, row["read"])
    return counts, None if receivers < limit else row["last"]


async def receipts(connection: Connection, message: Message, after: str = "") -> AsyncIterator[Receipt]:
    """Give the receipts of a message by user id, those after one; a withdrawn entry tells what it was."""
    while message.position is not None:
        rows = await connection.fetch(
            f"{_states_of(message)} order by a.user_id", *_asked(message, after, _USERS_PER_PAGE)
        )
        for user_id, read_at in rows:
            yield Receipt(user_id, None if read_at is None else abs(read_at), user_id)
        if len(rows) < _USERS_PER_PAGE:
            return
        after = rows[-1]["user_id"]


def _states_of(message: Message) -> str:
    return _STATES.format(audience=_KNOWN if message.topic_number == EVERYONE else _SUBSCRIBED)


def _asked(message: Message, after: str, limit: int) -> tuple[object, ...]:
    position = _YET_TO_COME if message.position is None else message.position
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
