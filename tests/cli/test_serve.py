"""`msgcenter serve`: one or several processes, from start to stop."""

import signal
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx
import psutil
import pytest

from tests.attacks.sockets import connect, exchange, request
from tests.cli.program import Running, Shell


def wait_until(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition did not become true in time"
        time.sleep(0.05)


def answering_processes(url: str, calls: int = 20) -> set[str]:
    """Return the prefixes of request ids in answers; each process has its own."""
    # A new connection for each call, so that any process may accept it.
    answers = (httpx.get(f"{url}/readyz", trust_env=False) for _ in range(calls))
    return {answer.headers["x-request-id"][:12] for answer in answers if answer.status_code == 200}


def workers(running: Running) -> list[psutil.Process]:
    processes = []
    for child in running.tree()[1:]:
        with suppress(psutil.Error):  # the process is ending or has ended
            if "spawn_main" in " ".join(child.cmdline()):
                processes.append(child)
    return processes


@pytest.mark.kill
def test_two_workers_answer_are_replaced_and_stop(database_url: str, tmp_path: Path) -> None:
    with Shell(database_url, tmp_path, forked=False).started("serve", "--port", "0", "--workers", "2") as running:
        url = running.url()
        assert "No apps yet" in running.output
        seen: set[str] = set()
        wait_until(lambda: len(add_answering(seen, url)) == 2)

        first, second = workers(running)
        first.kill()
        wait_until(lambda: {worker.pid for worker in workers(running)} > {second.pid})
        wait_until(lambda: bool(answering_processes(url) - seen))

        tree = running.tree()
        assert running.end(signal.SIGTERM) == 0
        _, left = psutil.wait_procs(tree, timeout=60)
        assert not left
        assert "Traceback" not in running.output


def add_answering(seen: set[str], url: str) -> set[str]:
    """Add the processes that answer now to `seen`."""
    seen |= answering_processes(url)
    return seen


@pytest.mark.kill
def test_workers_end_with_their_parent(database_url: str, tmp_path: Path) -> None:
    with Shell(database_url, tmp_path).started("serve", "--port", "0", "--workers", "2") as running:
        running.url()
        wait_until(lambda: len(workers(running)) == 2)
        tree = running.tree()
        running.end(signal.SIGKILL)
        _, left = psutil.wait_procs(tree, timeout=60)
        for process in left:
            process.kill()
        assert not left


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_server_stops_cleanly(number: int, database_url: str, tmp_path: Path) -> None:
    with Shell(database_url, tmp_path, forked=False).started("serve", "--port", "0") as running:
        httpx.get(f"{running.url()}/healthz", trust_env=False).raise_for_status()
        assert running.end(number) == 0
        assert "Traceback" not in running.output


@pytest.mark.parametrize(
    ("host", "workers", "warns"), [("0.0.0.0", "2", True), ("::", "1", True), ("127.0.0.1", "1", False)]
)
def test_serving_other_machines_without_tls_is_warned_about_once(
    host: str, workers: str, database_url: str, tmp_path: Path, *, warns: bool
) -> None:
    arguments = ("--host", host, "--port", "0", "--workers", workers)
    with Shell(database_url, tmp_path).started("serve", *arguments) as running:
        running.url()
        warnings = [line for line in running.output.splitlines() if "without TLS" in line]
        assert len(warnings) == int(warns)
        if warns:
            assert "docs/operating.md" in warnings[0]
            assert host in warnings[0]


def test_the_connection_limits_apply_in_every_worker(database_url: str, tmp_path: Path) -> None:
    shell = Shell(database_url, tmp_path, KEEP_ALIVE="3", CONNECTION_LIMIT="16")
    with shell.started("serve", "--port", "0", "--workers", "2") as running:
        with connect(running.url()) as connection:
            began = time.monotonic()
            connection.send(request("GET", "/healthz"))
            assert connection.answer() is not None
            assert connection.is_ended(30)
            assert time.monotonic() - began > 2.5
        with ExitStack() as held:
            # The kernel distributes connections over the workers, and idle ones are closed after a while.
            statuses: set[int] = set()
            deadline = time.monotonic() + 30
            while 503 not in statuses and time.monotonic() < deadline:
                for _ in range(20):
                    held.callback(connect(running.url()).close)
                answers = [exchange(running.url(), request("GET", "/healthz")) for _ in range(8)]
                statuses |= {answer.status for answer in answers if answer}
            assert 503 in statuses
