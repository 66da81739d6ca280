"""The feed of a cell: messages to a topic, to organisations or to everyone are stored here once; mailboxes pull them.

Positions are assigned under the lock of the cell's `feed_head` row, which is held until the commit. So they become
visible in order and without gaps, and a mailbox that has pulled to a position cannot have missed a row before it.

Each cell has a row of `feed_head`. Statements that insert many rows into a cell's tables join with it, as `home`: a
cluster then runs them where the cell is, and does not collect the rows first (docs/decisions/0023-citus.md).

In the schema, `mailbox.joined` is the position since which a user is known, `mailbox.forgotten` the one at which the
user was removed, `mailbox.pulled_to` the position to which the mailbox has pulled, and `feed.about` the position of the
message that a row concerns.
"""

from collections.abc import Collection, Mapping, Sequence
from enum import IntEnum
from typing import NamedTuple

from msgcenter.database.database import Connection
from msgcenter.database.statements import column_arrays


class FeedAction(IntEnum):
    """What a row of the feed does to a mailbox that pulls it: add the message, withdraw it, or set it unread."""

    MESSAGE = 0
    WITHDRAW = 1
    UNREAD_AGAIN = 2


class Addressed(NamedTuple):
    """The numbers of topics, groups or organisations to publish something to; one number, except of organisations.

    Of organisations: `roles` are the roles whose members are meant, None for all; `direct` is whether only members of
    the organisations themselves are meant, not those of organisations below them.
    """

    numbers: tuple[int, ...]
    roles: tuple[str, ...] | None = None
    direct: bool = False


class Publication(NamedTuple):
    """Something to publish: a row of the feed for each number in `addressed`, all at one position.

    `origin_position` is the position of the message that it concerns, None if it is the message. `expires_at` is ms
    since 1970.
    """

    addressed: Addressed
    message_id: int
    app_number: int
    expires_at: int | None
    action: FeedAction = FeedAction.MESSAGE
    origin_position: int | None = None


class PullState(NamedTuple):
    """How far a mailbox has pulled (`pull_position`), and since which position its user is known.

    `feed_position` is the last position of the cell's feed when the state was locked.
    """

    user_id: str
    known_since: int
    pull_position: int
    feed_position: int


class PendingRow(NamedTuple):
    """A row of the feed that a mailbox has not pulled yet."""

    user_id: str
    position: int
    message_id: int
    app_number: int
    expires_at: int | None
    action: FeedAction


async def publish(connection: Connection, cell: int, publications: Sequence[Publication]) -> list[int]:
    """Add rows to the feed of a cell; return the position of each publication.

    Runs inside a transaction, as late as possible: until the commit, it blocks other publications in the cell.
    """
    if not publications:
        return []
    positions = await take_positions(connection, cell, len(publications))
    rows = [
        (
            number,
            position,
            position if publication.origin_position is None else publication.origin_position,
            publication.message_id,
            publication.app_number,
            publication.expires_at,
            publication.action,
            None if publication.addressed.roles is None else ",".join(publication.addressed.roles),
            publication.addressed.direct,
        )
        for publication, position in zip(publications, positions, strict=True)
        for number in publication.addressed.numbers
    ]
    await connection.execute(
        """
        insert into feed (cell, topic_number, position, about, message_id, app_number, expires_at, action, roles,
            direct)
        select home.cell, topic_number, new_row.position, about, message_id, app_number, expires_at, action,
            string_to_array(roles, ','), direct
        from feed_head as home
        cross join unnest($2::int[], $3::bigint[], $4::bigint[], $5::bigint[], $6::int[], $7::bigint[],
                $8::smallint[], $9::text[], $10::bool[])
            as new_row (topic_number, position, about, message_id, app_number, expires_at, action, roles, direct)
        where home.cell = $1
        """,
        cell,
        *column_arrays(rows, 9),
    )
    return positions


async def take_positions(connection: Connection, cell: int, count: int) -> list[int]:
    """Return the next positions of the feed of a cell. Blocks others who take some until the transaction ends."""
    last: int = await connection.fetchval(
        "update feed_head set position = position + $2 where cell = $1 returning position",
        cell,
        count,
    )
    return list(range(last - count + 1, last + 1))


