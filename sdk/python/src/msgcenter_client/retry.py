"""Whether a failed attempt is repeated, and after how long.

Every call of this client may be repeated safely: sends carry an idempotency key, a status is set and not
toggled, a recall or an update twice is one, the rest only reads, and a token request sent again is answered with the
same token. A reminder is sent once an hour, so that its repetition after a lost answer is refused. Of webhooks, a
repeated registration may leave one more, and a repeated deletion find nothing left to delete.
"""

import random
from collections.abc import Callable

from msgcenter_client.errors import RATE_LIMITED, LimitError, MsgCenterError, ServerError, TransportError

_FIRST_WAIT = 0.25
_LONGEST_BACKOFF = 8.0
LONGEST_WAIT = 30.0
"""Seconds. A server that wants more patience than this gets an exception in the caller instead."""


def may_help(error: MsgCenterError) -> bool:
    """Return whether the same request may succeed a little later."""
    match error:
        case TransportError():
            return error.temporary
        case LimitError():
            # A used-up daily quota is worth waiting for only if the server says how long.
            return error.ret_code == RATE_LIMITED or error.retry_after is not None
        case _:
            return isinstance(error, ServerError)


class RetryPolicy:
    """At most `retries` repetitions: exponential backoff with jitter, never sooner than Retry-After.

    `chance` draws from [0, 1); half of each backoff is left to it so that clients do not march in step.
    """

    def __init__(self, retries: int, chance: Callable[[], float] = random.random) -> None:
        if retries < 0:
            raise ValueError("retries must not be negative")
        self.retries = retries
        self._chance = chance

    def wait(self, failed: int, error: MsgCenterError) -> float | None:
        """Return the seconds to wait after the `failed`th failure (from 1), or None to give up."""
        if failed > self.retries or not may_help(error):
            return None
        if error.retry_after is not None and error.retry_after > LONGEST_WAIT:
            return None
        # The bound on the exponent keeps the power small whatever `retries` is.
        backoff = min(_LONGEST_BACKOFF, _FIRST_WAIT * 2.0 ** min(failed - 1, 16))
        return max(error.retry_after or 0.0, backoff * (0.5 + self._chance() / 2))
