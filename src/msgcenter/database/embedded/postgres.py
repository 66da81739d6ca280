"""Runs the embedded PostgreSQL for as long as any process needs it."""

import fcntl
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import IO

from msgcenter.database.embedded.cluster import Cluster
from msgcenter.database.embedded.creation import SETTINGS, ensure_database
from msgcenter.database.embedded.errors import EmbeddedDatabaseError, ServerLostError, explained_errors
from msgcenter.database.embedded.holders import HOLDERS, lock_file, locked_gate, try_lock
from msgcenter.database.embedded.postmaster import status
from msgcenter.database.embedded.server import START_SECONDS, STOP_SECONDS, ensure_running, stop
from msgcenter.database.embedded.socket_folder import database_url, socket_folder
from msgcenter.database.embedded.watch import watched

_ENDING_SECONDS = 30
"""How long a server that was killed may take to end."""
_PAUSE_SECONDS = 0.05


@contextmanager
def embedded_postgres(data_dir: Path, *, settings: Mapping[str, str] | None = None) -> Iterator[str]:
    """Run the embedded PostgreSQL on `data_dir / "postgres"` and give the URL of its database `msgcenter`.

    Any number of processes may hold the same folder, and one process may hold it several times. The first holder starts
    the server, the last one to leave stops it. A killed holder no longer counts; if it was the last one, the server
    runs on until the next holder leaves. A server that ends while it is held is started again: each holder watches it
    from a thread. `settings` are PostgreSQL's own and apply only if this holder starts the server.

    Nothing listens on a network, and the server has no passwords: any user who may enter the folder may use the
    database, so the folder is created for its owner alone. For the user that runs the server, and the permissions that
    are changed for this user, see `system_user`.

    Blocks while the server starts (up to five minutes when it recovers from a crash) and stops.
    Raises EmbeddedDatabaseError.
    """
    with ExitStack() as stack:
        # Only what happens before the block and after it is explained, not errors of the block itself.
        with explained_errors(data_dir):
            cluster = Cluster.in_folder(data_dir)
            url = stack.enter_context(_held(cluster, {**SETTINGS, **(settings or {})}))
        yield url


@contextmanager
def _held(cluster: Cluster, settings: Mapping[str, str]) -> Iterator[str]:
    with ExitStack() as stack:
        folder = stack.enter_context(socket_folder(cluster.data))
        holders = stack.enter_context(lock_file(cluster.folder / HOLDERS))
        stack.callback(_leave, cluster, holders)
        with _gate(cluster):
            alone = try_lock(holders, fcntl.LOCK_EX)
            fcntl.flock(holders, fcntl.LOCK_SH)
            _start(cluster, folder, settings, holders, alone=alone)
        stack.enter_context(_watched(cluster, folder, settings, holders))
        yield database_url(folder)


def _start(cluster: Cluster, folder: Path, settings: Mapping[str, str], holders: IO[str], *, alone: bool) -> None:
    """Start the server unless it runs, and create its database.

    A server that was killed a moment ago may still look ready: on a busy machine a process outlives its kill. Then it
    takes no connection, and is started once it has ended.
    """
    deadline = time.monotonic() + _ENDING_SECONDS
    while True:
        ensure_running(cluster, folder, settings, holders, alone=alone)
        try:
            return ensure_database(cluster, folder)
        except ServerLostError:
            if time.monotonic() > deadline:
                raise
        time.sleep(_PAUSE_SECONDS)


def _watched(
    cluster: Cluster, folder: Path, settings: Mapping[str, str], holders: IO[str]
) -> AbstractContextManager[None]:
    def is_running() -> bool:
        return status(cluster.data, folder) is not None

    def start() -> None:
        with explained_errors(cluster.folder), _gate(cluster):
            if not cluster.exists:
                # An empty database in its place would look like data loss and hide the cause.
                raise EmbeddedDatabaseError(f"The database in {cluster.data} has been removed.")
            ensure_running(cluster, folder, settings, holders, alone=False)

    return watched(f"the embedded PostgreSQL in {cluster.data}", is_running=is_running, start=start)


def _leave(cluster: Cluster, holders: IO[str]) -> None:
    with explained_errors(cluster.folder), _gate(cluster):
        if try_lock(holders, fcntl.LOCK_EX):
            stop(cluster)


def _gate(cluster: Cluster) -> AbstractContextManager[None]:
    return locked_gate(cluster.folder, seconds=START_SECONDS + STOP_SECONDS)
