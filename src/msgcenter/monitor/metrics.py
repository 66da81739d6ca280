"""The metrics for Prometheus, built at each scrape from the counters of the processes."""

import hmac
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import get_args

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Receive, Scope, Send

from msgcenter import __version__
from msgcenter.domain.message import SendCall
from msgcenter.domain.refusal import SUCCESS_CODE, Refusal
from msgcenter.monitor.calls import BUCKETS
from msgcenter.monitor.health import DatabaseSample, Health
from msgcenter.monitor.snapshot import Snapshot
from msgcenter.store.health import ChannelHealth

PATH = "/metrics"
_SENDS = {(call, SUCCESS_CODE) for call in get_args(SendCall)}


class Metrics:
    """The page for Prometheus, as an ASGI application. With a `token` it requires `Authorization: Bearer`.

    `count_guess` is awaited with the client address of each request with a wrong token; it may refuse with
    RATE_EXCEEDED.
    """

    def __init__(self, health: Health, token: str | None, count_guess: Callable[[str], Awaitable[None]]) -> None:
        self._health = health
        self._token = token
        self._count_guess = count_guess

    async def __call__(self, scope: Scope, _: Receive, send: Send) -> None:
        """Answer one scrape."""
        headers = dict(scope["headers"])
        if scope["method"] not in {"GET", "HEAD"}:
            await _answer(send, 405, b"GET only\n", (b"allow", b"GET, HEAD"))
        elif not self._is_authorised(headers.get(b"authorization", b"")):
            await self._reject(scope, send)
        else:
            encode, content_type = choose_encoder(headers.get(b"accept", b"").decode("latin-1"))
            registry = CollectorRegistry()
            registry.register(_Scrape(await self._health.processes(), await self._health.database(), time.time()))
            body = encode(registry)
            await _answer(
                send, 200, b"" if scope["method"] == "HEAD" else body, (b"content-type", content_type.encode())
            )

    async def _reject(self, scope: Scope, send: Send) -> None:
        client = scope.get("client")
        try:
            await self._count_guess(client[0] if client else "unknown")
        except Refusal as refusal:
            seconds = str(refusal.data["seconds"]).encode()
            await _answer(send, 429, b"too many requests\n", (b"retry-after", seconds))
        else:
            await _answer(send, 401, b"Authorization: Bearer is required\n", (b"www-authenticate", b"Bearer"))

    def _is_authorised(self, authorization: bytes) -> bool:
        if self._token is None:
            return True
        scheme, _, token = authorization.partition(b" ")
        return scheme.lower() == b"bearer" and hmac.compare_digest(token.strip(), self._token.encode())


class OwnPort:
    """Routes requests at the metrics port to `metrics` only, all others to the application."""

    def __init__(self, port: int, metrics: ASGIApp, application: ASGIApp) -> None:
        self._port = port
        self._metrics = metrics
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        server = scope.get("server")
        if scope["type"] != "http" or server is None or server[1] != self._port:
            await self._application(scope, receive, send)
        elif scope["path"] == PATH:
            await self._metrics(scope, receive, send)
        else:
            await _answer(send, 404, b"this port serves /metrics only\n", (b"content-type", b"text/plain"))


async def _answer(send: Send, status: int, body: bytes, *headers: tuple[bytes, bytes]) -> None:
    length = (b"content-length", b"%d" % len(body))
    await send({"type": "http.response.start", "status": status, "headers": [length, *headers]})
    await send({"type": "http.response.body", "body": body})


class _Scrape(Collector):
    """The metrics of one scrape, at `now` (seconds since 1970)."""

    def __init__(self, processes: list[Snapshot], database: DatabaseSample | None, now: float) -> None:
        self._processes = processes
        self._database = database
        self._now = now

    def collect(self) -> Iterator[Metric]:
        """Yield all metrics."""
        yield InfoMetricFamily("msgcenter_build", "The running version.", {"version": __version__})
        yield from _call_metrics(self._processes)
        yield from _process_metrics(self._processes)
        yield from _database_metrics(self._database, self._now)


def _call_metrics(processes: list[Snapshot]) -> Iterator[Metric]:
    calls = CounterMetricFamily("msgcenter_calls", "Calls answered.", labels=["worker", "api", "ret_code"])
    seconds = HistogramMetricFamily(
        "msgcenter_call_seconds", "From the first byte of a call to its answer.", labels=["worker", "api"]
    )
    sent = CounterMetricFamily(
        "msgcenter_messages", "sendMsg and sendAppMsg calls answered with success.", labels=["worker"]
    )
    ids = CounterMetricFamily("msgcenter_status_ids", "Message ids of successful status calls.", labels=["worker"])
    for process in processes:
        worker = str(process.worker)
        for api, code, count in process.calls:
            calls.add_metric([worker, api, code], count)
        for api, (counts, total) in process.latencies.items():
            seconds.add_metric([worker, api], list(_cumulative(counts)), total)
        sent.add_metric([worker], sum(n for api, code, n in process.calls if (api, code) in _SENDS))
        ids.add_metric([worker], process.status_ids)
    yield from (calls, seconds, sent, ids)


