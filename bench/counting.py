"""The cost of call statistics in the gateway, without network and database: `python -m bench.counting`.

Repeats in one process, in turn: /healthz, a call that is not counted, and the same call counted. It compares processor
time, which other work on the machine hardly affects.
"""

import argparse
import asyncio
import time
from collections.abc import Awaitable, Callable
from statistics import median
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Table
from starlette.types import ASGIApp, Message

from msgcenter.actions.apps.call_counter import CallCounter
from msgcenter.database.database import Database
from msgcenter.domain.account import App, Platform
from msgcenter.gateway.endpoint import EndpointApp, Gateway, PlainApp
from msgcenter.gateway.exchange import Exchange
from msgcenter.gateway.health import healthz
from msgcenter.gateway.rate_limit import RateLimit
from msgcenter.gateway.wire import envelope

_CALLS = 2_000
_APP = App(1, "0123456789abcdef", "Bench", Platform("420100", 1), "bench")
_SCOPE = {
    "type": "http",
    "method": "POST",
    "path": "/msgCenter/message/modMsgStatus",
    "query_string": b"accessToken=0123456789abcdef0123456789abcdef",
    "headers": [(b"host", b"127.0.0.1"), (b"content-type", b"application/json"), (b"content-length", b"1100")],
    "client": ("127.0.0.1", 50_000),
}
_BODY: Message = {"type": "http.request", "body": b" " * 1_100, "more_body": False}


async def _receive() -> Message:
    return _BODY


async def _send(_: Message) -> None:
    pass


async def _respond(gateway: Gateway, exchange: Exchange) -> bytes:
    """Answer a call without a database: check the rate limit and read the body."""
    exchange.app = _APP
    await gateway.rate_limit.hit(exchange, "modMsgStatus", _APP)
    await exchange.body()
    exchange.status_ids = 50
    return envelope.success(exchange.language)


def _call(*, counted: bool) -> ASGIApp:
    # Nothing is stored: the counter has no database and does not run.
    counter = CallCounter(Database(""), ZoneInfo("Asia/Shanghai"))
    gateway = Gateway(None, RateLimit(1_000_000), [counter.observe] if counted else [])  # type: ignore[arg-type]
    return EndpointApp(gateway, "/msgCenter/message/modMsgStatus", _respond)


def _timed(app: ASGIApp) -> Callable[[], Awaitable[float]]:
    async def run() -> float:
        """Return the processor time per call, in microseconds."""
        before = time.process_time_ns()
        for _ in range(_CALLS):
            await app(_SCOPE, _receive, _send)
        return (time.process_time_ns() - before) / _CALLS / 1_000

    return run


async def _measure(rounds: int) -> dict[str, list[float]]:
    runs = {
        "no-op": _timed(PlainApp(healthz)),
        "a call, not counted": _timed(_call(counted=False)),
        "a call, counted": _timed(_call(counted=True)),
    }
    times: dict[str, list[float]] = {name: [] for name in runs}
    for number in range(rounds + 1):
        for name, run in sorted(runs.items(), reverse=bool(number % 2)):
            microseconds = await run()
            if number:  # the first round warms up
                times[name].append(microseconds)
    return times


def main() -> None:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(prog="python -m bench.counting", description=__doc__)
    parser.add_argument("--rounds", type=int, default=100)
    times = asyncio.run(_measure(parser.parse_args().rounds))
    base = times["a call, not counted"]
    table = Table(title="Cost of call statistics in the gateway", title_justify="left")
    for heading in ("call", "CPU µs", "ratio to not counted", "extra µs"):
        table.add_column(heading, justify="left" if heading == "call" else "right")
    for name, values in times.items():
        ratio = median(value / reference for value, reference in zip(values, base, strict=True))
        extra = median(value - reference for value, reference in zip(values, base, strict=True))
        table.add_row(name, f"{median(values):.2f}", f"{ratio:.1%}", f"{extra:+.2f}")
    Console().print(table)


if __name__ == "__main__":
    main()
