"""How often an app may call an API: per second and server process (setting MSGCENTER_RATE_LIMIT)."""

import math
import time

from limits import RateLimitItemPerSecond
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from msgcenter.domain.refusal import Reason, Refusal

Headers = list[tuple[bytes, bytes]]


class RateLimit:
    """Counts calls. `per_second` 0 means no limit."""

    def __init__(self, per_second: int) -> None:
        self._item = RateLimitItemPerSecond(per_second) if per_second else None
        self._limit = str(per_second).encode()
        self._limiter = FixedWindowRateLimiter(MemoryStorage())

    def hit(self, caller: str, api: str, headers: Headers) -> None:
        """Count a call and add the `RateLimit-*` headers to those of its answer.

        Refuses with RATE_EXCEEDED, and adds `Retry-After`, when the caller has called this API too often.
        """
        if self._item is None:
            return
        allowed = self._limiter.hit(self._item, caller, api)
        window = self._limiter.get_window_stats(self._item, caller, api)
        reset = max(1, math.ceil(window.reset_time - time.time()))
        headers += (
            (b"ratelimit-limit", self._limit),
            (b"ratelimit-remaining", b"%d" % max(0, window.remaining)),
            (b"ratelimit-reset", b"%d" % reset),
        )
        if not allowed:
            headers.append((b"retry-after", b"%d" % reset))
            raise Refusal(Reason.RATE_EXCEEDED, seconds=reset)
