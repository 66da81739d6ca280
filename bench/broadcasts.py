"""The cost of broadcasts: `python -m bench.broadcasts`.

On a platform with many known users: the first and second unread count of users with ten broadcasts to pull, the
receipts of a broadcast, and sends to one user and to everyone in turn.
"""

import argparse
import asyncio
import tempfile
import time
from pathlib import Path
from statistics import median

import httpx
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from bench.api import SUCCESS, Api, message_id_in, must_succeed
from bench.databases import Postgres, connected, own_database
from bench.load import run
from bench.load_client import Outcome, Plan
from bench.product import PLATFORM, product
from msgcenter.actions.mailboxes.users import import_users
from msgcenter.database.database import Database
from msgcenter.database.embedded.postgres import embedded_postgres

_ROUNDS = 5
_SECONDS = 2.0
_PENDING = 10
_READERS = 5_000
_BUSY = 64


def main() -> None:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(prog="python -m bench.broadcasts", description=__doc__)
    parser.add_argument("--users", type=int, default=1_000_000, help="known users of the platform")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="msgcenter-broadcasts-") as name, embedded_postgres(Path(name)) as url:
        asyncio.run(_measure(url, Path(name), options.users))


async def _measure(url: str, folder: Path, users: int) -> None:
    async with (
        own_database(url, "msgcenter_broadcasts") as database_url,
        product(database_url, folder, workers=1) as api,
        connected(database_url) as postgres,
    ):
        title = f"Known users of the platform: {users:,}"
        table = Table("", "p50 ms", "p99 ms", "calls/s", title=title, title_justify="left")
        await _import_users(database_url, users)
        await postgres.vacuum()
        await _read(api, table, [_user(users - 1 - number) for number in range(min(users, _READERS))])
        await _send(api, postgres, table, [_user(number) for number in range(min(users, 10_000))])
        Console().print(table)


async def _import_users(database_url: str, users: int) -> None:
    start = time.perf_counter()
    err = Console(stderr=True)
    with Progress(console=err) as progress:
        task = progress.add_task("users", total=users)
        async with Database(database_url, connections=2) as database:
            await import_users(database, PLATFORM, map(_user, range(users)), lambda done: progress.advance(task, done))
    err.print(f"imported users: {users:,}, in {time.perf_counter() - start:.1f} s", style="dim", highlight=False)


def _user(number: int) -> str:
    return f"user-{number:07}"


async def _read(api: Api, table: Table, readers: list[str]) -> None:
    """Measure the first and second unread count of users after the broadcasts, then the receipts of a broadcast."""
    sent = await api.call_all([api.send_to_all(f"news {number}") for number in range(_PENDING)])
    counts = [api.unread_count(user_id) for user_id in readers]
    for title in (f"unread count with {_PENDING} broadcasts to pull", "the same count again"):
        outcome = await run(api.plan(counts, SUCCESS, _BUSY))
        must_succeed(outcome)
        _add(table, f"{title}, {_BUSY} at a time", [outcome])
    async with httpx.AsyncClient(base_url=api.server.base_url, trust_env=False, timeout=60) as http:
        for title in ("receipts of a broadcast: counts and first page", "the same receipts again"):
            start = time.perf_counter()
            answer = await http.post(
                "/msgCenter/message/getMsgStatus",
                params={"accessToken": api.token},
                json={"msgId": str(message_id_in(sent[0])), "pageSize": 50},
            )
            table.add_row(title, f"{(time.perf_counter() - start) * 1_000:.1f}")
            assert answer.json()["retCode"] == "000000", answer.text


async def _send(api: Api, postgres: Postgres, table: Table, users: list[str]) -> None:
    sends = {
        "send to one": [api.send_text([user_id], "hello") for user_id in users],
        "send to everyone": [api.send_to_all("hello")],
    }
    for connections in (1, _BUSY):
        rounds: dict[str, list[Outcome]] = {title: [] for title in sends}
        for _ in range(_ROUNDS):
            for title, requests in sends.items():
                await postgres.checkpoint()
                outcome = await run(_timed_plan(api, requests, connections))
                must_succeed(outcome)
                rounds[title].append(outcome)
        for title, outcomes in rounds.items():
            _add(table, f"{title}, {connections} at a time", outcomes)
        one, everyone = (rounds[title] for title in sends)
        ratio = median(e.p50_ms / o.p50_ms for o, e in zip(one, everyone, strict=True))
        table.add_row("  everyone : one", f"{ratio:.2f}", style="bold")


def _timed_plan(api: Api, requests: list[bytes], connections: int) -> Plan:
    return Plan(
        host=api.server.host,
        port=api.server.port,
        requests=requests,
        connections=connections,
        expect=(SUCCESS,),
        warm_up=0.3,
        seconds=_SECONDS,
    )


def _add(table: Table, title: str, outcomes: list[Outcome]) -> None:
    table.add_row(
        title,
        f"{median(outcome.p50_ms for outcome in outcomes):.1f}",
        f"{median(outcome.p99_ms for outcome in outcomes):.1f}",
        f"{median(outcome.counted / outcome.seconds for outcome in outcomes):,.0f}",
    )


if __name__ == "__main__":
    main()
