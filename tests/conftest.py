"""Real databases and real servers for the tests.

Each test process has an embedded PostgreSQL of its own, unless MSGCENTER_TEST_DATABASE_URL names a server
(`make test DATABASE_URL=...`): then each has databases of its own there and drops them at its end. If that server is
the coordinator of a Citus (`tests.citus`), they are distributed.
"""

import asyncio
import functools
import os
import secrets
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import httpx
import pytest
from httpx._config import DEFAULT_TIMEOUT_CONFIG
from hypothesis import settings

from msgcenter.actions.apps.app_settings import AppSettings
from msgcenter.actions.apps.apps import Apps
from msgcenter.actions.apps.key_ring import KeyRing
from msgcenter.database.connections import session_settings
from msgcenter.database.database import Database
from msgcenter.database.embedded.postgres import embedded_postgres
from msgcenter.database.migrate import migrate
from msgcenter.store.apps.platforms import ensure_platform
from msgcenter_client import Client
from tests import citus
from tests.fork_server import COLUMNS, ForkedProcess, close_fork_server, start_program, with_compiled_code

SECRET_KEY = "a secret key that only the tests know"
PLATFORM = "420100"
TEST_DATABASE = "MSGCENTER_TEST_DATABASE_URL"
TEST_CELLS = "MSGCENTER_TEST_CELLS"
"""The variable with the number of cells of a platform that a test creates without saying how many, as on a server."""
QUICK = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "64MB",
    "autovacuum_naptime": "1min",
    "max_wal_size": "128MB",
}
"""Settings of a PostgreSQL whose data may be lost in a crash."""
PROGRAM = (sys.executable, "-m", "msgcenter")
SERVE = (*PROGRAM, "serve", "--port", "0")
_START_SECONDS = 60
_DATABASE_PREFIX = "msgcenter_test_"
_DROP_SECONDS = 60
_ROOM_IN_MEMORY = 8 * 2**30
# `make test` uses the profile `ci`. `make test-thorough` takes hours.
settings.register_profile("ci", max_examples=50, deadline=None)
settings.register_profile("thorough", max_examples=2_000, deadline=None)
settings.load_profile("ci")
# A request on a busy machine may take longer than httpx's five seconds.
vars(DEFAULT_TIMEOUT_CONFIG).update(vars(httpx.Timeout(60)))
Result = TypeVar("Result")


_LONGEST_FIRST = (
    "faults/test_channels_kill.py",
    "e2e/test_every_page.py",
    "faults/test_webhooks_kill.py",
    "faults/test_kill.py",
    "e2e/test_portal.py",
    "attacks/test_slow_clients.py",
    "cli/test_behind_nginx.py",
    "portal/test_samples.py",
    "e2e/test_operator.py",
    "faults/test_postmaster.py",
    "faults/test_several_machines.py",
    "gateway/test_webhooks.py",
    "e2e/test_behind_nginx.py",
    "e2e/test_actions.py",
    "e2e/test_looks.py",
    "cli/test_serve.py",
    "database/test_embedded.py",
    "cli/test_demo.py",
    "e2e/test_errors.py",
    "e2e/test_page_speed.py",
    "gateway/test_withdrawn_rights.py",
    "e2e/test_message_page.py",
    "e2e/test_reach.py",
    "gateway/test_receivers.py",
    "attacks/test_web_any_request.py",
    "e2e/test_embedding.py",
    "e2e/test_live.py",
    "faults/test_frozen.py",
    "faults/test_history.py",
    "gateway/test_openapi.py",
    "gateway/test_fuzz.py",
    "portal/test_reference.py",
    "cli/test_doctor.py",
    "attacks/test_web_limits.py",
    "sdk/test_against_server.py",
    "sdk/test_generated.py",
    "faults/test_announcements_kill.py",
    "gateway/test_outage.py",
    "gateway/test_reach.py",
    "gateway/test_limits.py",
    "actions/test_retention_runs.py",
    "inbox/test_limits.py",
    "portal/test_webhooks.py",
    "delivery/test_webhooks.py",
)
"""Test files that take long. They start first, so that none of them runs alone at the end.

Files that wait most of their time (kills, slow clients, nginx, webhooks) stand between those that compute (browsers).
"""


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Give the embedded PostgreSQL's user access to the tests' folders, before a command does so and prints it.

    When pytest makes the folder of a run, it closes the folder above, which all runs of a user share, to other users.
    Open it again at once: until then, the embedded PostgreSQL of another run cannot open its files.
    """
    if os.geteuid() != 0:
        return
    folder: Path = config._tmp_path_factory.getbasetemp()  # type: ignore[attr-defined]
    for above in (folder, *folder.parents):
        if "pytest-" in str(above):  # pytest's own folders only
            above.chmod(above.stat().st_mode | 0o001)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest."""
    folder = Path(__file__).parent
    ranks = {folder / name: rank for rank, name in enumerate(_LONGEST_FIRST)}
    items.sort(key=lambda item: ranks.get(item.path, len(ranks)))


