"""Tells what runs on a data folder of the embedded PostgreSQL, without changing anything."""

import fcntl
import os
import re
import socket
import time
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, NamedTuple

import psutil

PORT = 5432
HOLDERS = ".postgres-holders"
"""The file that every process that uses the database holds a shared lock on."""
GATE = ".postgres-gate"
"""The file whose lock is held while the server is started or stopped, or its holders are counted."""
_RECOVERY = re.compile(r"^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)\.\d+ UTC .*automatic recovery in progress", re.MULTILINE)
_DAY_SECONDS = 86_400


class EmbeddedState(NamedTuple):
    """What runs on a data folder.

    `is_held`: some process uses the database. `was_killed`: the server is gone without having been stopped.
    `recoveries` are the times of the last 24 hours, in seconds since 1970 and the oldest first, when the server
    started after it had been killed or had crashed.
    """

    exists: bool
    is_running: bool
    is_held: bool
    was_killed: bool
    recoveries: list[float]


def observe(data_dir: Path) -> EmbeddedState:
    """Return what runs on `data_dir / "postgres"` now; starts and changes nothing. Raises OSError."""
    data = data_dir.resolve() / "postgres"
    pid, _ = read_pid_file(data)
    is_running = is_server(pid, data) or answers(data)
    return EmbeddedState(
        exists=(data / "PG_VERSION").exists(),
        is_running=is_running,
        is_held=_is_held(data.parent),
        was_killed=not is_running and (data / "postmaster.pid").exists(),
        recoveries=_recoveries(data),
    )


def _is_held(folder: Path) -> bool:
    """Tell whether any process uses the database, or is about to."""
    with ExitStack() as leaving:
        for name in (GATE, HOLDERS):
            try:
                descriptor = os.open(folder / name, os.O_RDONLY | os.O_NOFOLLOW)
            except FileNotFoundError:
                return False
            if not try_lock(leaving.enter_context(os.fdopen(descriptor)), fcntl.LOCK_EX):
                return True
    return False


def _recoveries(data: Path) -> list[float]:
    since = time.time() - _DAY_SECONDS
    times = [
        datetime.strptime(found, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC).timestamp()
        for log in data.glob("log/*.log")
        for found in _RECOVERY.findall(log.read_text(errors="replace"))
    ]
    return sorted(moment for moment in times if moment >= since)


def try_lock(file: IO[str], kind: int) -> bool:
    """Lock a file with `fcntl.LOCK_SH` or `fcntl.LOCK_EX`. Returns False at once if another lock forbids it."""
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def status(data: Path, socket_folder: Path) -> str | None:
    """Return what the server says of itself ("ready", "starting", "stopping"), None when there is none."""
    pid, told = read_pid_file(data)
    if not (is_server(pid, data) or answers(socket_folder)):
        return None
    return told or "starting"


def read_pid_file(data: Path) -> tuple[int | None, str | None]:
    """Return the server's process id and its status as postmaster.pid has them, None for what is not there."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return None, None
    pid = int(lines[0]) if lines and lines[0].isdigit() else None
    return pid, lines[7].strip() if len(lines) > 7 else None


def is_server(pid: int | None, data: Path) -> bool:
    """Tell whether `pid` is a server on `data`, and not a process that got a dead server's number."""
    if pid is None:
        return False
    try:
        process = psutil.Process(pid)
        return process.name() == "postgres" and process.cwd() == str(data)
    except psutil.Error:
        return False


def answers(socket_folder: Path) -> bool:
    """Tell whether a server listens; also finds one in another container, whose processes are not seen here."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as attempt, suppress(OSError):
        attempt.connect(str(socket_folder / f".s.PGSQL.{PORT}"))
        return True
    return False
