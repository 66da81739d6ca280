"""The health of the server: its processes, its database and its queues."""

import asyncio
import time
from typing import NamedTuple

from msgcenter.database.database import Database
from msgcenter.domain.message_id import now_ms
from msgcenter.domain.refusal import Reason, Refusal
from msgcenter.monitor.calls import SlowCall
from msgcenter.monitor.findings import HealthFinding, Level, Vitals, findings, worst
from msgcenter.monitor.peers import Peers
from msgcenter.monitor.snapshot import Snapshot
from msgcenter.store import health as store
from msgcenter.store.health import DatabaseHealth

_SLOWEST = 20
_TIMEOUT_SECONDS = 5


class DatabaseSample(NamedTuple):
    """The state of the database, and in how many milliseconds it answered a ping."""

    health: DatabaseHealth
    ping_ms: float


class WorkerSlowCall(NamedTuple):
    """A slow call and the process that answered it."""

    call: SlowCall
    worker: int


class HealthReport(NamedTuple):
    """The contents of the health page. `database` is None if it does not answer."""

    level: Level
    findings: list[HealthFinding]
    database: DatabaseSample | None
    processes: list[Snapshot]
    slowest: list[WorkerSlowCall]
    oldest_due_ms: int


class Health:
    """Checks all processes and the database. `pool_size` and `queue_limit` are per process."""

    def __init__(self, database: Database, peers: Peers, *, pool_size: int, queue_limit: int) -> None:
        self._database = database
        self._peers = peers
        self._pool_size = pool_size
        self._queue_limit = queue_limit

    async def processes(self) -> list[Snapshot]:
        """Return snapshots of all processes of this server."""
        return await self._peers.snapshots()

    async def database(self) -> DatabaseSample | None:
        """Return the state of the database, None if it does not answer within 5 seconds."""
        try:
            async with asyncio.timeout(_TIMEOUT_SECONDS), self._database.connection() as connection:
                began = time.perf_counter()
                await store.ping(connection)
                ping_ms = (time.perf_counter() - began) * 1_000
                return DatabaseSample(await store.health(connection, now_ms()), ping_ms)
        except TimeoutError:
            return None
        except Refusal as refusal:
            if refusal.reason is not Reason.DATABASE_UNAVAILABLE:
                raise
            return None

    async def report(self) -> HealthReport:
        """Return the contents of the health page."""
        sample, processes = await self.database(), await self.processes()
        late_ms = 0 if sample is None else _late_ms(sample.health.oldest_due)
        assessment = findings(self._vitals(sample, processes, late_ms))
        slowest = [WorkerSlowCall(call, process.worker) for process in processes for call in process.slowest]
        slowest.sort(key=lambda slow: slow.call, reverse=True)
        return HealthReport(worst(assessment), assessment, sample, processes, slowest[:_SLOWEST], late_ms)

    def _vitals(self, sample: DatabaseSample | None, processes: list[Snapshot], late_ms: int) -> Vitals:
        health = sample.health if sample else None
        return Vitals(
            ping_ms=sample.ping_ms if sample else None,
            sessions=health.sessions if health else 0,
            max_sessions=health.max_sessions if health else 0,
            migrations_pending=health.migrations_pending if health else 0,
            waiting=max((waiting for process in processes for waiting in process.queues.values()), default=0),
            queue_limit=self._queue_limit,
            busy_pools=sum(
                process.connections >= self._pool_size and not process.idle_connections for process in processes
            ),
            jobs_waiting=health.jobs_waiting if health else 0,
            jobs_held=health.jobs_held if health else 0,
            webhooks_failing=health.webhooks.failing if health else 0,
            webhooks_paused=health.webhooks.paused if health else 0,
            oldest_due_ms=late_ms,
            internal_errors=sum(
                count
                for process in processes
                for _, ret_code, count in process.calls
                if ret_code == Reason.INTERNAL.ret_code
            ),
            without_redis=_without_redis(processes),
            gateways=health.channels.gateways if health else 0,
            gateways_paused=health.channels.paused if health else 0,
            channel_late_ms=_late_ms(health.channels.oldest_due) if health else 0,
        )


def _late_ms(due_at: int | None) -> int:
    return 0 if due_at is None else max(0, now_ms() - due_at)


def _without_redis(processes: list[Snapshot]) -> int | None:
    answers = [process.redis for process in processes if process.redis is not None]
    return answers.count(False) if answers else None