def examples(number: int) -> int:
    """Return the number of examples for Hypothesis instead of `number`: half in `ci`, more if thorough."""
    return max(1, number * settings().max_examples // 100)


# --- Databases ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session", autouse=True)
def one_tls_context() -> Iterator[None]:
    """Read the machine's certificate authorities once. httpx reads them for every client, which takes 30 ms of CPU."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("httpx._transports.default.create_ssl_context", functools.cache(httpx.create_ssl_context))
        yield


@pytest.fixture(scope="session", autouse=True)
def sessions_of_citus() -> Iterator[None]:
    """On a Citus, let every `Database` that a test opens have the session settings for it."""
    with pytest.MonkeyPatch.context() as patch:
        if citus.is_on():
            patch.setattr("msgcenter.database.database.session_settings", lambda **_: session_settings(citus=True))
        yield


@pytest.fixture(scope="session", autouse=True)
def patient_locks() -> Iterator[None]:
    """Let transactions in test processes wait for locks as long as a busy machine needs. Servers keep their limit."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("msgcenter.database.database.PATIENT_LOCK_MS", 30_000)
        yield


@pytest.fixture(scope="session", autouse=True)
def end_of_fork_server() -> Iterator[None]:
    """End the fork server after the last test."""
    yield
    close_fork_server()


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of the PostgreSQL to test on: the configured one, or else a new one for this test process.

    The new one is not crash-safe, which makes it fast.
    """
    named = os.environ.get(TEST_DATABASE)
    if named:
        wait_for(_check_server(named))
        yield named
        return
    # Not in the folder of pytest: every run closes it to other users at the start, also to this PostgreSQL.
    with TemporaryDirectory(prefix="msgcenter-tests-", dir=_folder_in_memory()) as folder:
        Path(folder).chmod(0o711)
        with embedded_postgres(Path(folder) / "data", settings=QUICK) as url:
            yield url


def _folder_in_memory() -> str | None:
    """Return a folder in memory with room for the databases of all test processes, if there is one.

    A copied database has a thousand files. On ext4, files are slow to create while others have just been deleted.
    """
    folder = Path("/dev/shm")  # noqa: S108  # its subfolder has a random name
    has_room = os.access(folder, os.W_OK | os.X_OK) and shutil.disk_usage(folder).free >= _ROOM_IN_MEMORY
    return str(folder) if has_room else None


async def _check_server(url: str) -> None:
    """End the run with one line if tests cannot work on this server."""
    try:
        connection = await asyncpg.connect(url, timeout=10)
    except (OSError, TimeoutError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        pytest.exit(f"The database of {TEST_DATABASE} does not answer ({error!r}).", 2)
    try:
        may = await connection.fetchval("select rolcreatedb or rolsuper from pg_roles where rolname = current_user")
    finally:
        await connection.close()
    if not may:
        pytest.exit(f"The user of {TEST_DATABASE} may not create databases: alter role NAME createdb", 2)


def other_database(url: str, name: str) -> str:
    """Return the URL of another database of the same PostgreSQL."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


async def execute(url: str, statement: str) -> None:
    """Run a statement on a new connection."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def create_database(postgres: str, template: str | None = None) -> str:
    """Return the URL of a new database with a unique name: a copy of `template`, or empty."""
    name = f"{_DATABASE_PREFIX}{secrets.token_hex(8)}"
    if citus.is_on():
        await citus.create_database(postgres, name, template)
        return other_database(postgres, name)
    connection = await asyncpg.connect(postgres)
    try:
        # Copying files takes a third of the CPU that writing their pages to the log does, but waits for fsync twice.
        strategy = "file_copy" if await connection.fetchval("show fsync") == "off" else "wal_log"
        # From template0 an empty one can be made while others are connected to any database.
        await connection.execute(f"create database {name} template {template or 'template0'} strategy {strategy}")
    finally:
        await connection.close()
    return other_database(postgres, name)


async def drop_database(postgres: str, url: str) -> None:
    """Drop a database that `create_database` made, even with open connections."""
    if citus.is_on():
        return await citus.drop_database(postgres, name_of(url))
    # During an autovacuum in it, only a superuser may force that.
    async with asyncio.timeout(_DROP_SECONDS):
        while True:
            with suppress(asyncpg.InsufficientPrivilegeError):
                return await execute(postgres, f"drop database {name_of(url)} with (force)")
            await asyncio.sleep(0.2)


def name_of(url: str) -> str:
    """Return the name of the database of a URL."""
    return urlsplit(url).path.removeprefix("/")


def wait_for(work: Coroutine[object, object, Result]) -> Result:
    """Run a coroutine to its end in any thread: fixtures of a session have no event loop."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


@pytest.fixture(scope="session")
def template(postgres: str) -> Iterator[str]:
    """The name of a migrated database. Tests get copies of it."""
    url = wait_for(create_database(postgres))
    wait_for(migrate(url, citus_shards=citus.SHARDS if citus.is_on() else None))
    if cells := os.environ.get(TEST_CELLS):
        wait_for(execute(url, f"alter table platform alter column cells set default {int(cells)}"))
    yield name_of(url)
    wait_for(drop_database(postgres, url))


@pytest.fixture
async def empty_database(postgres: str) -> AsyncIterator[str]:
    """The URL of an empty database."""
    url = await create_database(postgres)
    yield url
    await drop_database(postgres, url)


@pytest.fixture
async def database_url(postgres: str, template: str) -> AsyncIterator[str]:
    """The URL of a migrated database for one test."""
    url = await create_database(postgres, template)
    yield url
    await drop_database(postgres, url)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """An open database of the test's own."""
    async with Database(database_url) as opened:
        yield opened


@pytest.fixture
async def app_number(database: Database) -> int:
    """The number of an app in the test's own database, on a platform of one cell (`tests.scene.HOME`)."""
    await database.in_transaction(ensure_platform, PLATFORM, PLATFORM, 1, cells=1)
    return (await Apps(database, KeyRing(SECRET_KEY)).create("Test app", PLATFORM)).app.number


# --- Servers --------------------------------------------------------------------------------------------------------


Process = ForkedProcess | subprocess.Popen[str]


@dataclass
class Server:
    """A running `msgcenter serve`."""

    url: str
    process: Process
    output: list[str]

    def stop(self, number: int = signal.SIGTERM) -> int:
        """End the server by a signal and return its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(60)


@contextmanager
def running_server(database_url: str | None, data_dir: Path, *arguments: str, **settings: str) -> Iterator[Server]:
    """Run `msgcenter serve` on a free port until the end of the block. `settings` lack the prefix MSGCENTER_."""
    environment = server_environment(database_url, data_dir, settings)
    with running_program([*SERVE, *arguments], environment) as server:
        yield server


@contextmanager
def running_program(command: Sequence[str], environment: Mapping[str, str]) -> Iterator[Server]:
    """Run a command that becomes a server until the end of the block."""
    process = start(command, environment)
    output: list[str] = []
    reader = threading.Thread(target=_collect, args=(process, output), daemon=True)
    reader.start()
    server = Server("", process, output)
    try:
        server.url = _announced_url(server)
        yield server
    finally:
        with suppress(ProcessLookupError):
            server.stop()
        reader.join(60)


def start(command: Sequence[str], environment: Mapping[str, str], *, forked: bool = True) -> Process:
    """Start a command in a new session. `stdout` has what it writes to both outputs.

    A command that is `msgcenter` itself is forked from a process that has imported the program, unless not `forked`.
    """
    if forked and tuple(command[: len(PROGRAM)]) == PROGRAM:
        return start_program(command[len(PROGRAM) :], environment)
    return subprocess.Popen(
        command,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def server_environment(database_url: str | None, data_dir: Path, settings: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a server or command of a test."""
    environment = with_compiled_code(os.environ)
    environment = {name: value for name, value in environment.items() if not name.startswith("MSGCENTER_")}
    environment |= {"MSGCENTER_DATA_DIR": str(data_dir), "MSGCENTER_RATE_LIMIT": "0", "COLUMNS": COLUMNS}
    environment |= {"MSGCENTER_USER_RATE_LIMIT": "0", "MSGCENTER_ADDRESS_RATE_LIMIT": "0"}
    environment["MSGCENTER_WEBHOOK_ALLOW"] = "127.0.0.0/8"
    environment["MSGCENTER_SECOND_FACTOR"] = "off"  # tests of the second factor turn it on
    if database_url is not None:
        environment |= {"MSGCENTER_DATABASE_URL": database_url, "MSGCENTER_SECRET_KEY": SECRET_KEY}
        direct_url = settings.get("DIRECT_DATABASE_URL", database_url)
        if citus.is_on() and name_of(direct_url).startswith(_DATABASE_PREFIX):
            environment |= citus.server_settings(direct_url)
    return environment | {f"MSGCENTER_{name}": value for name, value in settings.items()}


def _collect(process: Process, output: list[str]) -> None:
    assert process.stdout is not None
    with process.stdout:
        output.extend(process.stdout)


def _announced_url(server: Server) -> str:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        for line in list(server.output):
            if "is ready on " in line:
                return line.partition("is ready on ")[2].split()[0]
        if server.process.poll() is not None:
            break
        time.sleep(0.02)
    raise AssertionError("the server did not start:\n" + "".join(server.output))


@pytest.fixture(scope="session")
def shared_database(postgres: str, template: str) -> Iterator[str]:
    """The URL of the database behind `server`."""
    url = wait_for(create_database(postgres, template))
    yield url
    wait_for(drop_database(postgres, url))


@pytest.fixture(scope="session")
def server(shared_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server shared by the tests of this process. Each test has its own app, and so its own messages."""
    with running_server(shared_database, tmp_path_factory.mktemp("server")) as started:
        yield started


# --- Apps and clients -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Credentials:
    """The credentials of an app."""

    app_id: str
    app_key: str
    platform_code: str
    number: int


async def new_app(database_url: str, platform_code: str = PLATFORM) -> Credentials:
    """Register an app."""
    async with Database(database_url, connections=2) as database:
        return await register_app(database, platform_code)


async def register_app(database: Database, platform_code: str = PLATFORM) -> Credentials:
    """Register an app that may use the directory, in an open database."""
    app, key = await Apps(database, KeyRing(SECRET_KEY)).create("Test app", platform_code)
    await AppSettings(database).set_directory(app.app_id, allowed=True)
    return Credentials(app.app_id, key, app.platform_code, app.number)


class SharedConnections:
    """Connections to `shared_database` that stay open: opening them takes longer than most uses in fixtures."""

    def __init__(self, url: str) -> None:
        self._runner = asyncio.Runner()
        self._thread = ThreadPoolExecutor(1)
        self.database = Database(url, connections=2)

    def run(self, work: Coroutine[object, object, Result]) -> Result:
        """Run a coroutine to its end, on the event loop of these connections."""
        return self._thread.submit(self._runner.run, work).result()

    def __enter__(self) -> "SharedConnections":
        self.run(self.database.__aenter__())
        return self

    def __exit__(self, *_: object) -> None:
        self.run(self.database.__aexit__(None, None, None))
        self._thread.submit(self._runner.close).result()
        self._thread.shutdown()


@pytest.fixture(scope="session")
def shared_connections(shared_database: str) -> Iterator[SharedConnections]:
    """Open connections to `shared_database`, for fixtures."""
    with SharedConnections(shared_database) as opened:
        yield opened


@pytest.fixture
def app(shared_connections: SharedConnections) -> Credentials:
    """An app of the test's own on `server`."""
    return shared_connections.run(register_app(shared_connections.database))


@pytest.fixture
def client(server: Server, app: Credentials) -> Iterator[Client]:
    """The SDK for `server` with the credentials of `app`."""
    with Client(server.url, app.app_id, app.app_key, retries=0, timeout=60) as opened:
        yield opened


class Raw:
    """Raw HTTP to `server` as `app`."""

    def __init__(self, server: Server, token: str) -> None:
        self.http = httpx.Client(base_url=server.url, trust_env=False)
        self.token = token

    def post(self, call: str, body: object = None, /, **options: object) -> httpx.Response:
        """Call `/msgCenter/message/{call}` with the token; `body` is JSON unless it is bytes."""
        payload = {"content": body} if isinstance(body, bytes) else {"json": body}
        path = call if call.startswith("/") else f"/msgCenter/message/{call}"
        return self.http.post(path, params={"accessToken": self.token}, **payload, **options)  # type: ignore[arg-type]


@pytest.fixture
def raw(server: Server, app: Credentials) -> Iterator[Raw]:
    """Raw HTTP with a token of `app`."""
    opened = Raw(server, "")
    secret = {"client_id": app.app_id, "client_secret": app.app_key}
    answer = opened.http.post("/oauth2/token", data={"grant_type": "client_credentials", **secret})
    opened.token = answer.json()["access_token"]
    yield opened
    opened.http.close()


@pytest.fixture
def user() -> str:
    """A user id that no other test uses."""
    return f"user-{secrets.token_hex(6)}"
