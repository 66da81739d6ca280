"""Deliveries are tried again with growing pauses, and given up at an end; gateways pause as a whole."""

from msgcenter.domain.channels.codes import DeliveryState
from msgcenter.domain.channels.settlement import Retries, Settlement

HOUR = 3_600_000
MIDDLE = 0.5
"""The chance that leaves a pause as it is."""


def later(attempts: int, *, now: int = 0, first_due_at: int = 0) -> Settlement:
    """Return the settlement of an attempt that may succeed later."""
    return Retries().later(now, attempts=attempts, first_due_at=first_due_at, reason="busy", chance=MIDDLE)


def test_pauses_grow_and_the_last_one_repeats() -> None:
    pauses = [later(attempts).due_at for attempts in range(9)]
    assert pauses == [minutes * 60_000 for minutes in (1, 5, 15, 60, 120, 240, 480, 480, 480)]


def test_pauses_are_spread() -> None:
    spread = [
        Retries().later(0, attempts=0, first_due_at=0, reason="", chance=chance).due_at for chance in (0.0, 0.999)
    ]
    assert spread == [48_000, 71_976]


def test_a_delivery_is_given_up_after_three_days() -> None:
    assert later(5, now=72 * HOUR - 1).state is DeliveryState.WAITING
    assert later(0, now=72 * HOUR) == Settlement(DeliveryState.FAILED, "busy", is_attempt=True)
    assert later(0, now=72 * HOUR, first_due_at=1).state is DeliveryState.WAITING


def test_a_gateway_waits_longer_after_each_failure() -> None:
    pauses = [Retries().gateway_pause(failures, 0, MIDDLE) // 1_000 for failures in range(8)]
    assert pauses == [5, 15, 60, 300, 900, 1_800, 3_600, 3_600]


def test_a_gateway_waits_as_long_as_it_asks_up_to_an_hour() -> None:
    assert Retries().gateway_pause(0, 30_000, MIDDLE) == 30_000
    assert Retries().gateway_pause(0, 24 * HOUR, MIDDLE) == HOUR
