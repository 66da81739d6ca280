"""Shared by tests that watch the embedded PostgreSQL: its processes, and other processes that hold it."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import asyncpg
import psutil

# Holds the database until its input ends, and survives Ctrl-C.
HOLDER = """
import os
import signal
import sys
from pathlib import Path
from msgcenter.database.embedded.postgres import embedded_postgres

with embedded_postgres(Path(sys.argv[1]), settings={"fsync": "off"}) as url:
    # Not with print: the signal may arrive while the line below is being printed.
    signal.signal(signal.SIGINT, lambda *_: os.write(1, b"interrupted\\n"))
    print(url, flush=True)
    sys.stdin.read()
"""


def servers_below(folder: Path) -> list[psutil.Process]:
    """Return the PostgreSQL processes that run on data folders below `folder`."""
    processes = psutil.process_iter(["name", "cwd"])
    below = f"{folder.resolve()}/"
    return [
        process
        for process in processes
        if process.info["name"] == "postgres" and (process.info["cwd"] or "").startswith(below)
    ]


def fetch_value(url: str, query: str = "select 1") -> object:
    """Return the first value of a query's result."""

    async def fetch() -> object:
        connection = await asyncpg.connect(url)
        try:
            return await connection.fetchval(query)
        finally:
            await connection.close()

    return asyncio.run(fetch())


def answers(url: str) -> bool:
    """Return whether the database answers a query."""
    try:
        return fetch_value(url) == 1
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return False


def server(data_dir: Path) -> psutil.Process:
    """Return the main process of the server on a data folder."""
    return psutil.Process(int((data_dir / "postgres" / "postmaster.pid").read_text().splitlines()[0]))


def is_running(process: psutil.Process) -> bool:
    """Return whether a process runs and is not a zombie."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_until(condition: Callable[[], bool], seconds: float = 60) -> None:
    """Wait until a condition is true; fail after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the awaited condition did not come true"
        time.sleep(0.01)


def kill_tree(process: psutil.Process) -> None:
    """Kill a process and its descendants, and wait until they have ended."""
    tree = [process, *process.children(recursive=True)]
    for member in tree:
        with suppress(psutil.NoSuchProcess):
            member.kill()
    wait_until(lambda: not any(is_running(member) for member in tree))


@contextmanager
def holder(data_dir: Path, environment: Mapping[str, str] | None = None) -> Iterator["subprocess.Popen[str]"]:
    """Run another process, in its own process group, that holds the database until its input ends."""
    command = [sys.executable, "-W", "error", "-c", HOLDER, str(data_dir)]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, env=environment, start_new_session=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def read_line(process: "subprocess.Popen[str]") -> str:
    """Return the next line that a holder prints; the first is the URL of the database."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


def leave(process: "subprocess.Popen[str]") -> None:
    """Make a holder leave, and wait until it has ended without an error."""
    errors = process.communicate(timeout=60)[1]
    assert process.returncode == 0, errors
