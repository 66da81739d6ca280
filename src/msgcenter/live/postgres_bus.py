"""The bus over PostgreSQL NOTIFY, on a separate connection.

A NOTIFY holds a cluster-wide lock until its commit, so it is never part of another transaction.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import asyncpg
import structlog

from msgcenter.database.connections import KEEPALIVE, LastingConnection
from msgcenter.domain.event import MailboxEvent
from msgcenter.live.bus import Bus

if TYPE_CHECKING:
    Driver = asyncpg.Connection[asyncpg.Record]

_log = structlog.get_logger(__name__)
CHANNEL = "msgcenter_live"


class PostgresBus(Bus):
    """The bus over PostgreSQL at `url`, which leads to no connection pooler."""

    payload_bytes = 7_000  # the limit of PostgreSQL is just under 8,000
    failures = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError)

    def __init__(
        self, url: str, *, on_events: Callable[[Sequence[MailboxEvent]], None], on_gap: Callable[[], None]
    ) -> None:
        super().__init__(on_events=on_events, on_gap=on_gap)
        self._url = url

    def report(self, error: Exception) -> None:
        """Log that the connection was lost or cannot be made."""
        _log.warning("the live bus lost its connection and connects again", reason=str(error) or repr(error))

    @asynccontextmanager
    async def connected(self) -> "AsyncIterator[_PostgresLine]":
        """Connect and listen."""
        connection = await asyncpg.connect(
            self._url,
            connection_class=LastingConnection,
            timeout=10,
            command_timeout=10,
            server_settings={**KEEPALIVE, "application_name": "msgcenter live"},
        )
        connection.add_termination_listener(lambda _: self.wake())
        try:
            await connection.add_listener(CHANNEL, self._notified)
            yield _PostgresLine(connection)
        finally:
            connection.terminate()

    def _notified(self, _connection: Any, _pid: int, _channel: str, payload: object) -> None:
        self.received(str(payload))


class _PostgresLine:
    def __init__(self, connection: "Driver") -> None:
        self._connection = connection

    def is_closed(self) -> bool:
        return self._connection.is_closed()

    async def send(self, payloads: Sequence[str]) -> None:
        await self._connection.execute("select pg_notify($1, p) from unnest($2::text[]) as p", CHANNEL, payloads)
