"""How often users and network addresses may ask outside the app API, in each server process.

Who has a valid token or session is counted as a user and never by address: a whole school comes from one address.
Everybody else is counted by address.
"""

from collections.abc import Callable, Hashable
from math import ceil
from time import monotonic

from msgcenter.domain.network import subscriber_of
from msgcenter.domain.refusal import Reason, Refusal

WINDOW_SECONDS = 10
"""Limits are averages over so many seconds, so a page may ask for all that it needs at once."""
FILES_FOR_EACH_PAGE = 30
"""How many static files an address may ask for with each page: the inbox consists of some 25."""
MOST_KEYS = 100_000


class RequestLimits:
    """Counts requests. `per_user` and `per_address` are requests a second; 0 is no limit."""

    def __init__(self, *, per_user: int = 0, per_address: int = 0, clock: Callable[[], float] = monotonic) -> None:
        self._users = _Counts(per_user, clock)
        self._pages = _Counts(per_address, clock)
        self._files = _Counts(per_address * FILES_FOR_EACH_PAGE, clock)

    def count_user(self, user: Hashable) -> None:
        """Count a request of somebody with a valid token or session. Refuses with RATE_EXCEEDED."""
        self._users.add(user)

    def count_address(self, address: str) -> None:
        """Count a request without a valid token or session. Refuses with RATE_EXCEEDED."""
        self._pages.add(subscriber_of(address))

    def count_file(self, address: str) -> None:
        """Count a request for a static file, or another that costs as little. Refuses with RATE_EXCEEDED."""
        self._files.add(subscriber_of(address))


class _Counts:
    """Counts by key in windows of ten seconds.

    All windows end at once, and everything counted is forgotten then. So memory is bounded by what a process can
    answer in a window, and by MOST_KEYS: those who come after so many are counted together.
    """

    def __init__(self, per_second: int, clock: Callable[[], float]) -> None:
        self._limit = per_second * WINDOW_SECONDS
        self._clock = clock
        self._window = 0
        self._counted: dict[Hashable, int] = {}

    def add(self, key: Hashable) -> None:
        """Count one. Refuses with RATE_EXCEEDED what is too much."""
        if not self._limit:
            return
        now = self._clock()
        window = int(now // WINDOW_SECONDS)
        if window != self._window:
            self._window = window
            self._counted = {}
        if len(self._counted) >= MOST_KEYS and key not in self._counted:
            key = None
        count = self._counted.get(key, 0) + 1
        self._counted[key] = count
        if count > self._limit:
            left = (window + 1) * WINDOW_SECONDS - now
            raise Refusal(Reason.RATE_EXCEEDED, seconds=max(1, ceil(left)))
