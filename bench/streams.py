"""The memory of open streams, and the delay from a send to the screen: `python -m bench.streams`."""

import argparse
import asyncio
import statistics
import tempfile
import time
from pathlib import Path

import httpx
import msgspec
from rich.console import Console
from rich.table import Table

from bench.api import Api
from bench.databases import own_database
from bench.product import product
from msgcenter.database.embedded.postgres import embedded_postgres

_MIB = 1 << 20
_READY_SECONDS = 120
_ARRIVAL_SECONDS = 60


class Viewer:
    """A user with an open stream; records when each message arrives."""

    def __init__(self, user_id: str) -> None:
        self.user_id = user_id
        self.ready = asyncio.Event()
        self.arrived: dict[str, float] = {}
        self.arrival = asyncio.Event()

    async def watch(self, host: str, port: int, token: str) -> None:
        """Read events until cancelled."""
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(f"GET /inbox/v1/stream?token={token} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
        try:
            while line := await reader.readline():
                if line.startswith(b"event: ready"):
                    self.ready.set()
                elif line.startswith(b"id: "):
                    self.arrived[line[4:].strip().decode()] = time.perf_counter()
                    self.arrival.set()
        finally:
            writer.close()

    async def delay(self, message_id: str, sent: float) -> float:
        """Return the seconds from `sent` to the arrival of a message."""
        async with asyncio.timeout(_ARRIVAL_SECONDS):
            while message_id not in self.arrived:
                self.arrival.clear()
                await self.arrival.wait()
        return self.arrived[message_id] - sent


def main() -> None:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(prog="python -m bench.streams", description=__doc__)
    parser.add_argument("--streams", type=int, default=1_000)
    parser.add_argument("--workers", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="msgcenter-streams-") as name, embedded_postgres(Path(name)) as url:
        asyncio.run(_measure(url, Path(name), streams=options.streams, workers=options.workers))


async def _measure(url: str, folder: Path, *, streams: int, workers: int) -> None:
    async with (
        own_database(url, "msgcenter_streams") as database_url,
        product(database_url, folder, workers=workers) as api,
        httpx.AsyncClient(base_url=api.server.base_url, trust_env=False, timeout=60) as http,
    ):
        viewers = [Viewer(f"viewer-{number}") for number in range(streams)]
        tokens = await api.user_tokens([viewer.user_id for viewer in viewers])
        before = sum(api.server.worker_rss_mib())
        tasks = [
            asyncio.create_task(viewer.watch(api.server.host, api.server.port, token))
            for viewer, token in zip(viewers, tokens, strict=True)
        ]
        async with asyncio.timeout(_READY_SECONDS):
            await asyncio.gather(*(viewer.ready.wait() for viewer in viewers))
        opened = sum(api.server.worker_rss_mib())
        single = [await _send_one(http, api, viewers[number % streams : number % streams + 1]) for number in range(100)]
        everyone = [await _send_one(http, api, viewers[:1_000]) for _ in range(5)]
        after = sum(api.server.worker_rss_mib())
        _show(
            {
                "open streams": f"{streams:,} on {workers} worker(s)",
                "memory per open stream": f"{(opened - before) * _MIB / streams / 1024:.1f} KiB",
                "memory after the messages": f"{after:.0f} MiB ({before:.0f} MiB without streams)",
                "to one: send → screen": _delays([delay for delays in single for delay in delays]),
                f"to {min(streams, 1_000):,} at once: send → screen": _delays(
                    [d for delays in everyone for d in delays]
                ),
            }
        )
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _send_one(http: httpx.AsyncClient, api: Api, viewers: list[Viewer]) -> list[float]:
    """Send one message and return the delays from the request to its arrival at each viewer."""
    body = {"receiverIds": [v.user_id for v in viewers], "msgtype": "text", "text": {"content": "hello"}}
    content = msgspec.json.encode(body)
    sent = time.perf_counter()
    answer = await http.post("/msgCenter/message/sendMsg", params={"accessToken": api.token}, content=content)
    message_id = str(answer.json()["msgId"])
    return list(await asyncio.gather(*(viewer.delay(message_id, sent) for viewer in viewers)))


def _delays(seconds: list[float]) -> str:
    ordered = sorted(seconds)
    p99 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
    return f"p50 {statistics.median(ordered) * 1e3:.0f} ms, p99 {p99 * 1e3:.0f} ms, maximum {ordered[-1] * 1e3:.0f} ms"


def _show(figures: dict[str, str]) -> None:
    table = Table(title="Live streams", title_justify="left", show_header=False)
    for name, value in figures.items():
        table.add_row(name, value)
    Console().print(table)


if __name__ == "__main__":
    main()
