"""Jobs that follow a send. They are enqueued (with PgQueuer) in the transaction of the send."""

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple, cast

from pgqueuer.db import AsyncpgDriver
from pgqueuer.queries import Queries

from msgcenter.database.database import Connection

if TYPE_CHECKING:
    import asyncpg

DELIVER = "deliver"
"""The job that adds a message to the mailboxes of its receivers. Its payload is a `Delivery`."""


class Delivery(NamedTuple):
    """The message to deliver, and its cell. Jobs that earlier versions have enqueued name no cell."""

    cell: int | None
    message_id: int

    @classmethod
    def parse(cls, payload: bytes | None) -> "Delivery":
        """Return the delivery of a job's payload."""
        cell, slash, message_id = (payload or b"").rpartition(b"/")
        return cls(int(cell) if slash else None, int(message_id))

    def payload(self) -> bytes:
        """Return the payload of a job: the cell, a slash and the message id, in digits."""
        return f"{self.cell}/{self.message_id}".encode()


async def enqueue_deliveries(
    connection: Connection, deliveries: Sequence[tuple[Delivery, int | None]], now: int
) -> None:
    """Enqueue deliveries, each with its time (ms since 1970); None means at once."""
    queue = Queries(AsyncpgDriver(cast("asyncpg.Connection[asyncpg.Record]", connection)))
    await queue.enqueue(
        [DELIVER] * len(deliveries),
        [delivery.payload() for delivery, _ in deliveries],
        [0] * len(deliveries),
        [timedelta(milliseconds=max(0, send_at - now)) if send_at is not None else None for _, send_at in deliveries],
    )
