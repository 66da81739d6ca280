"""What a search of a large inbox costs: `python -m bench.searches`.

One mailbox with 1,000 and one with 100,000 messages, searched in turn for what none of them says, so that a request
looks through as much as it may; and the mailbox as a whole, page after page, as the component does.
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

from bench.api import Api
from bench.databases import connected, own_database
from bench.mailboxes import filled_one_by_one
from bench.product import product
from msgcenter.database.embedded.postgres import embedded_postgres

_SMALL = 1_000
_ROUNDS = 40
_PATH = "/inbox/v1/messages"
_ABSENT = "ＮＯＢＯＤＹ says this"


def main() -> None:
    """Measure and print."""
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
            headers[size] = {"authorization": f"Bearer {await _user_token(api, http, f'reader-{size}')}"}
        await postgres.vacuum()
        times: dict[int, list[float]] = {size: [] for size in headers}
        for _ in range(_ROUNDS):
            for size, header in headers.items():
                times[size].append((await _search(http, header, None))[0])
        whole, requests = await _whole(http, headers[messages])
    _print(times, messages, whole, requests)


async def _user_token(api: Api, http: httpx.AsyncClient, user_id: str) -> str:
    answer = await http.post(
        "/msgCenter/user/getUserToken", params={"accessToken": api.token}, json={"publisherId": user_id}
    )
    token: str = answer.json()["userToken"]
    return token


async def _search(http: httpx.AsyncClient, header: dict[str, str], cursor: str | None) -> tuple[float, str | None]:
    """Return how long a request took (ms), and the cursor of the next one."""
    begun = time.perf_counter()
    query = {"q": _ABSENT, **({} if cursor is None else {"cursor": cursor})}
    answer = await http.get(_PATH, params=query, headers=header)
    took = (time.perf_counter() - begun) * 1_000
    assert answer.status_code == 200, answer.text
    following: str | None = answer.json()["nextCursor"]
    return took, following


async def _whole(http: httpx.AsyncClient, header: dict[str, str]) -> tuple[float, int]:
    """Return how long it takes to look through a whole mailbox (ms), and in how many requests."""
    took, cursor = await _search(http, header, None)
    requests = 1
    while cursor is not None:
        more, cursor = await _search(http, header, cursor)
        took, requests = took + more, requests + 1
    return took, requests


def _print(times: dict[int, list[float]], messages: int, whole: float, requests: int) -> None:
    table = Table("", "p50 ms", "p95 ms", title="A search that finds nothing", title_justify="left")
    for size, taken in times.items():
        table.add_row(
            f"a request, among {size:,} messages", f"{median(taken):.1f}", f"{quantiles(taken, n=20)[-1]:.1f}"
        )
    ratio = median(large / small for small, large in zip(*times.values(), strict=True))
    table.add_row(f"  {messages:,} : {_SMALL:,}", f"{ratio:.2f}", style="bold")
    table.add_row(f"all {messages:,} messages, in {requests} requests", f"{whole:.0f}")
    Console().print(table)


if __name__ == "__main__":
    main()
