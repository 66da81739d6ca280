"""What counting a call costs the gateway alone, without network and database: `python -m bench.counting`.

In one process and in turn, many times: the answer of /healthz, a call that is not counted, the same call counted. It is
processor time that is compared, so that it does not matter what else the machine does.
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
from msgcenter.domain.account import App
from msgcenter.gateway.endpoint import EndpointApp, Gateway, PlainApp
from msgcenter.gateway.exchange import Exchange
from msgcenter.gateway.health import healthz
from msgcenter.gateway.rate_limit import RateLimit
from msgcenter.gateway.wire import envelope

_CALLS = 2_000
_APP = App(1, "0123456789abcdef", "Bench", "420100", "bench")
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
    """Answer as a call does that has its app and needs no database: its limit is counted, its body is read."""
    exchange.app = _APP
    await gateway.rate_limit.hit(exchange, "modMsgStatus", _APP)
    await exchange.body()
    exchange.status_ids = 50
    return envelope.success(exchange.language)


def _call(*, counted: bool) -> ASGIApp:
    # Nothing is stored here: the counter has no database and is not run.
    counter = CallCounter(Database(""), ZoneInfo("Asia/Shanghai"))
    gateway = Gateway(None, RateLimit(1_000_000), [counter.observe] if counted else [])  # type: ignore[arg-type]
    return EndpointApp(gateway, "/msgCenter/message/modMsgStatus", _respond)


def _timed(app: ASGIApp) -> Callable[[], Awaitable[float]]:
    async def once() -> float:
        """Return the processor time of a call, in microseconds."""
        before = time.process_time_ns()
        for _ in range(_CALLS):
            await app(_SCOPE, _receive, _send)
        return (time.process_time_ns() - before) / _CALLS / 1_000

    return once


async def _measure(rounds: int) -> dict[str, list[float]]:
    turns = {
        "no-op": _timed(PlainApp(healthz)),
        "a call, not counted": _timed(_call(counted=False)),
        "a call, counted": _timed(_call(counted=True)),
    }
    taken: dict[str, list[float]] = {name: [] for name in turns}
    for number in range(rounds + 1):
        for name, once in sorted(turns.items(), reverse=bool(number % 2)):
            found = await once()
            if number:  # the first round warms up
                taken[name].append(found)
    return taken


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.counting", description=__doc__)
    parser.add_argument("--rounds", type=int, default=100)
    taken = asyncio.run(_measure(parser.parse_args().rounds))
    base = taken["a call, not counted"]
    table = Table(title="What counting costs the gateway alone", title_justify="left")
    for heading in ("what", "CPU µs", "of a call that is not counted", "more µs"):
        table.add_column(heading, justify="left" if heading == "what" else "right")
    for name, found in taken.items():
        share = median(one / other for one, other in zip(found, base, strict=True))
        more = median(one - other for one, other in zip(found, base, strict=True))
        table.add_row(name, f"{median(found):.2f}", f"{share:.1%}", f"{more:+.2f}")
    Console().print(table)


if __name__ == "__main__":
    main()
