"""The cost of searching a large inbox: `python -m bench.searches`.

Searches a mailbox of 1,000 and one of 100,000 messages in turn for text that no message contains, so that each request
examines as many messages as it may; then searches the whole mailbox, page by page, as the component does.
"""

import argparse
import asyncio
import tempfile
import time
from pathlib import Path
from statistics import median, quantiles

import httpx
from rich.console import Console
from rich.table import Table

from bench.databases import connected, own_database
from bench.mailboxes import filled_one_by_one
from bench.product import product
from msgcenter.database.embedded.postgres import embedded_postgres

_SMALL = 1_000
_ROUNDS = 40
_PATH = "/inbox/v1/messages"
_ABSENT = "ＡＢＳＥＮＴ text"


def main() -> None:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(prog="python -m bench.searches", description=__doc__)
    parser.add_argument("--messages", type=int, default=100_000, help="messages in the large mailbox")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="msgcenter-searches-") as name, embedded_postgres(Path(name)) as url:
        asyncio.run(_measure(url, Path(name), options.messages))


async def _measure(url: str, folder: Path, messages: int) -> None:
    async with (
        own_database(url, "msgcenter_searches") as database_url,
        product(database_url, folder, workers=1) as api,
        connected(database_url) as postgres,
        httpx.AsyncClient(base_url=api.server.base_url, trust_env=False, timeout=60) as http,
    ):
        headers = {}
        for size in (_SMALL, messages):
            await filled_one_by_one(api, f"reader-{size}", size, unread=size)
            headers[size] = {"authorization": f"Bearer {(await api.user_tokens([f'reader-{size}']))[0]}"}
        await postgres.vacuum()
        times: dict[int, list[float]] = {size: [] for size in headers}
        for _ in range(_ROUNDS):
            for size, header in headers.items():
                times[size].append((await _search(http, header, None))[0])
        whole, requests = await _whole(http, headers[messages])
    _print(times, messages, whole, requests)


async def _search(http: httpx.AsyncClient, header: dict[str, str], cursor: str | None) -> tuple[float, str | None]:
    """Return the duration of a request (ms) and the cursor of the next one."""
    start = time.perf_counter()
    query = {"q": _ABSENT, **({} if cursor is None else {"cursor": cursor})}
    answer = await http.get(_PATH, params=query, headers=header)
    milliseconds = (time.perf_counter() - start) * 1_000
    assert answer.status_code == 200, answer.text
    next_cursor: str | None = answer.json()["nextCursor"]
    return milliseconds, next_cursor


async def _whole(http: httpx.AsyncClient, header: dict[str, str]) -> tuple[float, int]:
    """Return the duration of a search of the whole mailbox (ms) and its number of requests."""
    total, cursor = await _search(http, header, None)
    requests = 1
    while cursor is not None:
        milliseconds, cursor = await _search(http, header, cursor)
        total, requests = total + milliseconds, requests + 1
    return total, requests


def _print(times: dict[int, list[float]], messages: int, whole: float, requests: int) -> None:
    table = Table("", "p50 ms", "p95 ms", title="Search without a match", title_justify="left")
    for size, values in times.items():
        table.add_row(f"one request, {size:,} messages", f"{median(values):.1f}", f"{quantiles(values, n=20)[-1]:.1f}")
    ratio = median(large / small for small, large in zip(*times.values(), strict=True))
    table.add_row(f"  {messages:,} : {_SMALL:,}", f"{ratio:.2f}", style="bold")
    table.add_row(f"all {messages:,} messages, requests: {requests}", f"{whole:.0f}")
    Console().print(table)


if __name__ == "__main__":
    main()
