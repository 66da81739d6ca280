"""Counts the calls of this process, in memory. A call costs about a microsecond."""

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
"""Upper bounds of the latency histogram in seconds. One more bucket holds all slower calls."""
SLOW_WINDOW_SECONDS = 900
_SLOWEST = 20
_MINUTE = 60


class Call(Protocol):
    """An answered call, as the gateway reports it (`gateway.call_record`)."""

    @property
    def api(self) -> str:
        """The last segment of its path."""

    @property
    def app(self) -> App | None:
        """The authenticated app, None without a valid token."""

    @property
    def ret_code(self) -> str:
        """The retCode of the answer."""

    @property
    def seconds(self) -> float:
        """The time from its first byte to its answer."""

    @property
    def status_ids(self) -> int:
        """How many message ids a status call has; 0 for other calls."""

    @property
    def request_id(self) -> bytes:
        """Its request id."""


class SlowCall(Struct, frozen=True, order=True):
    """A slow call, answered at `at` (ms since 1970). Sorts by its duration."""

    seconds: float
    at: int
    api: str
    app_id: str
    ret_code: str
    request_id: str


class Latencies:
    """The number of calls in each bucket and the sum of their durations (seconds)."""

    __slots__ = ("counts", "seconds")

    def __init__(self) -> None:
        self.counts = [0] * (len(BUCKETS) + 1)
        self.seconds = 0.0


class CallTotals:
    """Counts calls, keeps the slowest of the last 15-30 minutes, and knows the rate of the last minute."""

    def __init__(self) -> None:
        self.codes: defaultdict[tuple[str, str], int] = defaultdict(int)
        self.latencies: defaultdict[str, Latencies] = defaultdict(Latencies)
        self.status_ids = 0
        self._slowest: list[SlowCall] = []
        self._slowest_before: list[SlowCall] = []
        self._slow_from = 0.0
        self._window_ends = time.monotonic() + SLOW_WINDOW_SECONDS
        self._per_second = [0] * (_MINUTE + 1)
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
            self._advance_to(now)
        self._per_second[self._second % (_MINUTE + 1)] += 1
        if seconds > self._slow_from:
            self._add_slow(call)

    def _advance_to(self, now: float) -> None:
        """Set the counters of the seconds since the last call to zero, and start a new window when the old one ends."""
        second = int(now)
        for passed in range(max(self._second + 1, second - _MINUTE), second + 1):
            self._per_second[passed % (_MINUTE + 1)] = 0
        self._second = second
        if now >= self._window_ends:
            have_both_ended = now >= self._window_ends + SLOW_WINDOW_SECONDS
            self._slowest_before, self._slowest = [] if have_both_ended else self._slowest, []
            self._slow_from = 0.0
            self._window_ends = now + SLOW_WINDOW_SECONDS

    def _add_slow(self, call: Call) -> None:
        app_id = call.app.app_id if call.app else ""
        slow = SlowCall(call.seconds, now_ms(), call.api, app_id, call.ret_code, call.request_id.decode())
        if len(self._slowest) < _SLOWEST:
            heappush(self._slowest, slow)
        else:
            heappushpop(self._slowest, slow)
            self._slow_from = self._slowest[0].seconds

    def slowest(self) -> list[SlowCall]:
        """Return the slowest calls, slowest first."""
        self._advance_to(time.monotonic())
        return sorted([*self._slowest, *self._slowest_before], reverse=True)[:_SLOWEST]

    def calls_last_minute(self) -> int:
        """Return how many calls there were in the last 60 whole seconds."""
        self._advance_to(time.monotonic())
        return sum(self._per_second) - self._per_second[self._second % (_MINUTE + 1)]