# --- What a mailbox has to pull -------------------------------------------------------------------------------------
#
# In these fragments, `mailbox` is the alias of a relation with the columns user_id, joined, pulled_to, and `cell` is an
# expression for the cell, usually a parameter. A mailbox pulls a row for everyone if its user was known when the
# message was published. It pulls a topic's row if the user was subscribed then, also if the row withdraws a message
# from a user who has unsubscribed since. It pulls an organisation's row if the user was then a member, with one of the
# row's roles, of that organisation or of one below it; both intervals count, the membership's and the path's.

_FAR_BEHIND = 2_000
"""The mailbox of a user who has left a topic, or is or was a member of an organisation, pulls when it is further behind
than this, although no row may be for it. Otherwise every call of a user who has left a busy topic, or has none of the
roles that a school writes to, would search all rows since then."""


def _rows_for_everyone(cell: str, mailbox: str) -> str:
    return f"""
        select feed.*
        from feed
        where feed.cell = {cell}
            and feed.topic_number = 0
            and feed.position > {mailbox}.pulled_to
            and feed.about > {mailbox}.joined
    """


def _subscriptions(cell: str, mailbox: str) -> str:
    return f"""
        topic_subscription as subscription
        where subscription.cell = {cell} and subscription.user_id = {mailbox}.user_id
    """


def _rows_for_subscription(cell: str, mailbox: str) -> str:
    return f"""
        select feed.*
        from feed
        where feed.cell = {cell}
            and feed.topic_number = subscription.topic_number
            and feed.position > {mailbox}.pulled_to
            and feed.about > subscription.since
            and (subscription.until is null or feed.about <= subscription.until)
    """


def _memberships(cell: str, mailbox: str) -> str:
    return f"""
        directory_member as membership
        where membership.cell = {cell} and membership.user_id = {mailbox}.user_id
    """


def _paths(cell: str) -> str:
    return f"""
        directory_path as path
        where path.cell = {cell} and path.org_number = membership.org_number
    """


def _rows_for_path(cell: str, mailbox: str) -> str:
    # `greatest` and `least` leave out nulls: an interval without an end.
    return f"""
        select feed.*
        from feed
        where feed.cell = {cell}
            and feed.topic_number = path.ancestor_number
            and feed.position > {mailbox}.pulled_to
            and feed.about > greatest(membership.since, path.since)
            and feed.about <= coalesce(least(membership.until, path.until), feed.about)
            and (feed.roles is null or membership.role = any(feed.roles))
            and (path.depth = 0 or not feed.direct)
    """


def _must_pull(cell: str, mailbox: str, feed_head: str) -> str:
    """Return the condition for pulling, of a mailbox that has not pulled to the head."""
    return f"""
        (
            exists ({_rows_for_everyone(cell, mailbox)})
            or exists (
                select from {_subscriptions(cell, mailbox)}
                    and (
                        subscription.until is not null
                            and {mailbox}.pulled_to < {feed_head}.position - {_FAR_BEHIND}
                        or exists ({_rows_for_subscription(cell, mailbox)})
                    )
            )
            or exists (
                select from {_memberships(cell, mailbox)}
                    and (
                        {mailbox}.pulled_to < {feed_head}.position - {_FAR_BEHIND}
                        or exists (
                            select from {_paths(cell)}
                                and (select 1 from ({_rows_for_path(cell, mailbox)}) as org_row limit 1) is not null
                        )
                    )
            )
        )
    """


def has_pulled(cell: str, *, user_id: str) -> str:
    """Return a condition for a statement about another table: a mailbox has nothing to pull.

    `cell` and `user_id` are the SQL expressions, such as a parameter and a column, that name the mailbox.
    """
    # The limit makes it one look-up for each row; an anti-join could be answered by reading all mailboxes.
    return f"""
        (
            select 1
            from feed_head
            join mailbox on mailbox.cell = {cell} and mailbox.pulled_to < feed_head.position
            where feed_head.cell = {cell}
                and mailbox.user_id = {user_id}
                and {_must_pull(cell, "mailbox", "feed_head")}
            limit 1
        ) is null
    """


