"""`/healthz`: the process is alive. `/readyz`: it can do its work."""

from collections.abc import Awaitable, Callable

import msgspec

from msgcenter.gateway.exchange import Exchange

ReadyCheck = Callable[[], Awaitable[str | None]]
"""Returns what is missing, None when all is well."""
_ALIVE = b'{"status":"ok"}'


async def healthz(exchange: Exchange) -> None:
    """Answer that the process is alive; also the least that an answer of this server costs (bench/)."""
    await exchange.answer(_ALIVE)


def readyz(check: ReadyCheck) -> Callable[[Exchange], Awaitable[None]]:
    """Return the page that tells load balancers whether to send calls here: 200, or 503 with what is missing."""

    async def respond(exchange: Exchange) -> None:
        problem = await check()
        if problem is None:
            await exchange.answer(_ALIVE)
        else:
            await exchange.answer(msgspec.json.encode({"status": "unavailable", "reason": problem}), 503)

    return respond
