"""The counters of calls, and the slow calls that they keep."""

import pytest

from msgcenter.domain.account import App, Platform
from msgcenter.gateway.call_record import CallRecord
from msgcenter.monitor import calls
from msgcenter.monitor.calls import BUCKETS, SLOW_WINDOW_SECONDS, CallTotals

APP = App(1, "app-1", "Homework", Platform("420100", 1), "app-1")


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(calls, "time", clock)
    return clock


def call(seconds: float = 0.002, code: str = "000000", api: str = "sendMsg", ids: int = 0) -> CallRecord:
    return CallRecord(api, APP, code, seconds, ids, b"number-1")


def test_calls_are_counted_by_their_ret_code() -> None:
    totals = CallTotals()
    for code in ("000000", "000000", "100003"):
        totals.observe(call(code=code, api="modMsgStatus", ids=50))
    assert dict(totals.codes) == {("modMsgStatus", "000000"): 2, ("modMsgStatus", "100003"): 1}
    assert totals.status_ids == 100, "refused calls set nothing"


@pytest.mark.parametrize(("seconds", "bucket"), [(0.0, 0), (0.001, 0), (0.0011, 1), (10.0, len(BUCKETS) - 1), (11, -1)])
def test_a_call_counts_in_the_first_bucket_that_it_fits(seconds: float, bucket: int) -> None:
    totals = CallTotals()
    totals.observe(call(seconds))
    latencies = totals.latencies["sendMsg"]
    assert latencies.counts[bucket] == 1
    assert sum(latencies.counts) == 1
    assert latencies.seconds == seconds


def test_the_rate_is_that_of_the_last_minute(clock: Clock) -> None:
    totals = CallTotals()
    for second in range(90):
        clock.now = 1_000.0 + second
        totals.observe(call())
        totals.observe(call())
    assert totals.calls_last_minute() == 120
    clock.now += 30
    assert totals.calls_last_minute() == 62, "the second of the last two calls is complete by now"
    clock.now += 1_000_000
    assert totals.calls_last_minute() == 0


def test_the_slowest_calls_are_kept_for_two_windows(clock: Clock) -> None:
    totals = CallTotals()
    for number in range(1_000):
        totals.observe(call(number / 1_000))
    slowest = totals.slowest()
    assert [slow.seconds for slow in slowest] == [number / 1_000 for number in range(999, 979, -1)]
    assert (slowest[0].api, slowest[0].app_id, slowest[0].request_id) == ("sendMsg", "app-1", "number-1")
    clock.now += SLOW_WINDOW_SECONDS + 1
    totals.observe(call(0.0001))
    assert [slow.seconds for slow in totals.slowest()][:2] == [0.999, 0.998], "the previous window is kept"
    clock.now += SLOW_WINDOW_SECONDS + 1
    totals.observe(call(0.0002))
    assert [slow.seconds for slow in totals.slowest()] == [0.0002, 0.0001]
    clock.now += 3 * SLOW_WINDOW_SECONDS
    assert totals.slowest() == []
