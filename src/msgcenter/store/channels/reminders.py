"""Plans of messages that are reminded of."""

from typing import NamedTuple, cast

from msgcenter.database.database import Connection
from msgcenter.database.statements import affected_rows
from msgcenter.domain.channels.codes import Channel
from msgcenter.store.messages.messages import MessageKey


class Round(NamedTuple):
    """The last round of a message's plan."""

    number: int
    channels: tuple[Channel, ...]


async def last_round(connection: Connection, key: MessageKey) -> Round | None:
    """Return the last round of a message's plan, None if it has none."""
    row = await connection.fetchrow(
        "select round, channels from channel_plan where cell = $1 and message_id = $2 order by round desc limit 1", *key
    )
    return None if row is None else Round(row["round"], cast("tuple[Channel, ...]", tuple(row["channels"])))


async def bring_forward(connection: Connection, key: MessageKey, now: int) -> bool:
    """Let a plan that is not finished be due at `now` (ms since 1970) at the latest; return False if there is none."""
    status = await connection.execute(
        """
        update channel_plan
        set due_at = least(due_at, $3)
        where cell = $1 and message_id = $2 and finished_at is null
        """,
        *key,
        now,
    )
    return affected_rows(status) > 0
