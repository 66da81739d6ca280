"""The folders of the embedded PostgreSQL, and the user and programs that work on them."""

import os
import pwd
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from msgcenter.database.embedded.errors import EmbeddedDatabaseError
from msgcenter.database.embedded.programs import programs_folder, run_program
from msgcenter.database.embedded.system_user import server_user

_LOG_LINES = 5


@dataclass(frozen=True)
class Cluster:
    """Where the server's files are, and who runs the server.

    `folder` is the data folder of MsgCenter, `data` the one of PostgreSQL within it. `user` None means the user of this
    process.
    """

    folder: Path
    data: Path
    programs: Path
    user: pwd.struct_passwd | None

    @classmethod
    def in_folder(cls, data_dir: Path) -> "Cluster":
        """Return the cluster of a data folder, which is created if it is missing. Raises EmbeddedDatabaseError."""
        folder = data_dir.resolve()
        if len(str(folder).splitlines()) > 1:
            # PostgreSQL writes the path into postmaster.pid, where a line is a field.
            raise EmbeddedDatabaseError(
                f"The path of the data folder {str(folder)!r} contains a line break, which PostgreSQL cannot handle.\n"
                "Choose another MSGCENTER_DATA_DIR."
            )
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        data = folder / "postgres"
        return cls(folder, data, programs_folder(), server_user(data))

    @property
    def exists(self) -> bool:
        """Whether the cluster was created."""
        return (self.data / "PG_VERSION").exists()

    def run(self, program: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run a program of PostgreSQL in its data folder as the server's user.

        Paths must be relative to that folder, because pg_ctl passes its own through a shell.
        """
        return run_program(self.programs / program, arguments, user=self.user, folder=self.data)

    def give_to_server(self, path: Path) -> None:
        """Make the server's user the owner of a file or folder."""
        if self.user is not None:
            os.chown(path, self.user.pw_uid, self.user.pw_gid)

    def replace_file(self, name: str, text: str) -> None:
        """Write a file of PostgreSQL's data folder whole or not at all, and never through a link."""
        with tempfile.NamedTemporaryFile("w", dir=self.data, prefix=".new-", delete=False) as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        new_file = Path(file.name)
        self.give_to_server(new_file)
        new_file.replace(self.data / name)

    def log_end(self) -> str:
        """Return the last lines of PostgreSQL's newest log, and the path of that log."""
        logs = [*self.data.glob("log/*.log"), *self.data.glob("start.log")]
        newest = max(logs, key=lambda path: path.stat().st_mtime, default=None)
        if newest is None:
            return f"It wrote no log in {self.data}."
        lines = newest.read_text(errors="replace").splitlines()[-_LOG_LINES:]
        return "\n".join([f"Its log {newest} ends:", *lines])
