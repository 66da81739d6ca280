"""Watches a server from a thread and starts it again when it has ended."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_log = logging.getLogger(__name__)

_CHECK_SECONDS = 0.5
_FIRST_DELAY_SECONDS = 0.25
_LONGEST_DELAY_SECONDS = 30.0
_STABLE_SECONDS = 60.0
"""A server that has run for this long is started again without delay when it ends."""


@contextmanager
def watched(name: str, *, is_running: Callable[[], bool], start: Callable[[], None]) -> Iterator[None]:
    """Keep a server running within the block, from a thread.

    `name` appears in log lines. `start` blocks until the server answers and raises an error if it cannot be started. It
    may be called although another process has already started the server. While the server keeps ending or does not
    start, the delay before the next start doubles from 0.25 to 30 seconds. At the end of the block, a start in progress
    is waited for.
    """
    watch = _Watch(name, is_running, start)
    watch.start()
    try:
        yield
    finally:
        watch.stop()


class _Watch(threading.Thread):
    def __init__(self, name: str, is_running: Callable[[], bool], start: Callable[[], None]) -> None:
        super().__init__(name=f"{name} watch", daemon=True)
        self._server = name
        self._is_running = is_running
        self._start_server = start
        self._stopping = threading.Event()

    def stop(self) -> None:
        self._stopping.set()
        self.join()

    def run(self) -> None:
        delay, started_at = 0.0, time.monotonic() - _STABLE_SECONDS
        while not self._stopping.wait(_CHECK_SECONDS):
            if self._is_running():
                continue
            if time.monotonic() - started_at >= _STABLE_SECONDS:
                delay = 0.0
            _log.error("%s has ended; starting it again%s", self._server, f" in {delay:g} s" if delay else "")
            if self._stopping.wait(delay):
                return
            self._try_to_start()
            delay = min(max(2 * delay, _FIRST_DELAY_SECONDS), _LONGEST_DELAY_SECONDS)
            started_at = time.monotonic()

    def _try_to_start(self) -> None:
        began = time.monotonic()
        try:
            self._start_server()
        except Exception as error:  # any error: its cause may be gone at the next try
            _log.error("%s could not be started: %s", self._server, " ".join(str(error).split()))
        else:
            _log.warning("%s runs again after %.1f s", self._server, time.monotonic() - began)
