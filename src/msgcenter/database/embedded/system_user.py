"""The system user that runs the server, and the permissions that this user needs.

PostgreSQL refuses to run as root. For root it runs as the owner of an existing data folder, else as a system user.
"""

import logging
import os
import pwd
import shutil
import stat
import subprocess
from contextlib import suppress
from pathlib import Path

from msgcenter.database.embedded.errors import EmbeddedDatabaseError
from msgcenter.database.embedded.programs import run_program

_log = logging.getLogger(__name__)

SYSTEM_USER = "pgserver"


def server_user(data: Path) -> pwd.struct_passwd | None:
    """Return the user that runs PostgreSQL on the folder `data`; None for the user of this process.

    Creates the system user if root needs it. Raises EmbeddedDatabaseError.
    """
    owner = data.stat().st_uid if data.exists() else None
    if os.geteuid() != 0:
        if owner not in (None, os.geteuid()):
            raise EmbeddedDatabaseError(
                f"The database in {data} belongs to another user (id {owner}).\n"
                "Run this as that user or as root, or choose another MSGCENTER_DATA_DIR."
            )
        _require_user_name()
        return None
    with suppress(KeyError):
        return pwd.getpwuid(owner) if owner else pwd.getpwnam(SYSTEM_USER)
    if owner:
        raise EmbeddedDatabaseError(
            f"The database in {data} belongs to a user that does not exist on this machine (id {owner}).\n"
            f"Change its owner to an existing user: chown -R {SYSTEM_USER} '{data}'"
        )
    return _create_system_user()


def _require_user_name() -> None:
    try:
        pwd.getpwuid(os.geteuid())
    except KeyError:
        raise EmbeddedDatabaseError(
            f"The user id {os.geteuid()} has no name on this system, and PostgreSQL does not start without one.\n"
            "Run this as a user of the system, or set MSGCENTER_DATABASE_URL to the URL of a PostgreSQL of your own."
        ) from None


def _create_system_user() -> pwd.struct_passwd:
    program = shutil.which("useradd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin") or "useradd"
    command = [program, "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", SYSTEM_USER]
    # The exit code does not matter: another process may have created the user at the same time.
    with suppress(OSError):
        subprocess.run(command, check=False, capture_output=True)  # noqa: S603 - a fixed command
    try:
        return pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        raise EmbeddedDatabaseError(
            f"PostgreSQL does not run as root, and the system user {SYSTEM_USER} could not be created.\n"
            "Run this as an ordinary user, or create that user by hand."
        ) from None


def grant_access(user: pwd.struct_passwd, folder: Path, programs: Path) -> None:
    """Let `user` pass through to the data folder and execute the programs. Raises EmbeddedDatabaseError.

    Parent folders that the user may not enter get the permission to be passed through (o+x), not to be listed. A wheel
    that the user may not read is made readable.
    """
    for parent in (folder, *folder.parents):
        _allow_passing(parent, user, data_folder=folder)
    if not _can_execute(user, programs):
        package = programs.parents[1]
        for parent in package.parents:
            _allow_passing(parent, user)
        for tree in (package, package.with_name(f"{package.name}.libs")):
            _allow_reading(tree)
        if not _can_execute(user, programs):
            raise EmbeddedDatabaseError(
                f"The user {user.pw_name}, as whom PostgreSQL runs, may not run {programs}/postgres.\n"
                "Install MsgCenter in a place that every user may read, or run it as an ordinary user."
            )


def _can_execute(user: pwd.struct_passwd, programs: Path) -> bool:
    try:
        return run_program(programs / "postgres", ["--version"], user=user).returncode == 0
    except PermissionError:
        return False


def _allow_passing(folder: Path, user: pwd.struct_passwd, *, data_folder: Path | None = None) -> None:
    status = folder.stat()
    needed = stat.S_IXUSR if status.st_uid == user.pw_uid else stat.S_IXOTH
    if status.st_mode & needed or (status.st_gid == user.pw_gid and status.st_mode & stat.S_IXGRP):
        return
    try:
        folder.chmod(stat.S_IMODE(status.st_mode) | needed)
    except OSError as error:
        raise EmbeddedDatabaseError(
            f"The user {user.pw_name}, as whom PostgreSQL runs, may not pass through {folder} ({error.strerror}).\n"
            f"Allow it (chmod o+x '{folder}') or choose another MSGCENTER_DATA_DIR."
        ) from error
    if folder != data_folder:
        _log.warning("Other users may now pass through %s (o+x): PostgreSQL runs as %s.", folder, user.pw_name)


def _allow_reading(tree: Path) -> None:
    for path in (tree, *tree.rglob("*")):
        mode = stat.S_IMODE(path.stat().st_mode)
        executable = stat.S_IXOTH if mode & stat.S_IXUSR else 0
        path.chmod(mode | stat.S_IROTH | executable)