async def mailboxes_to_pull(connection: Connection, cell: int, user_ids: Collection[str]) -> list[str]:
    """Return, sorted, the users among these whose mailboxes must pull. Costs one look-up for each mailbox."""
    rows = await connection.fetch(
        f"""
        select mailbox.user_id
        from unnest($2::text[]) as recipient (user_id)
        join feed_head on feed_head.cell = $1
        join mailbox
            on mailbox.cell = $1
            and mailbox.user_id = recipient.user_id
            and mailbox.pulled_to < feed_head.position
        where {_must_pull("$1", "mailbox", "feed_head")}
        """,
        cell,
        list(set(user_ids)),
    )
    return sorted(row["user_id"] for row in rows)


# --- Pulling --------------------------------------------------------------------------------------------------------


async def lock_pull_states(connection: Connection, cell: int, user_ids: Collection[str]) -> list[PullState]:
    """Return the pull states of the mailboxes of known users, in key order, locked until the transaction ends.

    The position of the feed is read by the same statement and, in a cluster, from the same node as the rows. Read on
    its own, it could be ahead of the rows that a later statement sees, and a mailbox would pass a row without pulling
    it. It is as old as the statement's snapshot. A state whose lock was waited for is read again after the wait and may
    be ahead of it.
    """
    rows = await connection.fetch(
        """
        select mailbox.user_id, mailbox.joined, mailbox.pulled_to, greatest(mailbox.pulled_to, feed_head.position)
        from unnest($2::text[]) as recipient (user_id)
        join mailbox on mailbox.cell = $1 and mailbox.user_id = recipient.user_id
        join feed_head on feed_head.cell = $1
        order by mailbox.user_id
        for update of mailbox
        """,
        cell,
        sorted(set(user_ids)),
    )
    return [PullState(*row) for row in rows]


async def pending_rows(
    connection: Connection, cell: int, states: Sequence[PullState], limit: int
) -> list[list[PendingRow]]:
    """Return, for each state, the first `limit` rows to pull up to its feed position, in feed order.

    Must be a later statement than the one that read the feed positions: only then are all rows up to them visible.
    """
    next_rows = "and feed.position <= mailbox.feed_position order by feed.position limit $7"
    rows = await connection.fetch(
        f"""
        select mailbox.place, feed_row.position, feed_row.message_id, feed_row.app_number, feed_row.expires_at,
            feed_row.action
        from unnest($2::int[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[])
            as mailbox (place, user_id, joined, pulled_to, feed_position)
        cross join lateral (
            ({_rows_for_everyone("$1", "mailbox")} {next_rows})
            union all
            (
                select topic_row.*
                from (select subscription.* from {_subscriptions("$1", "mailbox")}) as subscription
                cross join lateral ({_rows_for_subscription("$1", "mailbox")} {next_rows}) as topic_row
            )
            union all
            (
                -- A member of several of the organisations gets one copy.
                select distinct on (org_row.position) org_row.*
                from (select membership.* from {_memberships("$1", "mailbox")} offset 0) as membership
                cross join lateral (select path.* from {_paths("$1")} offset 0) as path
                cross join lateral ({_rows_for_path("$1", "mailbox")} {next_rows}) as org_row
                order by org_row.position
            )
            order by position
            limit $7
        ) as feed_row
        order by mailbox.place, feed_row.position
        """,
        cell,
        range(len(states)),
        [state.user_id for state in states],
        [state.known_since for state in states],
        [state.pull_position for state in states],
        [state.feed_position for state in states],
        limit,
    )
    pending: list[list[PendingRow]] = [[] for _ in states]
    for place, position, message_id, app_number, expires_at, action in rows:
        user_id = states[place].user_id
        pending[place].append(PendingRow(user_id, position, message_id, app_number, expires_at, FeedAction(action)))
    return pending


async def set_pull_positions(connection: Connection, cell: int, positions: Mapping[str, int]) -> None:
    """Store how far the mailboxes of users have pulled; their pull states are locked."""
    await connection.execute(
        """
        update mailbox
        set pulled_to = pulled.position
        from unnest($2::text[], $3::bigint[]) as pulled (user_id, position)
        where mailbox.cell = $1 and mailbox.user_id = pulled.user_id
        """,
        cell,
        list(positions),
        list(positions.values()),
    )
