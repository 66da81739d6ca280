"""Signals that end a command."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def ended_by_signals(*, serving: bool = False) -> Iterator[None]:
    """Let SIGTERM and SIGHUP unwind the program as Ctrl-C does, so that the embedded database is stopped.

    For a server SIGTERM is the ordinary end, so its exit code is 0; another command was cut off.
    """

    def leave(number: int, _: FrameType | None) -> None:
        raise SystemExit(0 if serving and number == signal.SIGTERM else 128 + number)

    previous = {number: signal.signal(number, leave) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
