"""Jobs that must follow a send, enqueued in the transaction that makes them necessary (PgQueuer)."""

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, cast

from pgqueuer.db import AsyncpgDriver
from pgqueuer.queries import Queries

from msgcenter.database.database import Connection

if TYPE_CHECKING:
    import asyncpg

DELIVER = "deliver"
"""The job that puts a message into its receivers' mailboxes; its payload is the message id in digits."""


async def enqueue_deliveries(connection: Connection, deliveries: Sequence[tuple[int, int | None]], now: int) -> None:
    """Enqueue the delivery of messages: at once, or at a time (both ms since 1970)."""
    queue = Queries(AsyncpgDriver(cast("asyncpg.Connection[asyncpg.Record]", connection)))
    await queue.enqueue(
        [DELIVER] * len(deliveries),
        [str(message_id).encode() for message_id, _ in deliveries],
        [0] * len(deliveries),
        [timedelta(milliseconds=max(0, at - now)) if at is not None else None for _, at in deliveries],
    )
