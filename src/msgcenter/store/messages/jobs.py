"""Jobs that follow a send. They are enqueued (with PgQueuer) in the transaction of the send."""

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, cast

from pgqueuer.db import AsyncpgDriver
from pgqueuer.queries import Queries

from msgcenter.database.database import Connection

if TYPE_CHECKING:
    import asyncpg

DELIVER = "deliver"
"""The job that adds a message to the mailboxes of its receivers. Its payload is the message id in digits."""


async def enqueue_deliveries(connection: Connection, deliveries: Sequence[tuple[int, int | None]], now: int) -> None:
    """Enqueue the delivery of messages: pairs of message id and time (ms since 1970); None means at once."""
    queue = Queries(AsyncpgDriver(cast("asyncpg.Connection[asyncpg.Record]", connection)))
    await queue.enqueue(
        [DELIVER] * len(deliveries),
        [str(message_id).encode() for message_id, _ in deliveries],
        [0] * len(deliveries),
        [timedelta(milliseconds=max(0, send_at - now)) if send_at is not None else None for _, send_at in deliveries],
    )
