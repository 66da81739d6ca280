"""Runs background jobs: one queue manager (PgQueuer) in every server process."""

import asyncio
from contextlib import suppress
from datetime import timedelta

import asyncpg
import structlog
from pgqueuer.db import AsyncpgPoolDriver
from pgqueuer.errors import RetryRequested
from pgqueuer.executors import DatabaseRetryEntrypointExecutor
from pgqueuer.models import Job
from pgqueuer.qm import QueueManager
from pgqueuer.queries import Queries

from msgcenter.database.connections import LastingConnection
from msgcenter.database.database import Database
from msgcenter.domain.event import Listener, ignore_events
from msgcenter.domain.refusal import Reason, Refusal
from msgcenter.messaging.fan_out import fan_out
from msgcenter.store.messages.jobs import DELIVER, Delivery

_log = structlog.get_logger(__name__)
_POLL = timedelta(seconds=5)
_HEARTBEAT = timedelta(seconds=10)
"""Another process takes over a job this long after the death of its process."""
_BATCH = 4
_UNLIMITED_ATTEMPTS = 1_000_000
"""PgQueuer needs a number. A message must never be given up."""
_RESTART_SECONDS = 1.0
_REQUEUE_SECONDS = 5.0
_HELD_JOBS = 1_000


class Worker:
    """Runs jobs until `stop` is called. It survives outages of the database."""

    def __init__(self, database: Database, on_change: Listener = ignore_events) -> None:
        self._database = database
        self._on_change = on_change
        self._stopping = asyncio.Event()
        self._manager: QueueManager | None = None

    async def run(self) -> None:
        """Run jobs until stopped."""
        while not self._stopping.is_set():
            try:
                await self._run_once()
            except Exception as error:
                if self._stopping.is_set():
                    return
                _log.warning("the job worker failed and starts again", reason=repr(error))
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), _RESTART_SECONDS)

    def stop(self) -> None:
        """Take no more jobs, and let running ones finish."""
        self._stopping.set()
        if self._manager is not None:
            self._manager.shutdown.set()

    async def _run_once(self) -> None:
        # A separate pool: the queue's own statements and the calls never wait for each other.
        async with asyncpg.create_pool(
            self._database.direct_url,
            connection_class=LastingConnection,
            min_size=1,
            max_size=3,
            server_settings={**self._database.unlimited_settings, "application_name": "msgcenter jobs"},
        ) as pool:
            queries = Queries(AsyncpgPoolDriver(pool))
            manager = self._manager = QueueManager(queries)
            manager.entrypoint(DELIVER, on_failure="hold", executor_factory=_retrying)(self._deliver)
            if self._stopping.is_set():
                return
            requeueing = asyncio.create_task(_requeue_held_jobs(queries))
            try:
                await manager.run(dequeue_timeout=_POLL, batch_size=_BATCH, heartbeat_timeout=_HEARTBEAT)
            finally:
                requeueing.cancel()

    async def _deliver(self, job: Job) -> None:
        try:
            ms_left = await self._fan_out(Delivery.parse(job.payload))
        except asyncio.CancelledError:
            # PgQueuer deletes a cancelled job; then the rest of the audience would never get the message.
            raise RetryRequested(delay=timedelta(), reason="the process ends") from None
        if ms_left:
            raise RetryRequested(delay=timedelta(milliseconds=ms_left), reason="the message is not due yet")

    async def _fan_out(self, delivery: Delivery) -> int:
        """Deliver a message. During an outage of the database wait for it: without it no job can be queued again."""
        while True:
            try:
                return await fan_out(self._database, delivery, self._on_change)
            except Refusal as refusal:
                if refusal.reason is not Reason.DATABASE_UNAVAILABLE or self._stopping.is_set():
                    raise
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), _RESTART_SECONDS)


async def _requeue_held_jobs(queries: Queries) -> None:
    """Queue the jobs again that PgQueuer holds because the database was away when they failed. Until cancelled."""
    while True:
        with suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
            if held := await queries.list_failed_jobs(_HELD_JOBS):
                _log.warning("jobs that had failed are queued again", jobs=len(held))
                await queries.requeue_jobs([job.id for job in held])
        await asyncio.sleep(_REQUEUE_SECONDS)


def _retrying(parameters: object) -> DatabaseRetryEntrypointExecutor:
    return DatabaseRetryEntrypointExecutor(
        parameters,  # type: ignore[arg-type]
        max_attempts=_UNLIMITED_ATTEMPTS,
        max_delay=timedelta(minutes=1),
    )
