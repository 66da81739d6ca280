"""Rate limits of apps: calls per second and API (MSGCENTER_RATE_LIMIT or the app's own limits).

With Redis they are counted over all processes, without it in each one.
"""

from typing import TYPE_CHECKING

from msgcenter.domain.account import App
from msgcenter.domain.network import subscriber_of
from msgcenter.domain.refusal import Reason, Refusal
from msgcenter.gateway.exchange import Exchange
from msgcenter.web.limits import WindowCounts

if TYPE_CHECKING:
    from msgcenter.redis.counts import SharedCounts

NO_CALL = "no call"
"""The API name under which requests that are no call are counted, by network address."""
_WINDOW_SECONDS = 1


class RateLimit:
    """Counts calls in fixed windows of one second.

    `per_second` is the installation's limit. It applies to apps without limits of their own, and to network addresses
    whose requests have no valid token. 0 means no limit. `shared` has the counts of all processes.
    """

    def __init__(self, per_second: int, shared: "SharedCounts | None" = None) -> None:
        self._per_second = per_second
        self._shared = shared
        self._counts = WindowCounts(_WINDOW_SECONDS)

    async def hit(self, exchange: Exchange, api: str, app: App | None = None) -> None:
        """Count a call of an app, or of a network address without one, and add `RateLimit-*` headers to the answer.

        Without a limit there are no headers. Refuses with RATE_EXCEEDED calls over the limit.
        """
        exchange.is_counted = True
        limit = self._per_second if app is None else app.calls_per_second(api, self._per_second)
        if not limit:
            return
        caller = subscriber_of(exchange.client_address) if app is None else app.app_id
        left = limit - await self._add(caller, api, 1)
        _add_headers(exchange, limit, left)
        if left < 0:
            raise Refusal(Reason.RATE_EXCEEDED, seconds=_WINDOW_SECONDS)

    async def add_headers(self, exchange: Exchange) -> None:
        """Add the headers to an answer whose call could not be counted."""
        if self._per_second and not exchange.is_counted:
            counted = await self._add(subscriber_of(exchange.client_address), NO_CALL, 0)
            _add_headers(exchange, self._per_second, self._per_second - counted)

    async def _add(self, caller: str, api: str, amount: int) -> int:
        if self._shared is not None:
            count = await self._shared.add(f"call:{caller}:{api}", _WINDOW_SECONDS * 1_000, amount)
            if count is not None:
                return count
        return self._counts.add((caller, api), amount)


def _add_headers(exchange: Exchange, limit: int, left: int) -> None:
    exchange.extra_headers += (
        (b"ratelimit-limit", b"%d" % limit),
        (b"ratelimit-remaining", b"%d" % max(0, left)),
        (b"ratelimit-reset", b"%d" % _WINDOW_SECONDS),
    )
