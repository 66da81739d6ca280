"""Rate limits of users and network addresses outside the app API.

Requests with a valid token or session count for the user and never for the address, since a whole school may share one
address. All other requests count for their address. With Redis, both are counted over all processes, without it in
each one; static files are always counted in each process.
"""

from collections.abc import Callable, Hashable
from hashlib import blake2b
from math import ceil
from time import time
from typing import TYPE_CHECKING

from msgcenter.domain.network import subscriber_of
from msgcenter.domain.refusal import Reason, Refusal

if TYPE_CHECKING:
    from msgcenter.redis.counts import SharedCounts

WINDOW_SECONDS = 10
"""Limits are averages over this time, so a page can load all its files at once."""
FILES_FOR_EACH_PAGE = 30
"""Static files that an address may request per page; the inbox has 3, and about 50 modules."""
MAX_KEYS = 100_000


class RequestLimits:
    """Counts requests. `per_user` and `per_address` are requests per second; 0 means no limit.

    `shared` has the counts of all processes, whose clocks (seconds since 1970) should agree.
    """

    def __init__(
        self,
        *,
        per_user: int = 0,
        per_address: int = 0,
        shared: "SharedCounts | None" = None,
        clock: Callable[[], float] = time,
    ) -> None:
        self._users = _Counts(per_user, clock, "user", shared)
        self._pages = _Counts(per_address, clock, "address", shared)
        self._files = _Counts(per_address * FILES_FOR_EACH_PAGE, clock)

    async def count_user(self, user: Hashable) -> None:
        """Count a request with a valid token or session. Refuses with RATE_EXCEEDED."""
        await self._users.add_shared(user)

    async def count_address(self, address: str) -> None:
        """Count a request without a valid token or session. Refuses with RATE_EXCEEDED."""
        await self._pages.add_shared(subscriber_of(address))

    def count_file(self, address: str) -> None:
        """Count a request for a static file or something equally cheap. Refuses with RATE_EXCEEDED."""
        self._files.add(subscriber_of(address))


class WindowCounts:
    """Counts by key in windows of some seconds.

    All windows end at the same time, and all counts are dropped then. So memory is bounded by the requests of one
    window, and by MAX_KEYS: all further keys share one count.
    """

    def __init__(self, seconds: int, clock: Callable[[], float] = time) -> None:
        self._seconds = seconds
        self._clock = clock
        self._window = 0
        self._counts: dict[Hashable, int] = {}

    def __len__(self) -> int:
        return len(self._counts)

    def add(self, key: Hashable, amount: int = 1) -> int:
        """Add to the count of a key in the current window, and return it."""
        window = int(self._clock() // self._seconds)
        if window != self._window:
            self._window = window
            self._counts = {}
        if len(self._counts) >= MAX_KEYS and key not in self._counts:
            key = None
        count = self._counts[key] = self._counts.get(key, 0) + amount
        return count


class _Counts:
    """Counts by key, and refuses those over the limit."""

    def __init__(
        self, per_second: int, clock: Callable[[], float], kind: str = "", shared: "SharedCounts | None" = None
    ) -> None:
        self._limit = per_second * WINDOW_SECONDS
        self._clock = clock
        self._kind = kind
        self._shared = shared
        self.of_this_process = WindowCounts(WINDOW_SECONDS, clock)

    async def add_shared(self, key: Hashable) -> None:
        """Count a request over all processes, or in this one without Redis. Refuses with RATE_EXCEEDED."""
        if self._limit and self._shared is not None:
            now = self._clock()
            # The digest keeps user ids and addresses out of Redis, and keys short.
            digest = blake2b(repr(key).encode(), digest_size=12).hexdigest()
            name = f"{self._kind}:{now // WINDOW_SECONDS:.0f}:{digest}"
            count = await self._shared.add(name, WINDOW_SECONDS * 1_000)
            if count is not None:
                self._check(count, now)
                return
        self.add(key)

    def add(self, key: Hashable) -> None:
        """Count a request. Refuses with RATE_EXCEEDED a request over the limit."""
        if not self._limit:
            return
        self._check(self.of_this_process.add(key), self._clock())

    def _check(self, count: int, now: float) -> None:
        if count > self._limit:
            left = (now // WINDOW_SECONDS + 1) * WINDOW_SECONDS - now
            raise Refusal(Reason.RATE_EXCEEDED, seconds=max(1, ceil(left)))
