"""The times at which a gateway may send, on a clock of the test's own."""

import random
from types import SimpleNamespace

import pytest

from msgcenter.delivery.channels import pacer
from msgcenter.delivery.channels.pacer import Pacer

RATE = 20


class Clock:
    """A clock that goes on only while somebody sleeps, and wakes sleepers up to `late` seconds late."""

    def __init__(self, late: float) -> None:
        self.now = 1_000.0
        self._late = late
        self._dice = random.Random(5)

    def time(self) -> float:
        """Return the time in seconds."""
        return self.now

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds + self._dice.uniform(0, self._late)


@pytest.mark.parametrize("late", [0.0, 0.004, 0.3])
async def test_no_second_has_more_sends_than_the_rate(monkeypatch: pytest.MonkeyPatch, late: float) -> None:
    clock = Clock(late)
    monkeypatch.setattr(pacer, "asyncio", SimpleNamespace(get_running_loop=lambda: clock, sleep=clock.sleep))
    began, paced = clock.now, Pacer(RATE)
    starts = []
    for _ in range(10 * RATE):
        await paced.wait()
        starts.append(clock.now)
    assert starts[0] - began > 0.99 / RATE, "another process may have sent just before"
    assert min(end - start for start, end in zip(starts, starts[RATE:], strict=False)) > 0.99
    if late < 0.1 / RATE:
        assert starts[-1] - began < 10.01, "timers that are a little late do not lower the rate"
