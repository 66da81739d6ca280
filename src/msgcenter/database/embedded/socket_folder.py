"""The Unix socket through which clients connect, and the URL that leads to it."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from msgcenter.database.embedded.errors import EmbeddedDatabaseError

DATABASE = "msgcenter"
SUPERUSER = "postgres"
PORT = 5432
"""Part of the socket's name; nothing listens on a network."""
_SOCKET_PATH_BYTES = 100  # The shortest limit of any system is 104, including the terminating zero.


@contextmanager
def socket_folder(data: Path) -> Iterator[Path]:
    """Give a path of the folder `data` that clients can use: the folder itself, or a short link to it.

    The path of a socket is limited to about a hundred bytes, and drivers take a comma for the end of a host.
    Raises EmbeddedDatabaseError.
    """
    if _fits_socket(data):
        yield data
        return
    with tempfile.TemporaryDirectory(prefix="msgcenter-") as folder:
        link = Path(folder) / "s"
        link.symlink_to(data)
        if not _fits_socket(link):
            raise EmbeddedDatabaseError(
                f"The paths of the data folder {data.parent} and of the temporary folder {folder} are both too long "
                "for a socket.\nChoose a shorter MSGCENTER_DATA_DIR or TMPDIR."
            )
        yield link


def _fits_socket(folder: Path) -> bool:
    path = str(socket_path(folder))
    return path.isprintable() and "," not in path and len(path.encode()) <= _SOCKET_PATH_BYTES


def socket_path(folder: Path) -> Path:
    """Return the path of the server's socket in a folder."""
    return folder / f".s.PGSQL.{PORT}"


def database_url(folder: Path) -> str:
    """Return the URL of the database whose socket is in `folder`."""
    return f"postgresql://{SUPERUSER}@/{DATABASE}?host={quote(str(folder), safe='/')}&port={PORT}"
