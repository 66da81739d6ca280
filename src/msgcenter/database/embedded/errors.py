"""The error of the embedded PostgreSQL."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class EmbeddedDatabaseError(Exception):
    """The embedded PostgreSQL cannot be used; the text says what happened, what to do and where the log is."""


class ServerLostError(EmbeddedDatabaseError):
    """A server that had reported that it is ready takes no connection: it may be ending."""


@contextmanager
def explained_errors(data_dir: Path) -> Iterator[None]:
    """Turn errors of the system within the block into an EmbeddedDatabaseError that names the data folder."""
    try:
        yield
    except (OSError, subprocess.SubprocessError) as error:
        raise EmbeddedDatabaseError(
            f"The embedded PostgreSQL cannot use the data folder {data_dir}: {error}.\n"
            "Set MSGCENTER_DATA_DIR to a folder on a local disk that belongs to the user who runs this."
        ) from error
