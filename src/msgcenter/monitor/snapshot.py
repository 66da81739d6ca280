"""Snapshots: the counters of one process at one moment, which processes send each other."""

import os
import time
from collections.abc import Callable, Mapping
from typing import Any

import psutil
from msgspec import Struct

from msgcenter import __version__
from msgcenter.monitor.calls import CallTotals, SlowCall
from msgcenter.redis.status import RedisStatus


class Snapshot(Struct, frozen=True):
    """The counters and resources of a process. `worker` is its number among the processes of this server, from 0.

    Counters run since the start of the process. Times are ms since 1970, memory is bytes. `calls` are API, retCode and
    count. `latencies` are, by API, the number of calls in each bucket (`calls.BUCKETS`) and the sum of their seconds.
    `queues` are the calls that wait for a shared commit or query. `channel_deliveries` are channel, outcome and count.
    `redis` is whether Redis answers, None without Redis.
    """

    worker: int
    pid: int
    version: str
    started_at: int
    memory: int
    cpu_seconds: float
    open_files: int
    calls: list[tuple[str, str, int]]
    latencies: dict[str, tuple[list[int], float]]
    status_ids: int
    calls_last_minute: int
    slowest: list[SlowCall]
    queues: dict[str, int]
    connections: int
    idle_connections: int
    streams: int
    webhook_attempts: dict[str, int]
    channel_deliveries: list[tuple[str, str, int]]
    redis: bool | None = None


class Process:
    """This process. `queues`, `streams` and `pool` (connections, idle ones) are called at each snapshot."""

    def __init__(
        self,
        calls: CallTotals,
        *,
        queues: Mapping[str, Callable[[], int]],
        streams: Callable[[], int],
        pool: Callable[[], tuple[int, int]],
        webhook_attempts: Mapping[Any, int],
        channel_deliveries: Mapping[Any, int],
        redis: RedisStatus | None = None,
    ) -> None:
        self.worker = 0
        self._calls = calls
        self._queues = queues
        self._streams = streams
        self._pool = pool
        self._webhook_attempts = webhook_attempts
        self._channel_deliveries = channel_deliveries
        self._redis = redis
        self._started_at = int(time.time() * 1_000)

    def snapshot(self) -> Snapshot:
        """Return a snapshot of this process."""
        process = psutil.Process()
        with process.oneshot():
            cpu, memory, files = process.cpu_times(), process.memory_info().rss, process.num_fds()
        connections, idle = self._pool()
        calls = self._calls
        return Snapshot(
            worker=self.worker,
            pid=os.getpid(),
            version=__version__,
            started_at=self._started_at,
            memory=memory,
            cpu_seconds=cpu.user + cpu.system,
            open_files=files,
            calls=[(api, code, count) for (api, code), count in calls.codes.items()],
            latencies={api: (list(total.counts), total.seconds) for api, total in calls.latencies.items()},
            status_ids=calls.status_ids,
            calls_last_minute=calls.calls_last_minute(),
            slowest=calls.slowest(),
            queues={name: waiting() for name, waiting in self._queues.items()},
            connections=connections,
            idle_connections=idle,
            streams=self._streams(),
            webhook_attempts=dict(self._webhook_attempts),
            channel_deliveries=[(*key, count) for key, count in self._channel_deliveries.items()],
            redis=None if self._redis is None else self._redis.is_up,
        )
