"""What follows from an attempt: whether a delivery is done, waits or has failed, and whether its gateway pauses."""

from dataclasses import dataclass
from typing import NamedTuple

from msgcenter.domain.channels.codes import DeliveryState, SkipReason

_SECOND = 1_000
_MINUTE = 60 * _SECOND
_HOUR = 60 * _MINUTE
_JITTER = 0.2
MAX_REASON = 300
"""Characters of a reason that are kept."""


class Settlement(NamedTuple):
    """The state of a delivery after an attempt or a check.

    A waiting one is due at `due_at` (ms since 1970); with `is_postponed`, its time to be given up begins anew.
    """

    state: DeliveryState
    reason: str | None = None
    provider_id: str | None = None
    due_at: int | None = None
    is_postponed: bool = False
    is_attempt: bool = False


def skipped(reason: SkipReason) -> Settlement:
    """Return the settlement of a delivery that is not sent."""
    return Settlement(DeliveryState.SKIPPED, reason.value)


def postponed(due_at: int) -> Settlement:
    """Return the settlement of a delivery that waits for a time."""
    return Settlement(DeliveryState.WAITING, due_at=due_at, is_postponed=True)


@dataclass(frozen=True)
class Retries:
    """When deliveries are tried again, and how long a failing gateway waits; in ms.

    `pauses`: after the first failure of a delivery, the second, …; the last one repeats. `give_up`: a delivery fails
    for good if it could have been sent for so long. `gateway_pauses`: as `pauses`, for a gateway that fails as a whole.
    """

    pauses: tuple[int, ...] = (_MINUTE, 5 * _MINUTE, 15 * _MINUTE, _HOUR, 2 * _HOUR, 4 * _HOUR, 8 * _HOUR)
    give_up: int = 72 * _HOUR
    gateway_pauses: tuple[int, ...] = (
        5 * _SECOND,
        15 * _SECOND,
        _MINUTE,
        5 * _MINUTE,
        15 * _MINUTE,
        30 * _MINUTE,
        _HOUR,
    )

    def later(self, now: int, *, attempts: int, first_due_at: int, reason: str, chance: float) -> Settlement:
        """Return the settlement of an attempt that may succeed later. `attempts` were made before it.

        That is the same if the whole gateway pauses: else a message that makes it fail would be tried first again.
        """
        if now - first_due_at >= self.give_up:
            return Settlement(DeliveryState.FAILED, reason, is_attempt=True)
        due_at = now + _step(self.pauses, attempts, chance)
        return Settlement(DeliveryState.WAITING, reason, due_at=due_at, is_attempt=True)

    def gateway_pause(self, failures: int, asked: int, chance: float) -> int:
        """Return how long a gateway waits after `failures` failures before this one; at least as long as it asks."""
        return max(_step(self.gateway_pauses, failures, chance), min(asked, _HOUR))


def _step(pauses: tuple[int, ...], number: int, chance: float) -> int:
    """Return a pause within ±20 % by `chance` in [0, 1)."""
    usual = pauses[min(number, len(pauses) - 1)]
    return int(usual * (1 + _JITTER * (2 * chance - 1)))
