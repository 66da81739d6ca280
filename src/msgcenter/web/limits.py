"""Rate limits of users and network addresses outside the app API, in each server process.

Requests with a valid token or session count for the user and never for the address, since a whole school may share one
address. All other requests count for their address.
"""

from collections.abc import Callable, Hashable
from math import ceil
from time import monotonic

from msgcenter.domain.network import subscriber_of
from msgcenter.domain.refusal import Reason, Refusal

WINDOW_SECONDS = 10
"""Limits are averages over this time, so a page can load all its files at once."""
FILES_FOR_EACH_PAGE = 30
"""Static files that an address may request per page; the inbox has 3, and about 50 modules."""
MAX_KEYS = 100_000


class RequestLimits:
    """Counts requests. `per_user` and `per_address` are requests per second; 0 means no limit."""

    def __init__(self, *, per_user: int = 0, per_address: int = 0, clock: Callable[[], float] = monotonic) -> None:
        self._users = _Counts(per_user, clock)
        self._pages = _Counts(per_address, clock)
        self._files = _Counts(per_address * FILES_FOR_EACH_PAGE, clock)

    def count_user(self, user: Hashable) -> None:
        """Count a request with a valid token or session. Refuses with RATE_EXCEEDED."""
        self._users.add(user)

    def count_address(self, address: str) -> None:
        """Count a request without a valid token or session. Refuses with RATE_EXCEEDED."""
        self._pages.add(subscriber_of(address))

    def count_file(self, address: str) -> None:
        """Count a request for a static file or something equally cheap. Refuses with RATE_EXCEEDED."""
        self._files.add(subscriber_of(address))


class _Counts:
    """Counts by key in windows of ten seconds.

    All windows end at the same time, and all counts are dropped then. So memory is bounded by the requests of one
    window, and by MAX_KEYS: all further keys share one count.
    """

    def __init__(self, per_second: int, clock: Callable[[], float]) -> None:
        self._limit = per_second * WINDOW_SECONDS
        self._clock = clock
        self._window = 0
        self._counted: dict[Hashable, int] = {}

    def add(self, key: Hashable) -> None:
        """Count a request. Refuses with RATE_EXCEEDED a request over the limit."""
        if not self._limit:
            return
        now = self._clock()
        window = int(now // WINDOW_SECONDS)
        if window != self._window:
            self._window = window
            self._counted = {}
        if len(self._counted) >= MAX_KEYS and key not in self._counted:
            key = None
        count = self._counted.get(key, 0) + 1
        self._counted[key] = count
        if count > self._limit:
            left = (window + 1) * WINDOW_SECONDS - now
            raise Refusal(Reason.RATE_EXCEEDED, seconds=max(1, ceil(left)))
