"""Limits of users and addresses, with a clock that the test sets."""

import pytest

from msgcenter.domain.refusal import Reason, Refusal
from msgcenter.web import limits as module
from msgcenter.web.limits import FILES_FOR_EACH_PAGE, WINDOW_SECONDS, RequestLimits


class Clock:
    """A clock in seconds that the test moves."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """A clock at the beginning of a window."""
    return Clock()


async def test_a_user_may_ask_for_the_average_of_ten_seconds_at_once(clock: Clock) -> None:
    limits = RequestLimits(per_user=2, clock=clock)
    for _ in range(2 * WINDOW_SECONDS):
        await limits.count_user("li")
    clock.now += 3.5
    with pytest.raises(Refusal) as refused:
        await limits.count_user("li")
    assert refused.value.reason is Reason.RATE_EXCEEDED
    assert refused.value.data["seconds"] == 7
    await limits.count_user("wang")
    clock.now += 7
    await limits.count_user("li")


async def test_pages_and_files_of_an_address_count_apart(clock: Clock) -> None:
    limits = RequestLimits(per_address=1, clock=clock)
    for _ in range(WINDOW_SECONDS):
        await limits.count_address("192.0.2.1")
        for _ in range(FILES_FOR_EACH_PAGE):
            limits.count_file("192.0.2.1")
    with pytest.raises(Refusal):
        await limits.count_address("::ffff:192.0.2.1")
    with pytest.raises(Refusal):
        limits.count_file("::ffff:192.0.2.1")
    await limits.count_address("192.0.2.2")
    limits.count_file("192.0.2.2")


async def test_an_ipv6_subscriber_is_counted_by_64_bits(clock: Clock) -> None:
    limits = RequestLimits(per_address=1, clock=clock)
    for number in range(WINDOW_SECONDS):
        await limits.count_address(f"2001:db8:0:1::{number}")
    with pytest.raises(Refusal):
        await limits.count_address("2001:db8:0:1:ffff::")
    await limits.count_address("2001:db8:0:2::1")


async def test_zero_means_no_limit(clock: Clock) -> None:
    limits = RequestLimits(clock=clock)
    for _ in range(10_000):
        await limits.count_user("li")
        await limits.count_address("192.0.2.1")
        limits.count_file("192.0.2.1")


async def test_memory_is_bounded_under_many_addresses(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_KEYS", 50)
    limits = RequestLimits(per_address=1, clock=clock)
    await limits.count_address("192.0.2.1")
    refused = 0
    for number in range(200):
        try:
            await limits.count_address(f"2001:db8:0:{number:x}::1")
        except Refusal:
            refused += 1
    assert refused == 200 - 49 - WINDOW_SECONDS, "those beyond the bound are counted together"
    await limits.count_address("192.0.2.1")
    assert len(limits._pages.of_this_process) <= 51
    clock.now += WINDOW_SECONDS
    await limits.count_address("2001:db8:0:99::1")
    assert len(limits._pages.of_this_process) == 1
