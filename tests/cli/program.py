"""Runs `msgcenter` as its users do: as a process of its own."""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import Popen
from tempfile import TemporaryFile

import psutil

from tests.conftest import PROGRAM, Process, server_environment, start
from tests.fork_server import fork_server

_SECONDS = 60


@dataclass(frozen=True)
class Outcome:
    """What a finished command left."""

    code: int
    out: str
    err: str


class Shell:
    """Runs commands with one environment. `settings` lack the prefix MSGCENTER_.

    `forked`: they are forked from a process that has imported the program, which is quick (`tests.fork_server`).
    Otherwise they are started as users do it, by `python -m msgcenter`.
    """

    def __init__(self, database_url: str | None, data_dir: Path, *, forked: bool = True, **settings: str) -> None:
        self.data_dir = data_dir
        self._forked = forked
        self.environment = server_environment(database_url, data_dir, settings)

    def run(self, *arguments: str, given: str = "", **settings: str) -> Outcome:
        """Run a command to its end."""
        environment = self.environment | {f"MSGCENTER_{name}": value for name, value in settings.items()}
        with TemporaryFile("w+") as stdin, TemporaryFile("r") as out, TemporaryFile("r") as err:
            stdin.write(given)
            stdin.seek(0)
            process: Process
            if self._forked:
                process = fork_server().start(arguments, environment, stdin.fileno(), out.fileno(), err.fileno())
            else:
                process = Popen([*PROGRAM, *arguments], env=environment, stdin=stdin, stdout=out, stderr=err, text=True)
            try:
                process.wait(_SECONDS)
            finally:
                process.kill()
            out.seek(0)
            err.seek(0)
            return Outcome(process.wait(), out.read(), err.read())

    @contextmanager
    def started(self, *arguments: str) -> Iterator["Running"]:
        """Run a command until the end of the block; whatever is left of it then is killed."""
        running = Running(start([*PROGRAM, *arguments], self.environment, forked=self._forked))
        reader = threading.Thread(target=running.collect, daemon=True)
        reader.start()
        try:
            yield running
        finally:
            for member in running.tree():
                member.kill()
            running.process.wait(_SECONDS)
            reader.join(10)


@dataclass
class Running:
    """A command that is running."""

    process: Process
    lines: list[str] = field(default_factory=list)

    @property
    def output(self) -> str:
        """All that it has said so far."""
        return "".join(self.lines)

    def collect(self) -> None:
        """Read its output to the end."""
        assert self.process.stdout is not None
        with self.process.stdout:
            self.lines.extend(self.process.stdout)

    def tree(self) -> list[psutil.Process]:
        """The process and its descendants."""
        try:
            top = psutil.Process(self.process.pid)
            return [top, *top.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def line_with(self, words: str) -> str:
        """Wait for a line and return it."""

        def found() -> str | None:
            return next((line for line in list(self.lines) if words in line), None)

        deadline = time.monotonic() + _SECONDS
        while (line := found()) is None:
            assert time.monotonic() < deadline, f"{words!r} was not said:\n{self.output}"
            assert self.process.poll() is None, f"it ended without {words!r}:\n{self.output}"
            time.sleep(0.02)
        return line

    def url(self) -> str:
        """Wait until the server answers, and return its URL."""
        return self.line_with(" on http").partition(" on ")[2].split()[0]

    def end(self, number: int) -> int:
        """Send a signal and return the exit code."""
        self.process.send_signal(number)
        code = self.process.wait(_SECONDS)
        deadline = time.monotonic() + 5
        while self.process.stdout is not None and not self.process.stdout.closed and time.monotonic() < deadline:
            time.sleep(0.01)
        return code


def assert_one_line(outcome: Outcome, *words: str) -> None:
    """A command that could not do its work said why in one line, and nothing else."""
    assert outcome.code == 1
    assert outcome.out == ""
    assert outcome.err.startswith("✗ ")
    assert outcome.err.count("\n") == 1, outcome.err
    assert "Traceback" not in outcome.err
    for word in words:
        assert word in outcome.err


def databases_below(folder: Path) -> list[psutil.Process]:
    """The processes of PostgreSQL that work in a folder."""
    below = f"{folder.resolve()}{os.sep}"
    found = psutil.process_iter(["name", "cwd"])
    return [it for it in found if it.info["name"] == "postgres" and (it.info["cwd"] or "").startswith(below)]
