"""Starts and stops the server of a cluster."""

import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO

import psutil

from msgcenter.database.embedded.cluster import Cluster
from msgcenter.database.embedded.creation import create_cluster, write_settings
from msgcenter.database.embedded.errors import EmbeddedDatabaseError
from msgcenter.database.embedded.holders import refuse_second_machine
from msgcenter.database.embedded.postmaster import is_server, read_pid_file, status
from msgcenter.database.embedded.socket_folder import socket_path
from msgcenter.database.embedded.system_user import grant_access

START_SECONDS = 300
STOP_SECONDS = 120
_ORPHAN_SECONDS = 2
_KILLED_SECONDS = 30
"""How long killed sessions may take to end: on a busy machine a process outlives its kill."""


def ensure_running(
    cluster: Cluster, socket_folder: Path, settings: Mapping[str, str], holders: IO[str], *, alone: bool
) -> None:
    """Create the cluster if it is missing, start its server unless it runs, and wait until it is ready.

    `holders` is the file of the holders; `alone` means that this process is the only one. Blocks for five minutes at
    most. Raises EmbeddedDatabaseError.
    """
    if cluster.user is not None:
        grant_access(cluster.user, cluster.folder, cluster.programs)
    if not cluster.exists:
        create_cluster(cluster, durable=settings.get("fsync") != "off")
    deadline = time.monotonic() + START_SECONDS
    while (state := status(cluster.data, socket_folder)) != "ready":
        if time.monotonic() > deadline:
            raise EmbeddedDatabaseError(
                f"PostgreSQL in {cluster.data} does not become ready ({state}). {cluster.log_end()}"
            )
        if state is None:
            refuse_second_machine(cluster.folder, holders, alone=alone)
            _start(cluster, settings)
        else:
            time.sleep(0.1)


def _start(cluster: Cluster, settings: Mapping[str, str]) -> None:
    write_settings(cluster, settings)
    _clear_remains(cluster.data)
    (cluster.data / "start.log").unlink(missing_ok=True)
    result = cluster.run("pg_ctl", "-D", ".", "-l", "start.log", "-w", "-t", str(START_SECONDS), "-s", "start")
    if result.returncode != 0:
        raise EmbeddedDatabaseError(f"PostgreSQL in {cluster.data} did not start. {cluster.log_end()}")


def stop(cluster: Cluster) -> None:
    """Stop the server of a cluster, if it runs."""
    if not is_server(read_pid_file(cluster.data)[0], cluster.data):
        # pg_ctl would signal whatever process now has the number of a dead server.
        return
    wait = ("-D", ".", "-w", "-t", str(STOP_SECONDS), "-s")
    if cluster.run("pg_ctl", *wait, "-m", "fast", "stop").returncode != 0:
        # Harmless for the data: the next start recovers from the write-ahead log.
        cluster.run("pg_ctl", *wait, "-m", "immediate", "stop")


def _clear_remains(data: Path) -> None:
    """Remove the files of a killed server that would keep the next one from starting."""
    if not (data / "postmaster.pid").exists():
        return
    _end_sessions(data)
    pid = read_pid_file(data)[0]
    if pid is None or psutil.pid_exists(pid):
        # PostgreSQL refuses an empty file, and one whose number now belongs to another process.
        socket = socket_path(data)
        for path in (data / "postmaster.pid", socket, socket.with_name(f"{socket.name}.lock")):
            path.unlink(missing_ok=True)


def _end_sessions(data: Path) -> None:
    """Wait for sessions that outlived their server, then kill them: recovery must not start before they have ended."""
    kill_after = time.monotonic() + _ORPHAN_SECONDS
    give_up_after = kill_after + _KILLED_SECONDS
    while sessions := [process for process in psutil.process_iter() if is_server(process.pid, data)]:
        now = time.monotonic()
        for process in sessions if now > kill_after else ():
            with suppress(psutil.NoSuchProcess):
                process.kill()
        if now > give_up_after:
            return  # PostgreSQL itself will refuse to start and report the reason.
        time.sleep(0.05)
