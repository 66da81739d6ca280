"""Run `msgcenter` in a process of its own."""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
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
    """The exit code and output of a finished command."""

    code: int
    out: str
    err: str


class Shell:
    """Runs commands in one environment. The names of `settings` lack the prefix MSGCENTER_.

    `forked`: fork commands from a process that has imported the program, which is fast (`tests.fork_server`).
    Otherwise start them as users do, with `python -m msgcenter`.
    """

    def __init__(self, database_url: str | None, data_dir: Path, *, forked: bool = True, **settings: str) -> None:
        self.data_dir = data_dir
        self._forked = forked
        self.environment = server_environment(database_url, data_dir, settings)

    def run(self, *arguments: str, stdin: str = "", **settings: str) -> Outcome:
        """Run a command until it ends."""
        environment = self.environment | {f"MSGCENTER_{name}": value for name, value in settings.items()}
        with TemporaryFile("w+") as input_file, TemporaryFile("r") as out, TemporaryFile("r") as err:
            input_file.write(stdin)
            input_file.seek(0)
            process: Process
            if self._forked:
                process = fork_server().start(arguments, environment, input_file.fileno(), out.fileno(), err.fileno())
            else:
                process = Popen(
                    [*PROGRAM, *arguments], env=environment, stdin=input_file, stdout=out, stderr=err, text=True
                )
            try:
                process.wait(_SECONDS)
            finally:
                process.kill()
            out.seek(0)
            err.seek(0)
            return Outcome(process.wait(), out.read(), err.read())

    @contextmanager
    def started(self, *arguments: str) -> Iterator["Running"]:
        """Run a command during the block. Its remaining processes are killed at the end."""
        running = Running(start([*PROGRAM, *arguments], self.environment, forked=self._forked))
        reader = threading.Thread(target=running.collect, daemon=True)
        reader.start()
        try:
            yield running
        finally:
            for member in running.tree():
                with suppress(psutil.NoSuchProcess):  # it may end this very moment
                    member.kill()
            running.process.wait(_SECONDS)
            reader.join(60)


@dataclass
class Running:
    """A running command."""

    process: Process
    lines: list[str] = field(default_factory=list)

    @property
    def output(self) -> str:
        """The output so far."""
        return "".join(self.lines)

    def collect(self) -> None:
        """Read the output until it ends."""
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

    def line_with(self, text: str) -> str:
        """Wait for a line with this text and return the line."""

        def matching_line() -> str | None:
            return next((line for line in list(self.lines) if text in line), None)

        deadline = time.monotonic() + _SECONDS
        while (line := matching_line()) is None:
            assert time.monotonic() < deadline, f"{text!r} was not printed:\n{self.output}"
            assert self.process.poll() is None, f"the command ended without printing {text!r}:\n{self.output}"
            time.sleep(0.02)
        return line

    def url(self) -> str:
        """Wait until the server answers, and return its URL."""
        return self.line_with(" on http").partition(" on ")[2].split()[0]

    def end(self, number: int) -> int:
        """Send a signal and return the exit code."""
        self.process.send_signal(number)
        code = self.process.wait(_SECONDS)
        deadline = time.monotonic() + 60
        while self.process.stdout is not None and not self.process.stdout.closed and time.monotonic() < deadline:
            time.sleep(0.01)
        return code


def assert_one_line(outcome: Outcome, *words: str) -> None:
    """Assert that a command failed with one line that contains these words, and no other output."""
    assert outcome.code == 1
    assert outcome.out == ""
    assert outcome.err.startswith("✗ ")
    assert outcome.err.count("\n") == 1, outcome.err
    assert "Traceback" not in outcome.err
    for word in words:
        assert word in outcome.err


def databases_below(folder: Path) -> list[psutil.Process]:
    """The PostgreSQL processes that run in a folder."""
    below = f"{folder.resolve()}{os.sep}"
    return [
        process
        for process in psutil.process_iter(["name", "cwd"])
        if process.info["name"] == "postgres" and (process.info["cwd"] or "").startswith(below)
    ]
