"""Starts `msgcenter` by forking a process that has imported it: a start then takes 0.2 s of CPU instead of 1.5 s.

A test starts a separate process this way, as by `python -m msgcenter`: with its own environment,
arguments, standard streams and session. Tests of the start itself run the command (`tests.conftest.PROGRAM`).
"""

import atexit
import gc
import importlib
import json
import os
import pkgutil
import runpy
import secrets
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, NoReturn

from argon2 import PasswordHasher

import msgcenter
from msgcenter.actions.portal import passwords
from msgcenter.web import request_id

_ROOT = Path(__file__).parents[1]
_LARGEST_REQUEST = 1 << 20
QUICK_HASHER = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
"""Hashes the passwords of forked programs; with the real parameters each login takes 0.2 s of CPU.

`tests/actions/test_passwords.py` tests the real ones.
"""
_NUMBER = struct.Struct("i")
_LIBRARIES = ("uvicorn.lifespan.on", "uvicorn.logging", "uvloop", "typer.rich_utils", "rich.progress")
"""Modules that the program imports later."""
COLUMNS = "300"
"""The width of consoles. They read it from the environment when their module is imported, so before the fork."""


def with_compiled_code(environment: Mapping[str, str]) -> dict[str, str]:
    """Return an environment in which Python keeps compiled code, since compiling takes longest."""
    kept = dict(environment)
    if kept.pop("PYTHONDONTWRITEBYTECODE", None):
        kept["PYTHONPYCACHEPREFIX"] = str(_ROOT / ".pytest_cache" / "compiled")
    return kept


class ForkedProcess:
    """A running program, with the part of `subprocess.Popen` that tests use."""

    def __init__(self, status: int, stdout: IO[str] | None) -> None:
        self._status = status
        self.stdout = stdout
        self.returncode: int | None = None
        self.pid = self._read()

    def poll(self) -> int | None:
        """Return the exit code, minus the number of the signal that ended it; None while it is running."""
        if self.returncode is None and select.select([self._status], [], [], 0)[0]:
            self._end()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end and return the exit code. Raises subprocess.TimeoutExpired."""
        if self.returncode is None:
            if not select.select([self._status], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired("msgcenter", timeout or 0)
            self._end()
        assert self.returncode is not None
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal, unless the program has ended."""
        if self.poll() is None:
            with suppress(ProcessLookupError):  # it may end this very moment
                os.kill(self.pid, number)

    def kill(self) -> None:
        """Kill the program."""
        self.send_signal(signal.SIGKILL)

    def _end(self) -> None:
        self.returncode = self._read()
        os.close(self._status)

    def _read(self) -> int:
        data = os.read(self._status, _NUMBER.size)
        if not data:
            raise RuntimeError("the fork server has ended; standard error may say why")
        number: int = _NUMBER.unpack(data)[0]
        return number


class ForkServer:
    """The process that has imported the program and forks itself for each start."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._connection = ours
        self._lock = threading.Lock()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.fork_server", str(theirs.fileno())],
                cwd=_ROOT,
                env=with_compiled_code(os.environ) | {"COLUMNS": COLUMNS},
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )

    def start(
        self, arguments: Sequence[str], environment: Mapping[str, str], stdin: int, stdout: int, stderr: int
    ) -> ForkedProcess:
        """Start `msgcenter` in a new session with these standard streams."""
        assert environment["COLUMNS"] == COLUMNS
        request = {"arguments": list(arguments), "environment": dict(environment), "folder": str(Path.cwd())}
        status, their_status = os.pipe()
        try:
            with self._lock:
                socket.send_fds(self._connection, [json.dumps(request).encode()], [stdin, stdout, stderr, their_status])
        finally:
            os.close(their_status)
        return ForkedProcess(status, None)

    def close(self) -> None:
        """End the process. Programs that it has started continue."""
        self._connection.close()
        self._process.wait(60)


_servers: list[ForkServer] = []
_starting = threading.Lock()


def fork_server() -> ForkServer:
    """Return the fork server of this process; the first call starts it."""
    with _starting:
        if not _servers:
            _servers.append(ForkServer())
        return _servers[0]


def close_fork_server() -> None:
    """End the fork server of this process, if there is one."""
    while _servers:
        _servers.pop().close()


def start_program(arguments: Sequence[str], environment: Mapping[str, str]) -> ForkedProcess:
    """Start `msgcenter`. `stdout` of the process has what it writes to both outputs."""
    reading, writing = os.pipe()
    with Path(os.devnull).open("rb") as nothing:
        try:
            process = fork_server().start(arguments, environment, nothing.fileno(), writing, writing)
        finally:
            os.close(writing)
    process.stdout = os.fdopen(reading, encoding="utf-8")
    return process


# --- In the fork server ---------------------------------------------------------------------------------------------


def _import_program() -> None:
    modules = [module.name for module in pkgutil.walk_packages(msgcenter.__path__, "msgcenter.")]
    for name in (*modules, "msgcenter_client", *_LIBRARIES):
        if name != "msgcenter.__main__":
            importlib.import_module(name)
    passwords._hasher = QUICK_HASHER
    passwords._DECOY = QUICK_HASHER.hash("nobody has this password")
    gc.collect()
    gc.freeze()


def _next_program(connection: socket.socket) -> None:
    """Fork for each request. Returns in the process of each program, with the environment and streams of its start."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        message, files, _, _ = socket.recv_fds(connection, _LARGEST_REQUEST, 4)
        if not message:
            os._exit(0)
        if os.fork() == 0:
            connection.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            if (pid := os.fork()) == 0:
                _become(json.loads(message), files)
                return
            _keep(pid, files)
        for file in files:
            os.close(file)


def _keep(pid: int, files: Sequence[int]) -> NoReturn:
    """Report how a program ends, as its parent."""
    *streams, status = files
    os.setsid()
    for stream in streams:
        os.close(stream)
    with suppress(OSError):
        os.write(status, _NUMBER.pack(pid))
        os.write(status, _NUMBER.pack(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])))
    os._exit(0)


def _become(request: dict[str, object], files: Sequence[int]) -> None:
    os.setsid()
    for number, stream in enumerate(files[:3]):
        os.dup2(stream, number)
    os.closerange(3, max(files) + 1)
    os.chdir(str(request["folder"]))
    environment, arguments = request["environment"], request["arguments"]
    assert isinstance(environment, dict)
    assert isinstance(arguments, list)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    sys.argv = ["msgcenter", *arguments]
    request_id._PROCESS = secrets.token_hex(6).encode()  # each process chooses it when it imports the module


def _run() -> NoReturn:
    """Run the program and end the process as the interpreter does, but without clearing the modules.

    That would touch, and so copy, most of the memory that the process shares with the fork server.
    """
    code: object = 0
    try:
        runpy.run_module("msgcenter", run_name="__main__", alter_sys=True)
    except SystemExit as end:
        code = 0 if end.code is None else end.code
    except BaseException:
        sys.excepthook(*sys.exc_info())
        code = 1
    if not isinstance(code, int):
        print(code, file=sys.stderr)
        code = 1
    threading._shutdown()  # type: ignore[attr-defined]  # waits for threads that are no daemons
    atexit._run_exitfuncs()
    with suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    _import_program()
    _next_program(socket.socket(fileno=int(sys.argv[1])))
    _run()
