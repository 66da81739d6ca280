"""How often an app may call an API: per second and server process (MSGCENTER_RATE_LIMIT, or the app's own limits)."""

from functools import lru_cache

from limits import RateLimitItemPerSecond
from limits.aio.storage import MemoryStorage

from msgcenter.domain.account import App
from msgcenter.domain.network import subscriber_of
from msgcenter.domain.refusal import Reason, Refusal
from msgcenter.gateway.exchange import Exchange

NO_CALL = "no call"
"""What requests that never became a call count as, by where they come from."""
_WINDOW_SECONDS = 1


class RateLimit:
    """Counts calls in fixed windows of a second.

    `per_second` is the installation's own limit: of the apps that have none of theirs, and of those who prove to be no
    app, by their network address. 0 means no limit.
    """

    def __init__(self, per_second: int) -> None:
        self._per_second = per_second
        self._storage = MemoryStorage()

    async def hit(self, exchange: Exchange, api: str, app: App | None = None) -> None:
        """Count a call of an app, or else of an address, and add the `RateLimit-*` headers to those of its answer.

        Without a limit there are no headers. Refuses with RATE_EXCEEDED a caller who has called this API too often.
        """
        exchange.is_counted = True
        limit = self._per_second if app is None else app.calls_per_second(api, self._per_second)
        if not limit:
            return
        caller = subscriber_of(exchange.client_address) if app is None else app.app_id
        left = limit - await self._storage.incr(_key(caller, api), _WINDOW_SECONDS)
        _tell(exchange, limit, left)
        if left < 0:
            raise Refusal(Reason.RATE_EXCEEDED, seconds=_WINDOW_SECONDS)

    async def tell(self, exchange: Exchange) -> None:
        """Add the headers to an answer that is given before its call could be counted."""
        if self._per_second and not exchange.is_counted:
            counted = await self._storage.get(_key(subscriber_of(exchange.client_address), NO_CALL))
            _tell(exchange, self._per_second, self._per_second - counted)


def _tell(exchange: Exchange, limit: int, left: int) -> None:
    exchange.extra_headers += (
        (b"ratelimit-limit", b"%d" % limit),
        (b"ratelimit-remaining", b"%d" % max(0, left)),
        (b"ratelimit-reset", b"%d" % _WINDOW_SECONDS),
    )


@lru_cache(maxsize=4_096)
def _key(caller: str, api: str) -> str:
    return RateLimitItemPerSecond(1).key_for(caller, api)
