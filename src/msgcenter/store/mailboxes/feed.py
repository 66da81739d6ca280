"""The feed of a platform: messages to a topic or to everyone are stored here once, and mailboxes pull them.

Positions are assigned under the lock of the platform's `feed_head` row, which is held until the commit. So they become
visible in order and without gaps, and a mailbox that has pulled to a position cannot have missed a row before it.

In the schema, `mailbox.joined` is the position since which a user is known, `mailbox.pulled_to` the position to which
the mailbox has pulled, and `feed.about` the position of the message that a row concerns.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from enum import IntEnum
from typing import NamedTuple

from msgcenter.database.database import Connection
from msgcenter.database.statements import column_arrays
from msgcenter.domain.account import Recipient
from msgcenter.domain.message import Message


class FeedAction(IntEnum):
    """What a row of the feed does to a mailbox that pulls it: add the message, withdraw it, or set it unread."""

    MESSAGE = 0
    WITHDRAW = 1
    UNREAD_AGAIN = 2


class NewFeedRow(NamedTuple):
    """A row to publish. `origin_position` is the position of the message that it concerns, None if it is the message.

    `expires_at` is ms since 1970.
    """

    platform_code: str
    topic_number: int
    message_id: int
    app_number: int
    expires_at: int | None
    action: FeedAction = FeedAction.MESSAGE
    origin_position: int | None = None


class PullState(NamedTuple):
    """How far a mailbox has pulled (`pull_position`), and since which position its user is known.

    `feed_position` is the last position of the platform's feed when the state was locked. Sorts as the primary key.
    """

    recipient: Recipient
    known_since: int
    pull_position: int
    feed_position: int


class PendingRow(NamedTuple):
    """A row of the feed that a mailbox has not pulled yet."""

    recipient: Recipient
    position: int
    message_id: int
    app_number: int
    expires_at: int | None
    action: FeedAction


def follow_up_row(message: Message, action: FeedAction) -> NewFeedRow:
    """Return a row that applies an action in each mailbox which the message has reached or will reach."""
    assert message.topic_number is not None
    return NewFeedRow(
        message.platform_code,
        message.topic_number,
        message.id,
        message.app_number,
        message.expires_at,
        action,
        message.position,
    )


async def publish(connection: Connection, rows: Sequence[NewFeedRow]) -> list[int]:
    """Add rows to the feeds of their platforms; return their positions.

    Runs inside a transaction, as late as possible: until the commit, it blocks other publications on these platforms.
    """
    if not rows:
        return []
    rows_by_platform = Counter(row.platform_code for row in rows)
    platform_codes = sorted(rows_by_platform)
    heads = await connection.fetch(
        """
        insert into feed_head as head (platform_code, position)
        select platform_code, rows from unnest($1::text[], $2::bigint[]) as addition (platform_code, rows)
        on conflict (platform_code) do update set position = head.position + excluded.position
        returning head.platform_code, head.position
        """,
        platform_codes,
        [rows_by_platform[platform_code] for platform_code in platform_codes],
    )
    last_positions = {
        head["platform_code"]: head["position"] - rows_by_platform[head["platform_code"]] for head in heads
    }
    positions = []
    for row in rows:
        last_positions[row.platform_code] += 1
        positions.append(last_positions[row.platform_code])
    await connection.execute(
        """
        insert into feed (platform_code, topic_number, position, about, message_id, app_number, expires_at, action)
        select * from unnest($1::text[], $2::int[], $3::bigint[], $4::bigint[], $5::bigint[], $6::int[], $7::bigint[],
            $8::smallint[])
        """,
        [row.platform_code for row in rows],
        [row.topic_number for row in rows],
        positions,
        [
            position if row.origin_position is None else row.origin_position
            for row, position in zip(rows, positions, strict=True)
        ],
        [row.message_id for row in rows],
        [row.app_number for row in rows],
        [row.expires_at for row in rows],
        [row.action for row in rows],
    )
    return positions


# --- What a mailbox has to pull -------------------------------------------------------------------------------------
#
# In these fragments, `mailbox` is the alias of a relation with the columns user_id, platform_code, joined, pulled_to.
# A mailbox pulls a row for everyone if its user was known when the message was published. It pulls a topic's row if the
# user was subscribed then, also if the row withdraws a message from a user who has unsubscribed since.

_FAR_BEHIND = 2_000
"""A mailbox that is further behind than this pulls although no row is for it. Otherwise every call of a user who has
left a busy topic would search all rows since then."""


def _rows_for_everyone(mailbox: str) -> str:
    return f"""
        select feed.*
        from feed
        where feed.platform_code = {mailbox}.platform_code
            and feed.topic_number = 0
            and feed.position > {mailbox}.pulled_to
            and feed.about > {mailbox}.joined
    """


def _subscriptions(mailbox: str) -> str:
    return f"""
        topic_subscription as subscription
        where subscription.user_id = {mailbox}.user_id and subscription.platform_code = {mailbox}.platform_code
    """


def _rows_for_subscription(mailbox: str) -> str:
    return f"""
        select feed.*
        from feed
        where feed.platform_code = subscription.platform_code
            and feed.topic_number = subscription.topic_number
            and feed.position > {mailbox}.pulled_to
            and feed.about > subscription.since
            and (subscription.until is null or feed.about <= subscription.until)
    """


def _must_pull(mailbox: str, feed_head: str) -> str:
    """Return the condition for pulling, of a mailbox that has not pulled to the head."""
    return f"""
        (
            {mailbox}.pulled_to < {feed_head}.position - {_FAR_BEHIND}
            or exists ({_rows_for_everyone(mailbox)})
            or exists (select from {_subscriptions(mailbox)} and exists ({_rows_for_subscription(mailbox)}))
        )
    """


def has_pulled(*, user_id: str, platform_code: str) -> str:
    """Return a condition for a statement about another table: a mailbox has nothing to pull.

    `user_id` and `platform_code` are the SQL expressions, such as columns, that name the mailbox.
    """
    # The limit makes it one look-up for each row; an anti-join could be answered by reading all mailboxes.
    return f"""
        (
            select 1
            from feed_head
            join mailbox
                on mailbox.platform_code = feed_head.platform_code and mailbox.pulled_to < feed_head.position
            where feed_head.platform_code = {platform_code}
                and mailbox.user_id = {user_id}
                and {_must_pull("mailbox", "feed_head")}
            limit 1
        ) is null
    """


async def mailboxes_to_pull(connection: Connection, recipients: Collection[Recipient]) -> list[Recipient]:
    """Return, sorted, the mailboxes among these that must pull. Costs one look-up for each mailbox."""
    if not recipients:
        return []
    rows = await connection.fetch(
        f"""
        select mailbox.user_id, mailbox.platform_code
        from unnest($1::text[], $2::text[]) as recipient (user_id, platform_code)
        join feed_head on feed_head.platform_code = recipient.platform_code
        join mailbox
            on mailbox.user_id = recipient.user_id
            and mailbox.platform_code = recipient.platform_code
            and mailbox.pulled_to < feed_head.position
        where {_must_pull("mailbox", "feed_head")}
        """,
        *column_arrays(set(recipients), 2),
    )
    return sorted(Recipient(*row) for row in rows)


# --- Pulling --------------------------------------------------------------------------------------------------------


async def lock_pull_states(connection: Connection, recipients: Iterable[Recipient]) -> list[PullState]:
    """Return the pull states of the mailboxes of known users, in key order, locked until the transaction ends.

    The position of the feed is read by the same statement. Read on its own, on another node of a cluster, it could be
    ahead of the rows that a later statement sees, and a mailbox would pass a row without pulling it. It is as old as
    the statement's snapshot. A state whose lock was waited for is read again after the wait and may be ahead of it.
    """
    ordered = sorted(set(recipients))
    if not ordered:
        return []
    rows = await connection.fetch(
        """
        select mailbox.user_id, mailbox.platform_code, mailbox.joined, mailbox.pulled_to,
            greatest(mailbox.pulled_to, coalesce(feed_head.position, 0))
        from unnest($1::text[], $2::text[]) as recipient (user_id, platform_code)
        join mailbox on mailbox.user_id = recipient.user_id and mailbox.platform_code = recipient.platform_code
        left join feed_head on feed_head.platform_code = mailbox.platform_code
        order by mailbox.user_id, mailbox.platform_code
        for update of mailbox
        """,
        *column_arrays(ordered, 2),
    )
    return [PullState(Recipient(user_id, platform_code), *positions) for user_id, platform_code, *positions in rows]


async def pending_rows(connection: Connection, states: Sequence[PullState], limit: int) -> list[list[PendingRow]]:
    """Return, for each state, the first `limit` rows to pull up to its feed position, in feed order.

    Must be a later statement than the one that read the feed positions: only then are all rows up to them visible.
    """
    next_rows = "and feed.position <= mailbox.feed_position order by feed.position limit $7"
    rows = await connection.fetch(
        f"""
        select mailbox.place, feed_row.position, feed_row.message_id, feed_row.app_number, feed_row.expires_at,
            feed_row.action
        from unnest($1::int[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[])
            as mailbox (place, user_id, platform_code, joined, pulled_to, feed_position)
        cross join lateral (
            ({_rows_for_everyone("mailbox")} {next_rows})
            union all
            (
                select topic_row.*
                from (select subscription.* from {_subscriptions("mailbox")}) as subscription
                cross join lateral ({_rows_for_subscription("mailbox")} {next_rows}) as topic_row
            )
            order by position
            limit $7
        ) as feed_row
        order by mailbox.place, feed_row.position
        """,
        range(len(states)),
        [state.recipient.user_id for state in states],
        [state.recipient.platform_code for state in states],
        [state.known_since for state in states],
        [state.pull_position for state in states],
        [state.feed_position for state in states],
        limit,
    )
    pending: list[list[PendingRow]] = [[] for _ in states]
    for place, position, message_id, app_number, expires_at, action in rows:
        recipient = states[place].recipient
        pending[place].append(PendingRow(recipient, position, message_id, app_number, expires_at, FeedAction(action)))
    return pending


async def set_pull_positions(connection: Connection, positions: Mapping[Recipient, int]) -> None:
    """Store how far mailboxes have pulled; their pull states are locked."""
    await connection.execute(
        """
        update mailbox
        set pulled_to = pulled.position
        from unnest($1::text[], $2::text[], $3::bigint[]) as pulled (user_id, platform_code, position)
        where mailbox.user_id = pulled.user_id and mailbox.platform_code = pulled.platform_code
        """,
        [recipient.user_id for recipient in positions],
        [recipient.platform_code for recipient in positions],
        list(positions.values()),
    )
