"""`make bench`: a run of a fraction of a second per step measures all that it promises, and verifies what it did."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bench.databases import connected
from bench.load_client import Load, Outcome, Plan
from bench.options import Options, Sizes
from bench.parts import Run
from bench.peer.environment import is_installed
from bench.peer.server import NAME, peer_part
from bench.report import promises
from bench.rounds import measure
from bench.run import benchmark
from bench.server_process import Server
from bench.tables import show
from tests.conftest import PROGRAM, running_program
from tests.fork_server import COLUMNS

TINY = Sizes(readers=20, deep_readers=10, messages=60, group=20, small_mailbox=60, large_mailbox=120)
ONLY_WITH_OPTIONS = {
    "status changes, × the peer",
    "sends to 1, × the peer",
    "list and counts, × the peer",
    "processor time with call statistics",
}


def tiny(postgres: str, folder: Path, other: str | None = None) -> Options:
    return Options(
        seconds=0.1,
        warm_up=0,
        rounds=1,
        connections=4,
        compare_database=other,
        sizes=TINY,
        database_url=postgres,
        folder=folder,
    )


@pytest.fixture(autouse=True)
def cheap_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fork the product's servers, and run the load client in a thread: to start programs takes longer than loads."""

    @asynccontextmanager
    async def serving(
        command: Sequence[str], environment: Mapping[str, str], _: Path, *, workers: int
    ) -> AsyncIterator[Server]:
        with running_program([*PROGRAM, *command[1:]], {**environment, "COLUMNS": COLUMNS}) as program:
            yield Server(program.process.pid, int(program.url.rpartition(":")[2]), workers)

    async def run(plan: Plan) -> Outcome:
        return await asyncio.to_thread(Load(plan).run)

    monkeypatch.setattr("bench.product.serving", serving)
    monkeypatch.setattr("bench.api.run", run)
    monkeypatch.setattr("bench.rounds.run", run)


def test_a_run_measures_every_promise_and_verifies_every_step(
    postgres: str, empty_database: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = benchmark(tiny(postgres, tmp_path, empty_database), print)

    assert {promise.figure for promise in promises(report) if promise.reached is None} == ONLY_WITH_OPTIONS
    assert [line.partition(": after")[0] for line in report.verified] == [
        "the product, modMsgStatus, 50 ids, modMsgStatus, 1 id",
        "the product, modMsgStatus, 50 ids, at 70% of b",
        "the product, modMsgStatus, 50 ids, deep mailboxes",
        "the product, sendMsg to 1 receiver",
        "the product, sendMsg to 1 receiver, deep mailboxes",
        "the product, sendMsg to 20 known receivers",
        "the product, sendMsg to 20 new receivers",
        "the yardstick",
        "other PostgreSQL, modMsgStatus, 50 ids, other PostgreSQL",
        "other PostgreSQL, sendMsg to 1 receiver, other PostgreSQL",
    ]
    show(report)
    shown = capsys.readouterr().out
    assert all(promise.figure in shown for promise in promises(report))


@pytest.mark.skipif(not is_installed(), reason="`make bench ARGS=--peer` installs the peer")
async def test_the_peer_changes_sends_and_lists(postgres: str, tmp_path: Path) -> None:
    options = tiny(postgres, tmp_path)
    async with peer_part(Run(options, postgres, tmp_path, print)) as part, connected(postgres) as connection:
        await measure(part.steps, connection, options, print)
        assert [await check() for check in part.checks] == [
            f"{NAME}: after {part.steps[0].sent:,} calls, the unread counts of 10 sampled users are correct"
        ]
        assert all(step.results[0].per_second > 0 for step in part.steps)
