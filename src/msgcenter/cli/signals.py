"""Signals that end a command."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def exit_on_signals(*, serving: bool = False) -> Iterator[None]:
    """Make SIGTERM and SIGHUP unwind the program as Ctrl-C does, so that the embedded database is stopped.

    `serving`: SIGTERM, the usual way to stop a server, exits with code 0. It interrupts other commands.
    """

    def leave(number: int, _: FrameType | None) -> None:
        raise SystemExit(0 if serving and number == signal.SIGTERM else 128 + number)

    previous = {number: signal.signal(number, leave) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
