"""What became of messages by channels."""

from collections.abc import Sequence
from datetime import date
from typing import cast

import msgspec

from msgcenter.database.database import Connection
from msgcenter.domain.channels.codes import Channel, DeliveryState
from msgcenter.domain.channels.outcome import WORDS, ChannelOutcome, PlannedRound, StateCount, without_addresses
from msgcenter.store.messages.messages import MessageKey

_skipped = msgspec.json.Decoder(dict[str, dict[str, int]])


async def planned_rounds(connection: Connection, key: MessageKey) -> list[PlannedRound]:
    """Return the rounds of a message's plan, the first one first."""
    rows = await connection.fetch(
        "select channels, skipped from channel_plan where cell = $1 and message_id = $2 order by round", *key
    )
    return [
        PlannedRound(cast("tuple[Channel, ...]", tuple(row["channels"])), _skipped.decode(row["skipped"]))
        for row in rows
    ]


async def count_states(connection: Connection, cell: int, message_id: int) -> list[StateCount]:
    """Return how many deliveries of a message to users of a cell are in which state.

    Each part reads an index only: a million deliveries cost 0.15 s of CPU.
    """
    rows = await connection.fetch(
        """
        select channel, state, '' as reason, count(*) as deliveries
        from channel_delivery
        where cell = $1 and message_id = $2 and state < 4
        group by channel, state
        union all
        select channel, 4, coalesce(reason, ''), count(*)
        from channel_delivery
        where cell = $1 and message_id = $2 and state = 4
        group by channel, reason
        order by 1, 2, 3
        """,
        cell,
        message_id,
    )
    return [
        StateCount(row["channel"], WORDS[DeliveryState(row["state"])], row["reason"], row["deliveries"]) for row in rows
    ]


async def of_users(connection: Connection, cell: int, message_id: int, user_ids: Sequence[str]) -> list[ChannelOutcome]:
    """Return what became of a message to users of a cell, by user, channel and round."""
    rows = await connection.fetch(
        """
        select user_id, channel, state, coalesce(settled_at, due_at) as at, reason
        from channel_delivery
        where cell = $1 and message_id = $2 and user_id = any($3)
        order by user_id, channel, round
        """,
        cell,
        message_id,
        user_ids,
    )
    outcomes: list[ChannelOutcome] = []
    for user_id, channel, state, at, reason in rows:
        word = WORDS[DeliveryState(state)]
        shown = "" if word in {"waiting", "sent"} else without_addresses(reason or "")
        outcomes.append(ChannelOutcome(user_id, channel, word, at, shown))
    return outcomes


async def count_by_channel(
    connection: Connection, app_number: int | None, first: date, last: date
) -> dict[str, dict[str, int]]:
    """Return how many deliveries of an app (None: of all) were sent, failed or skipped from one day to another.

    By channel, and then by outcome.
    """
    rows = await connection.fetch(
        """
        select channel, outcome, sum(deliveries)::bigint as deliveries
        from channel_count
        where day between $2 and $3 and ($1::int is null or app_number = $1)
        group by channel, outcome
        order by channel, outcome
        """,
        app_number,
        first,
        last,
    )
    counts: dict[str, dict[str, int]] = {}
    for channel, outcome, deliveries in rows:
        counts.setdefault(channel, {})[outcome] = deliveries
    return counts
