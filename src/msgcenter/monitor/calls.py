"""Counts the calls of this process. A call costs it about a microsecond: it is only added up, nothing is stored."""

import time
from bisect import bisect_left
from collections import defaultdict
from heapq import heappush, heappushpop
from typing import Protocol

from msgspec import Struct

from msgcenter.domain.account import App
from msgcenter.domain.message_id import now_ms
from msgcenter.domain.refusal import SUCCESS_CODE

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds of the latency histogram in seconds; one more bucket is for what took longer."""
SLOW_WINDOW_SECONDS = 900
_SLOWEST = 20
_MINUTE = 60


class Call(Protocol):
    """A call that was answered, as the gateway tells it (`gateway.call_record`)."""

    @property
    def api(self) -> str:
        """The last part of its path."""

    @property
    def app(self) -> App | None:
        """Who called, if they proved it."""

    @property
    def ret_code(self) -> str:
        """What came of it."""

    @property
    def seconds(self) -> float:
        """How long it took."""

    @property
    def status_ids(self) -> int:
        """The message ids of a status call."""

    @property
    def request_id(self) -> bytes:
        """Its number."""


class SlowCall(Struct, frozen=True, order=True):
    """A slow call; `at` (ms since 1970) is when it was answered. Sorts by how long it took."""

    seconds: float
    at: int
    api: str
    app_id: str
    ret_code: str
    request_id: str


class Latencies:
    """How many calls fell into each bucket, and how long all took together (seconds)."""

    __slots__ = ("counts", "seconds")

    def __init__(self) -> None:
        self.counts = [0] * (len(BUCKETS) + 1)
        self.seconds = 0.0


class CallTotals:
    """Adds up calls, remembers the slowest of the last 15-30 minutes, and knows the rate of the last minute."""

    def __init__(self) -> None:
        self.codes: defaultdict[tuple[str, str], int] = defaultdict(int)
        self.latencies: defaultdict[str, Latencies] = defaultdict(Latencies)
        self.status_ids = 0
        self._slow: list[SlowCall] = []
        self._slow_before: list[SlowCall] = []
        self._bar = 0.0
        self._window_ends = time.monotonic() + SLOW_WINDOW_SECONDS
        self._seconds = [0] * (_MINUTE + 1)
        self._second = int(time.monotonic())

    def observe(self, call: Call) -> None:
        """Count a call."""
        self.codes[call.api, call.ret_code] += 1
        latencies = self.latencies[call.api]
        seconds = call.seconds
        latencies.counts[bisect_left(BUCKETS, seconds)] += 1
        latencies.seconds += seconds
        if call.status_ids and call.ret_code == SUCCESS_CODE:
            self.status_ids += call.status_ids
        now = time.monotonic()
        if int(now) != self._second:
            self._turn_to(now)
        self._seconds[self._second % (_MINUTE + 1)] += 1
        if seconds > self._bar:
            self._remember(call)

    def _turn_to(self, now: float) -> None:
        """Begin the present second, the ones since the last call having had none."""
        second = int(now)
        for passed in range(max(self._second + 1, second - _MINUTE), second + 1):
            self._seconds[passed % (_MINUTE + 1)] = 0
        self._second = second
        if now >= self._window_ends:
            both_over = now >= self._window_ends + SLOW_WINDOW_SECONDS
            self._slow_before, self._slow = [] if both_over else self._slow, []
            self._bar = 0.0
            self._window_ends = now + SLOW_WINDOW_SECONDS

    def _remember(self, call: Call) -> None:
        app_id = call.app.app_id if call.app else ""
        slow = SlowCall(call.seconds, now_ms(), call.api, app_id, call.ret_code, call.request_id.decode())
        if len(self._slow) < _SLOWEST:
            heappush(self._slow, slow)
        else:
            heappushpop(self._slow, slow)
            self._bar = self._slow[0].seconds

    def slowest(self) -> list[SlowCall]:
        """Return the slowest calls, the slowest first."""
        self._turn_to(time.monotonic())
        return sorted([*self._slow, *self._slow_before], reverse=True)[:_SLOWEST]

    def calls_last_minute(self) -> int:
        """Return how many calls there were in the last 60 whole seconds."""
        self._turn_to(time.monotonic())
        return sum(self._seconds) - self._seconds[self._second % (_MINUTE + 1)]
