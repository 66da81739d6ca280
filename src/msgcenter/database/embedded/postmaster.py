"""Observes the server of a data folder without changing anything."""

import re
import socket
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import psutil

from msgcenter.database.embedded.holders import is_held
from msgcenter.database.embedded.socket_folder import socket_path

_RECOVERY = re.compile(r"^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)\.\d+ UTC .*automatic recovery in progress", re.MULTILINE)
_DAY_SECONDS = 86_400


class EmbeddedState(NamedTuple):
    """The state of the server of a data folder.

    `is_held`: some process uses the database. `was_killed`: the server ended without having been stopped.
    `recoveries`: when the server started after a kill or a crash in the last 24 hours, as seconds since 1970, the
    oldest first.
    """

    exists: bool
    is_running: bool
    is_held: bool
    was_killed: bool
    recoveries: list[float]


def observe(data_dir: Path) -> EmbeddedState:
    """Return the state of the server on `data_dir / "postgres"`. Starts and changes nothing. Raises OSError."""
    data = data_dir.resolve() / "postgres"
    pid, _ = read_pid_file(data)
    is_running = is_server(pid, data) or answers(data)
    return EmbeddedState(
        exists=(data / "PG_VERSION").exists(),
        is_running=is_running,
        is_held=is_held(data.parent),
        was_killed=not is_running and (data / "postmaster.pid").exists(),
        recoveries=_recoveries(data),
    )


def _recoveries(data: Path) -> list[float]:
    since = time.time() - _DAY_SECONDS
    times = [
        datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC).timestamp()
        for log in data.glob("log/*.log")
        for text in _RECOVERY.findall(log.read_text(errors="replace"))
    ]
    return sorted(moment for moment in times if moment >= since)


def status(data: Path, socket_folder: Path) -> str | None:
    """Return the server's status as it reports it ("ready", "starting", "stopping"); None if no server runs."""
    pid, reported_status = read_pid_file(data)
    if not (is_server(pid, data) or answers(socket_folder)):
        return None
    return reported_status or "starting"


def read_pid_file(data: Path) -> tuple[int | None, str | None]:
    """Return the server's process id and status from postmaster.pid; None for what is missing there."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return None, None
    pid = int(lines[0]) if lines and lines[0].isdigit() else None
    return pid, lines[7].strip() if len(lines) > 7 else None


def is_server(pid: int | None, data: Path) -> bool:
    """Return whether `pid` is a server on `data`, and not another process that got the number of a dead server."""
    if pid is None:
        return False
    try:
        process = psutil.Process(pid)
        return process.name() == "postgres" and process.cwd() == str(data)
    except psutil.Error:
        return False


def answers(socket_folder: Path) -> bool:
    """Return whether a server listens. This finds a server in another container, whose processes are not visible."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client, suppress(OSError):
        client.connect(str(socket_path(socket_folder)))
        return True
    return False
