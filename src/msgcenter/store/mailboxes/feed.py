"""The feed of a platform: what is for a topic or for everyone stands here once, and mailboxes pull it.

Positions are given under the lock of the platform's `feed_head` row, which is held until commit: they become visible in
their order and without gaps. A mailbox that has pulled to a position can therefore have missed nothing before it.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from enum import IntEnum
from typing import NamedTuple

from msgcenter.database.database import Connection
from msgcenter.domain.account import Recipient
from msgcenter.domain.message import Message


class Action(IntEnum):
    """What an entry of the feed does to a mailbox that pulls it."""

    MESSAGE = 0
    WITHDRAW = 1
    UNREAD_AGAIN = 2


class FeedEntry(NamedTuple):
    """What is to be published; `about` is the position of the message itself, None if this is it."""

    platform_code: str
    topic_number: int
    message_id: int
    app_number: int
    expires_at: int | None
    action: Action = Action.MESSAGE
    about: int | None = None


class Mark(NamedTuple):
    """How far a mailbox has pulled, and since when its user is known. Sorts as the primary key does.

    `head` is how far the platform's feed went when the mark was locked.
    """

    recipient: Recipient
    joined: int
    pulled_to: int
    head: int


class Pending(NamedTuple):
    """An entry of the feed that a mailbox has yet to pull."""

    recipient: Recipient
    position: int
    message_id: int
    app_number: int
    expires_at: int | None
    action: Action


def entry_about(message: Message, action: Action) -> FeedEntry:
    """Return what to publish so that an action reaches everyone whom a message has reached, and will yet reach."""
    assert message.topic_number is not None
    return FeedEntry(
        message.platform_code,
        message.topic_number,
        message.id,
        message.app_number,
        message.expires_at,
        action,
        message.position,
    )


async def publish(connection: Connection, entries: Sequence[FeedEntry]) -> list[int]:
    """Add entries to their platforms' feeds and return their positions.

    Runs inside a transaction, as late in it as can be: until commit nobody else publishes on these platforms.
    """
    if not entries:
        return []
    wanted = Counter(entry.platform_code for entry in entries)
    rows = await connection.fetch(
        "insert into feed_head as h (platform_code, position)"
        " select c, n from unnest($1::text[], $2::bigint[]) as t (c, n)"
        " on conflict (platform_code) do update set position = h.position + excluded.position"
        " returning h.platform_code, h.position",
        sorted(wanted),
        [wanted[platform_code] for platform_code in sorted(wanted)],
    )
    following = {row["platform_code"]: row["position"] - wanted[row["platform_code"]] for row in rows}
    positions = []
    for entry in entries:
        following[entry.platform_code] += 1
        positions.append(following[entry.platform_code])
    await connection.execute(
        "insert into feed (platform_code, topic_number, position, about, message_id, app_number, expires_at, action)"
        " select * from unnest($1::text[], $2::int[], $3::bigint[], $4::bigint[], $5::bigint[], $6::int[],"
        " $7::bigint[], $8::smallint[])",
        [entry.platform_code for entry in entries],
        [entry.topic_number for entry in entries],
        positions,
        [at if entry.about is None else entry.about for entry, at in zip(entries, positions, strict=True)],
        [entry.message_id for entry in entries],
        [entry.app_number for entry in entries],
        [entry.expires_at for entry in entries],
        [entry.action for entry in entries],
    )
    return positions


# What a mailbox `m` has yet to pull: an entry for everyone if its user was known when the message went out; a topic's
# if the user was subscribed then, also where it takes back what a former subscriber got.
_FOR_EVERYONE = (
    "select f.* from feed f where f.platform_code = m.platform_code and f.topic_number = 0"
    " and f.position > m.pulled_to and f.about > m.joined"
)
_SUBSCRIPTIONS = "topic_subscription s where s.user_id = m.user_id and s.platform_code = m.platform_code"
_FOR_SUBSCRIBERS = (
    "select f.* from feed f where f.platform_code = s.platform_code and f.topic_number = s.topic_number"
    " and f.position > m.pulled_to and f.about > s.since and (s.until is null or f.about <= s.until)"
)
_FAR_BEHIND = 2_000
"""A mailbox whose mark is older than this many positions moves it on, though nothing is for it: whoever has left a busy
topic would have all that came after looked through with every call."""


def _has_news() -> str:
    return (
        f"(m.pulled_to < h.position - {_FAR_BEHIND} or exists ({_FOR_EVERYONE})"
        f" or exists (select from {_SUBSCRIPTIONS} and exists ({_FOR_SUBSCRIBERS})))"
    )


def up_to_date() -> str:
    """Return a condition for the statement of another table: the mailbox of its user `u` of platform `c` lacks nothing.

    The limit keeps it a look-up for each row; as an anti-join it might be answered by reading all mailboxes.
    """
    return (
        "(select 1 from feed_head h join mailbox m on m.platform_code = h.platform_code"
        f" and m.pulled_to < h.position where h.platform_code = c and m.user_id = u and {_has_news()} limit 1) is null"
    )


async def behind(connection: Connection, recipients: Collection[Recipient]) -> list[Recipient]:
    """Return those of the mailboxes, sorted, that should pull; it costs a look-up for each that has nothing to."""
    if not recipients:
        return []
    rows = await connection.fetch(
        "select m.user_id, m.platform_code from unnest($1::text[], $2::text[]) as k (u, c)"
        " join feed_head h on h.platform_code = k.c"
        " join mailbox m on m.user_id = k.u and m.platform_code = k.c and m.pulled_to < h.position"
        f" where {_has_news()}",
        *(list(column) for column in zip(*set(recipients), strict=True)),
    )
    return sorted(Recipient(*row) for row in rows)


async def lock_marks(connection: Connection, recipients: Iterable[Recipient]) -> list[Mark]:
    """Return the marks of the mailboxes of known users, in key order, locked until the transaction ends.

    The head is read by the same statement. Read on its own, on another node of a cluster, it could be further on than
    the rows that a later statement sees, and a mailbox would pass a row without having pulled it. It is as old as the
    statement's snapshot, while a mark whose lock was waited for is read afresh and may be further on.
    """
    ordered = sorted(set(recipients))
    if not ordered:
        return []
    rows = await connection.fetch(
        "select m.user_id, m.platform_code, m.joined, m.pulled_to,"
        " greatest(m.pulled_to, coalesce(h.position, 0))"
        " from unnest($1::text[], $2::text[]) as k (u, c)"
        " join mailbox m on m.user_id = k.u and m.platform_code = k.c"
        " left join feed_head h on h.platform_code = m.platform_code"
        " order by m.user_id, m.platform_code for update of m",
        *(list(column) for column in zip(*ordered, strict=True)),
    )
    return [Mark(Recipient(user_id, code), joined, pulled_to, head) for user_id, code, joined, pulled_to, head in rows]


async def pending(connection: Connection, marks: Sequence[Mark], limit: int) -> list[list[Pending]]:
    """Return, for each of the marks, the first `limit` entries to pull up to its head, in their order.

    Must be a later statement than the one that read the heads: only then is everything up to them visible.
    """
    first = "and f.position <= m.head order by f.position limit $7"
    rows = await connection.fetch(
        "select m.n, f.position, f.message_id, f.app_number, f.expires_at, f.action"
        " from unnest($1::int[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[])"
        " as m (n, user_id, platform_code, joined, pulled_to, head)"
        f" cross join lateral (({_FOR_EVERYONE} {first}) union all"
        f" (select f.* from (select s.* from {_SUBSCRIPTIONS}) s cross join lateral ({_FOR_SUBSCRIBERS} {first}) f)"
        " order by position limit $7) f order by m.n, f.position",
        range(len(marks)),
        [mark.recipient.user_id for mark in marks],
        [mark.recipient.platform_code for mark in marks],
        [mark.joined for mark in marks],
        [mark.pulled_to for mark in marks],
        [mark.head for mark in marks],
        limit,
    )
    entries: list[list[Pending]] = [[] for _ in marks]
    for n, position, message_id, app_number, expires_at, action in rows:
        entries[n].append(Pending(marks[n].recipient, position, message_id, app_number, expires_at, Action(action)))
    return entries


async def set_pulled(connection: Connection, pulled_to: Mapping[Recipient, int]) -> None:
    """Note how far mailboxes, whose marks are locked, have pulled."""
    await connection.execute(
        "update mailbox m set pulled_to = h from unnest($1::text[], $2::text[], $3::bigint[]) as k (u, c, h)"
        " where m.user_id = k.u and m.platform_code = k.c",
        [recipient.user_id for recipient in pulled_to],
        [recipient.platform_code for recipient in pulled_to],
        list(pulled_to.values()),
    )
