"""When deliveries are retried, and when they are given up (docs/webhooks.md, "Retries")."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

from msgcenter.domain.webhook import PauseReason

_SECOND = 1_000
_MINUTE = 60 * _SECOND
_HOUR = 60 * _MINUTE
_JITTER = 0.2

Verdict = Literal["delivered", "refused", "failing", "gone"]
DeliveryState = Literal["pending", "delivered", "failed"]


class Outcome(NamedTuple):
    """The outcome of a POST.

    `verdict`: accepted, this delivery refused, webhook failing, or webhook gone (410). `status` is the HTTP status;
    `retry_after` is the pause that the webhook asks for, in ms.
    """

    verdict: Verdict
    status: int | None = None
    error: str | None = None
    response: str = ""
    retry_after: int = 0


class AttemptHistory(NamedTuple):
    """The state of a delivery and its webhook before an attempt. Times are ms since 1970."""

    attempts: int
    first_attempt_at: int | None
    webhook_attempts: int
    failing_since: int | None


class Settlement(NamedTuple):
    """The state after an attempt. Without a new time, a delivery keeps its own and a webhook continues at once."""

    state: DeliveryState
    next_attempt_at: int | None = None
    webhook_attempts: int = 0
    webhook_next_attempt_at: int | None = None
    failing_since: int | None = None
    pause_reason: PauseReason | None = None


def outcome_of(status: int, response: str, retry_after: int) -> Outcome:
    """Return the outcome of a response by its HTTP status."""
    if 200 <= status < 300:
        return Outcome("delivered", status, None, response)
    if status == 410:
        return Outcome("gone", status, "HTTP 410", response)
    busy = status >= 500 or status in {408, 429}
    return Outcome("failing" if busy else "refused", status, f"HTTP {status}", response, retry_after)


@dataclass(frozen=True)
class Schedule:
    """The pauses between attempts, in ms, and the limits of concurrent work.

    `pauses`: after the first failure, the second, …; the last one repeats. `give_up`: time after the first attempt when
    a delivery fails for good, and when a webhook without any success is paused. `timeout`: for a whole POST. `lease`:
    how long a webhook waits at most if its process is killed during a POST. `turn`: POSTs to one webhook before other
    webhooks get a turn. `slots`: webhooks that a process works on at once; `failing_slots`: additional ones for
    webhooks whose last attempt failed.
    """

    pauses: tuple[int, ...] = (
        5 * _SECOND,
        30 * _SECOND,
        2 * _MINUTE,
        10 * _MINUTE,
        30 * _MINUTE,
        _HOUR,
        2 * _HOUR,
        4 * _HOUR,
        8 * _HOUR,
    )
    give_up: int = 72 * _HOUR
    timeout: int = 15 * _SECOND
    lease: int = 20 * _SECOND
    poll: int = _SECOND
    slots: int = 50
    failing_slots: int = 25
    turn: int = 20

    def pause(self, attempts: int, retry_after: int, chance: float) -> int:
        """Return the pause in ms after `attempts` failures (at least 1), within ±20 % by `chance` in [0, 1).

        A longer `retry_after` (ms) counts up to the length of the next pause.
        """
        usual = self._step(attempts - 1)
        jittered = int(usual * (1 + _JITTER * (2 * chance - 1)))
        return max(jittered, min(retry_after, self._step(attempts)))

    def _step(self, number: int) -> int:
        return self.pauses[min(number, len(self.pauses) - 1)]

    def settle(self, history: AttemptHistory, outcome: Outcome, now: int, chance: float) -> Settlement:
        """Return the state after an attempt that ended at `now` (ms since 1970)."""
        if outcome.verdict == "delivered":
            return Settlement("delivered")
        first = now if history.first_attempt_at is None else history.first_attempt_at
        failing_since = now if history.failing_since is None else history.failing_since
        settled = Settlement(
            "failed" if now - first >= self.give_up else "pending",
            failing_since=failing_since,
            pause_reason="failing" if now - failing_since >= self.give_up else None,
        )
        match outcome.verdict:
            case "gone":
                return settled._replace(pause_reason="gone")
            case "refused":
                pause = self.pause(history.attempts + 1, outcome.retry_after, chance)
                return settled._replace(next_attempt_at=now + pause)
            case _:
                attempts = history.webhook_attempts + 1
                pause = self.pause(attempts, outcome.retry_after, chance)
                return settled._replace(webhook_attempts=attempts, webhook_next_attempt_at=now + pause)
