"""The monitoring of this process and its peers."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from msgcenter.database.database import Database
from msgcenter.monitor.calls import CallTotals
from msgcenter.monitor.health import Health
from msgcenter.monitor.metrics import PATH, Metrics, OwnPort
from msgcenter.monitor.peers import Peers
from msgcenter.monitor.snapshot import Process
from msgcenter.redis.status import RedisStatus
from msgcenter.settings import Settings


class Monitor:
    """Counts calls (`calls.observe`), checks the server's health, and serves the metrics.

    `folder` is shared by the processes of one server; None if there is only one. `count_guess` is awaited with the
    client address of each request for metrics with a wrong token; it may refuse with RATE_EXCEEDED.
    """

    def __init__(
        self,
        settings: Settings,
        database: Database,
        folder: Path | None,
        *,
        queues: Mapping[str, Callable[[], int]],
        streams: Callable[[], int],
        webhook_attempts: Mapping[Any, int],
        channel_deliveries: Mapping[Any, int],
        count_guess: Callable[[str], Awaitable[None]],
        redis: RedisStatus | None = None,
    ) -> None:
        self.calls = CallTotals()
        process = Process(
            self.calls,
            queues=queues,
            streams=streams,
            pool=database.connections,
            webhook_attempts=webhook_attempts,
            channel_deliveries=channel_deliveries,
            redis=redis,
        )
        self._peers = Peers(process, folder)
        self.health = Health(
            database, self._peers, pool_size=settings.database_connections, queue_limit=settings.queue_limit
        )
        self._metrics = Metrics(self.health, settings.metrics_token, count_guess)
        self._settings = settings

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Answer the other processes of the server until the end of the block."""
        async with self._peers:
            yield

    def routes(self) -> list[BaseRoute]:
        """Return the route of the metrics on the main port, which exists only if a token is set."""
        return [Route(PATH, self._metrics)] if self._settings.metrics_token else []

    def with_own_port(self, application: ASGIApp) -> ASGIApp:
        """Return the application, with the metrics on their own port if one is set."""
        port = self._settings.metrics_port
        return application if port is None else OwnPort(port, self._metrics, application)
