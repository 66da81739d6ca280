"""When failed attempts are retried.

Every call is safe to retry. Sends carry an idempotency key; status changes, recalls and updates are idempotent; a
repeated token request returns the same token; other calls only read. Three exceptions do no harm: a retry of
remindUnread after a lost answer is refused (once an hour), a retry of createWebhook may register a second webhook,
and a retry of deleteWebhook may find the webhook already deleted.
"""

import random
from collections.abc import Callable

from msgcenter_client.errors import RATE_LIMITED, LimitError, MsgCenterError, ServerError, TransportError

_FIRST_WAIT = 0.25
_LONGEST_BACKOFF = 8.0
LONGEST_WAIT = 30.0
"""Seconds. If the server asks for a longer wait, the call raises its error instead."""


def may_help(error: MsgCenterError) -> bool:
    """Return whether the same request may succeed a little later."""
    match error:
        case TransportError():
            return error.temporary
        case LimitError():
            # Waiting for a daily quota makes sense only if the server says how long.
            return error.ret_code == RATE_LIMITED or error.retry_after is not None
        case _:
            return isinstance(error, ServerError)


class RetryPolicy:
    """At most `retries` retries with exponential backoff and jitter, never sooner than Retry-After.

    `chance` returns a number in [0, 1). It decides half of each backoff, so that clients do not retry in step.
    Raises ValueError if `retries` is negative.
    """

    def __init__(self, retries: int, chance: Callable[[], float] = random.random) -> None:
        if retries < 0:
            raise ValueError("retries must not be negative")
        self.retries = retries
        self._chance = chance

    def wait(self, failed: int, error: MsgCenterError) -> float | None:
        """Return the seconds to wait after failure number `failed` (from 1), or None to give up."""
        if failed > self.retries or not may_help(error):
            return None
        if error.retry_after is not None and error.retry_after > LONGEST_WAIT:
            return None
        # The bounded exponent prevents an overflow with many retries.
        backoff = min(_LONGEST_BACKOFF, _FIRST_WAIT * 2.0 ** min(failed - 1, 16))
        return max(error.retry_after or 0.0, backoff * (0.5 + self._chance() / 2))
