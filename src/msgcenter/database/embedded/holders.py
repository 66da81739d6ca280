"""Which processes use the server: each holds a shared lock on a file.

The kernel drops the lock of a process that dies in any way, so there is no list of processes that could be out of date.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from msgcenter.database.embedded.errors import EmbeddedDatabaseError

HOLDERS = ".postgres-holders"
"""The file on which every process that uses the database holds a shared lock. It contains the name of the machine."""
GATE = ".postgres-gate"
"""The file that is locked while the server is started or stopped, or its holders are counted."""
_PAUSE_SECONDS = 0.02


@contextmanager
def locked_gate(folder: Path, *, seconds: float) -> Iterator[None]:
    """Let one process at a time start or stop the server of a data folder, or count its holders.

    Raises EmbeddedDatabaseError if the other processes take longer than `seconds`.
    """
    deadline = time.monotonic() + seconds
    with lock_file(folder / GATE) as gate:
        while not try_lock(gate, fcntl.LOCK_EX):
            if time.monotonic() > deadline:
                raise EmbeddedDatabaseError(
                    f"Another process has been starting or stopping PostgreSQL in {folder} for minutes.\n"
                    "End the other processes of MsgCenter, then start again."
                )
            time.sleep(_PAUSE_SECONDS)
        yield


@contextmanager
def lock_file(path: Path) -> Iterator[IO[str]]:
    """Open a file for locking; create it if it is missing."""
    # Lock files are never removed: another process may be waiting for a lock on the same file.
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "r+") as file:
        yield file


def try_lock(file: IO[str], kind: int) -> bool:
    """Lock a file with `fcntl.LOCK_SH` or `fcntl.LOCK_EX`. Returns False at once if another lock forbids it."""
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def is_held(folder: Path) -> bool:
    """Return whether any process uses the database of a data folder, or is about to. Raises OSError."""
    with ExitStack() as stack:
        for name in (GATE, HOLDERS):
            try:
                descriptor = os.open(folder / name, os.O_RDONLY | os.O_NOFOLLOW)
            except FileNotFoundError:
                return False
            if not try_lock(stack.enter_context(os.fdopen(descriptor)), fcntl.LOCK_EX):
                return True
    return False


def refuse_second_machine(folder: Path, holders: IO[str], *, alone: bool) -> None:
    """Note the name of this machine in the file of the holders.

    Raises EmbeddedDatabaseError if there are other holders (`alone` is False) and one on another machine, such as a
    container or a client of the same network disk, seems to run a server.
    """
    machine = os.uname().nodename
    holders.seek(0)
    noted_machine = holders.read()
    if not alone and noted_machine not in ("", machine):
        raise EmbeddedDatabaseError(
            f"The data folder {folder} is in use on {noted_machine}, and two servers would destroy it.\n"
            "Stop the server there, or use another MSGCENTER_DATA_DIR."
        )
    holders.seek(0)
    holders.truncate()
    holders.write(machine)
    holders.flush()