def _cumulative(counts: Iterable[int]) -> Iterator[tuple[str, float]]:
    total = 0
    for bound, count in zip([*map(str, BUCKETS), "+Inf"], counts, strict=True):
        total += count
        yield bound, total


def _process_metrics(processes: list[Snapshot]) -> Iterator[Metric]:
    def gauge(name: str, text: str, *labels: str) -> GaugeMetricFamily:
        return GaugeMetricFamily(f"msgcenter_{name}", text, labels=["worker", *labels])

    waiting = gauge("queue_waiting", "Calls waiting for a shared commit or query.", "queue")
    pool = gauge("database_pool_connections", "Connections of the database pool.", "state")
    streams = gauge("streams_open", "Open live streams of inboxes.")
    redis = gauge("redis_up", "Whether Redis answers the process.")
    attempts = CounterMetricFamily("msgcenter_webhook_posts", "POSTs to webhooks.", labels=["worker", "outcome"])
    deliveries = CounterMetricFamily(
        "msgcenter_channel_deliveries",
        "Deliveries by channels; `later` are attempts that are made again, `repeated` those that a kill interrupted.",
        labels=["worker", "channel", "outcome"],
    )
    memory = gauge("process_resident_memory_bytes", "Memory in use.")
    cpu = CounterMetricFamily("msgcenter_process_cpu_seconds", "CPU time used.", labels=["worker"])
    files = gauge("process_open_fds", "Open files and sockets.")
    started = gauge("process_start_time_seconds", "Start time of the process, in seconds since 1970.")
    for process in processes:
        worker = str(process.worker)
        for queue, count in process.queues.items():
            waiting.add_metric([worker, queue], count)
        pool.add_metric([worker, "idle"], process.idle_connections)
        pool.add_metric([worker, "used"], process.connections - process.idle_connections)
        streams.add_metric([worker], process.streams)
        if process.redis is not None:
            redis.add_metric([worker], float(process.redis))
        for outcome, count in process.webhook_attempts.items():
            attempts.add_metric([worker, outcome], count)
        for channel, outcome, count in process.channel_deliveries:
            deliveries.add_metric([worker, channel, outcome], count)
        memory.add_metric([worker], process.memory)
        cpu.add_metric([worker], process.cpu_seconds)
        files.add_metric([worker], process.open_files)
        started.add_metric([worker], process.started_at / 1_000)
    yield GaugeMetricFamily("msgcenter_workers", "Responding processes of this server.", value=len(processes))
    yield from (waiting, pool, streams, redis, attempts, deliveries, memory, cpu, files, started)


def _database_metrics(sample: DatabaseSample | None, now: float) -> Iterator[Metric]:
    def gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
        return GaugeMetricFamily(f"msgcenter_{name}", text, value=value)

    yield gauge("database_up", "Whether the database answers.", float(sample is not None))
    if sample is None:
        return
    health = sample.health
    yield gauge("database_ping_seconds", "Round trip of the smallest query.", sample.ping_ms / 1_000)
    yield gauge("database_size_bytes", "Size of the database.", health.size)
    yield gauge("database_sessions", "Sessions of all clients of the database.", health.sessions)
    yield gauge("database_sessions_limit", "Sessions that the database allows.", health.max_sessions)
    yield gauge("servers", "Running servers of this database, on all machines.", len(health.servers))
    processes = sum(server.processes for server in health.servers)
    yield gauge("server_processes", "Processes of all servers of this database.", processes)
    jobs = GaugeMetricFamily(
        "msgcenter_jobs", "Background jobs; waiting ones include scheduled sends.", labels=["state"]
    )
    for state, count in (
        ("waiting", health.jobs_waiting),
        ("running", health.jobs_running),
        ("held", health.jobs_held),
    ):
        jobs.add_metric([state], count)
    yield jobs
    hooks = GaugeMetricFamily("msgcenter_webhook_endpoints", "Webhook endpoints.", labels=["state"])
    _, failing, paused = health.webhooks
    for state, count in (("well", health.webhooks.all - failing - paused), ("failing", failing), ("paused", paused)):
        hooks.add_metric([state], count)
    yield hooks
    late = _late_seconds(health.oldest_due, now)
    yield gauge("webhook_oldest_due_seconds", "How long the oldest webhook delivery has been due.", late)
    yield from _channel_metrics(health.channels, now)


def _channel_metrics(channels: ChannelHealth, now: float) -> Iterator[Metric]:
    gateways = GaugeMetricFamily("msgcenter_channel_gateways", "Gateways of channels.", labels=["state"])
    gateways.add_metric(["well"], channels.gateways - channels.paused)
    gateways.add_metric(["paused"], channels.paused)
    yield gateways
    waiting = GaugeMetricFamily(
        "msgcenter_channel_waiting", "Deliveries by channels that are due, up to 100,000.", labels=["channel"]
    )
    for queue in channels.queues:
        waiting.add_metric([queue.channel], queue.waiting)
    yield waiting
    yield GaugeMetricFamily(
        "msgcenter_channel_oldest_due_seconds",
        "How long the oldest delivery by a channel has been due.",
        value=_late_seconds(channels.oldest_due, now),
    )


def _late_seconds(due_at: int | None, now: float) -> float:
    return 0.0 if due_at is None else max(0.0, now - due_at / 1_000)
