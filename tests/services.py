"""Real servers for the tests: Redis, and PgBouncer before PostgreSQL, with the configuration of docs/operating.md."""

import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

_MANUAL = Path(__file__).parents[1] / "docs" / "operating.md"
_SECONDS = 60
_SYSTEM_PATH = "/usr/local/sbin:/usr/sbin"


class Service:
    """A server process that a test may kill, freeze and start again, always on the same port of 127.0.0.1."""

    def __init__(self, command: Sequence[str], port: int, log: Path, *, user: int | None = None) -> None:
        self.port = port
        self._log = log
        self._command = command
        self._user = user
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the server and wait until it accepts connections."""
        group = None if self._user is None else pwd.getpwuid(self._user).pw_gid
        groups: list[int] | None = None if self._user is None else []  # root's would stay otherwise
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, user=self._user, group=group, extra_groups=groups, stdout=log, stderr=subprocess.STDOUT
            )
        deadline = time.monotonic() + _SECONDS
        while self._process.poll() is None and time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                time.sleep(0.02)
            else:
                return
        raise AssertionError(f"{self._command[0]} does not start:\n{self._log.read_text()}")

    def send(self, number: int) -> None:
        """Send a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    def kill(self) -> None:
        """End the server at once."""
        self.send(signal.SIGKILL)
        assert self._process is not None
        self._process.wait(_SECONDS)


@contextmanager
def running_redis(folder: Path) -> Iterator[tuple[str, Service]]:
    """Run Redis until the end of the block; yield its URL and its process. Skips the test where there is none."""
    program = shutil.which("redis-server") or shutil.which("valkey-server")
    if program is None:
        pytest.skip("no Redis here (Debian, Ubuntu: apt-get install redis-server)")
    port = _free_port()
    documented = _documented("# /etc/redis/redis.conf\n")
    assert 'requirepass "choose one"' in documented
    configuration = folder / "redis.conf"
    configuration.write_text(re.sub("^bind .*", "bind 127.0.0.1", documented, flags=re.MULTILINE), encoding="utf-8")
    options = (str(configuration), "--port", str(port), "--dir", str(folder))
    yield from _running(
        Service([program, *options], port, folder / "redis.log"), f"redis://:choose%20one@127.0.0.1:{port}/0"
    )


@contextmanager
def running_pgbouncer(database_url: str, **changes: str) -> Iterator[tuple[str, Service]]:
    """Run PgBouncer before a database until the end of the block; yield the URL through it and its process.

    `changes` replace settings of the manual's configuration. Skips the test where there is no PgBouncer.
    """
    program = shutil.which("pgbouncer") or shutil.which("pgbouncer", path=_SYSTEM_PATH)
    if program is None:
        pytest.skip("no PgBouncer here (Debian, Ubuntu: apt-get install pgbouncer)")
    port = _free_port()
    parts = urlsplit(database_url)
    query = parse_qs(parts.query)
    host = query.get("host", [parts.hostname or ""])[0]
    connection = {
        "host": host,
        "port": query.get("port", [str(parts.port or 5432)])[0],
        "dbname": parts.path.removeprefix("/"),
        "user": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
    }
    changes = {
        "msgcenter": " ".join(f"{name}='{value}'" for name, value in connection.items() if value),
        "listen_addr": "127.0.0.1",
        "listen_port": str(port),
        "auth_type": "any",
        "auth_file": "",
        "unix_socket_dir": "",
        **changes,
    }
    documented = _documented("# /etc/pgbouncer/pgbouncer.ini\n")
    if not keeps_statements(program):
        documented = re.sub("^max_prepared_statements.*\n", "", documented, flags=re.MULTILINE)
    user = None
    if os.geteuid() == 0:
        # PgBouncer refuses to run as root, and only the owner of the embedded PostgreSQL may use its socket.
        user = Path(host).stat().st_uid if host.startswith("/") else pwd.getpwnam("nobody").pw_uid
    # Not in the folder of pytest: every run closes it to other users at the start.
    with TemporaryDirectory(prefix="msgcenter-tests-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        configuration = folder / "pgbouncer.ini"
        configuration.write_text(_changed(documented, changes), encoding="utf-8")
        if user is not None:
            os.chown(configuration, user, -1)
        service = Service([program, str(configuration)], port, folder / "pgbouncer.log", user=user)
        yield from _running(service, f"postgresql://127.0.0.1:{port}/msgcenter")


def keeps_statements(program: str) -> bool:
    """Return whether this PgBouncer keeps prepared statements: since version 1.21."""
    output = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"PgBouncer (\d+)\.(\d+)", output)
    assert found is not None, output
    return (int(found[1]), int(found[2])) >= (1, 21)


def _documented(first_line: str) -> str:
    """Return the configuration in docs/operating.md that begins with this line."""
    _, found, below = _MANUAL.read_text(encoding="utf-8").partition(first_line)
    assert found, f"docs/operating.md has no {first_line}"
    return below.partition("```")[0]


def _changed(configuration: str, changes: dict[str, str]) -> str:
    """Return a configuration with other values, and with those that it lacks at its end."""
    left = dict(changes)
    lines = []
    for line in configuration.splitlines():
        name = line.partition("=")[0].strip()
        lines.append(f"{name} = {left.pop(name)}" if name in left else line)
    return "\n".join([*lines, *(f"{name} = {value}" for name, value in left.items()), ""])


def _running(service: Service, url: str) -> Iterator[tuple[str, Service]]:
    service.start()
    try:
        yield url, service
    finally:
        service.kill()


def _free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as probe:
        port: int = probe.getsockname()[1]
        return port
