"""Whether Redis answers this process: for the health page, the metrics and the log."""

from collections.abc import Callable
from time import monotonic
from typing import Literal, get_args

import structlog

_log = structlog.get_logger(__name__)
_SILENCE_SECONDS = 60.0
Part = Literal["counts", "live"]
"""What a process uses Redis for, each on connections of its own."""


class RedisStatus:
    """Whether Redis answers this process. An outage is logged at most once a minute."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._waiting: set[Part] = set(get_args(Part))
        self._logged_at = -_SILENCE_SECONDS
        self._down_since: float | None = None

    @property
    def is_up(self) -> bool:
        """Whether all parts have an answer."""
        return not self._waiting

    def failed(self, part: Part, error: BaseException) -> None:
        """Record that a part cannot use Redis."""
        now = self._clock()
        self._waiting.add(part)
        if self._down_since is None:
            self._down_since = now
        if now - self._logged_at >= _SILENCE_SECONDS:
            self._logged_at = now
            _log.warning(
                "Redis does not answer: rate limits count per process, and inboxes learn of changes within 20 seconds",
                reason=str(error) or repr(error),
            )

    def answered(self, part: Part) -> None:
        """Record that Redis answers a part."""
        self._waiting.discard(part)
        if self._waiting:
            return
        # An outage that was too short for a line in the log ends without one.
        if self._down_since is not None and self._logged_at >= self._down_since:
            _log.info("Redis answers again", after=round(self._clock() - self._down_since, 1))
        self._down_since = None
