"""How often an app may call an API: per second and server process (setting MSGCENTER_RATE_LIMIT)."""

from functools import lru_cache

from limits import RateLimitItemPerSecond
from limits.aio.storage import MemoryStorage

from msgcenter.domain.refusal import Reason, Refusal

Headers = list[tuple[bytes, bytes]]
_WINDOW_SECONDS = 1


class RateLimit:
    """Counts calls in fixed windows of a second. `per_second` 0 means no limit."""

    def __init__(self, per_second: int) -> None:
        self._per_second = per_second
        self._limit = b"%d" % per_second
        self._storage = MemoryStorage()

    async def hit(self, caller: str, api: str, headers: Headers) -> None:
        """Count a call and add the `RateLimit-*` headers to those of its answer.

        Refuses with RATE_EXCEEDED, and adds `Retry-After`, when the caller has called this API too often.
        """
        if not self._per_second:
            return
        left = self._per_second - await self._storage.incr(_key(caller, api), _WINDOW_SECONDS)
        headers += (
            (b"ratelimit-limit", self._limit),
            (b"ratelimit-remaining", b"%d" % max(0, left)),
            (b"ratelimit-reset", b"%d" % _WINDOW_SECONDS),
        )
        if left < 0:
            headers.append((b"retry-after", b"%d" % _WINDOW_SECONDS))
            raise Refusal(Reason.RATE_EXCEEDED, seconds=_WINDOW_SECONDS)


@lru_cache(maxsize=4_096)
def _key(caller: str, api: str) -> str:
    return RateLimitItemPerSecond(1).key_for(caller, api)
