"""The health of the server: its processes, its database, and what waits."""

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
_PATIENCE_SECONDS = 5


class DatabaseSeen(NamedTuple):
    """How the database is, and in how many milliseconds it has answered."""

    health: DatabaseHealth
    ping_ms: float


class SlowAt(NamedTuple):
    """A slow call and the process that answered it."""

    call: SlowCall
    worker: int


class HealthReport(NamedTuple):
    """Everything that the health page shows; `database` is None while it does not answer."""

    level: Level
    findings: list[HealthFinding]
    database: DatabaseSeen | None
    processes: list[Snapshot]
    slowest: list[SlowAt]
    oldest_due_ms: int


class Health:
    """Looks at all processes and at the database. `pool_size` and `queue_limit` are those of a process."""

    def __init__(self, database: Database, peers: Peers, *, pool_size: int, queue_limit: int) -> None:
        self._database = database
        self._peers = peers
        self._pool_size = pool_size
        self._queue_limit = queue_limit

    async def processes(self) -> list[Snapshot]:
        """Return the processes of this server."""
        return await self._peers.snapshots()

    async def database(self) -> DatabaseSeen | None:
        """Ask the database; None if it does not answer."""
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS), self._database.connection() as connection:
                began = time.perf_counter()
                await store.ping(connection)
                ping_ms = (time.perf_counter() - began) * 1_000
                return DatabaseSeen(await store.health(connection, now_ms()), ping_ms)
        except TimeoutError:
            return None
        except Refusal as refusal:
            if refusal.reason is not Reason.DATABASE_UNAVAILABLE:
                raise
            return None

    async def report(self) -> HealthReport:
        """Return how everything is."""
        seen, processes = await self.database(), await self.processes()
        late = 0 if seen is None or seen.health.oldest_due is None else max(0, now_ms() - seen.health.oldest_due)
        found = findings(self._vitals(seen, processes, late))
        slow = [SlowAt(call, one.worker) for one in processes for call in one.slowest]
        slow.sort(key=lambda one: one.call, reverse=True)
        return HealthReport(worst(found), found, seen, processes, slow[:_SLOWEST], late)

    def _vitals(self, seen: DatabaseSeen | None, processes: list[Snapshot], late: int) -> Vitals:
        health = seen.health if seen else None
        return Vitals(
            ping_ms=seen.ping_ms if seen else None,
            sessions=health.sessions if health else 0,
            max_sessions=health.max_sessions if health else 0,
            migrations_pending=health.migrations_pending if health else 0,
            waiting=max((waiting for one in processes for waiting in one.queues.values()), default=0),
            queue_limit=self._queue_limit,
            busy_pools=sum(one.connections >= self._pool_size and not one.idle_connections for one in processes),
            jobs_waiting=health.jobs_waiting if health else 0,
            jobs_held=health.jobs_held if health else 0,
            webhooks_failing=health.webhooks.failing if health else 0,
            webhooks_paused=health.webhooks.paused if health else 0,
            oldest_due_ms=late,
            internal_errors=sum(
                count for one in processes for _, code, count in one.calls if code == Reason.INTERNAL.ret_code
            ),
        )
