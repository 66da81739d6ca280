"""`/healthz`: the process is alive. `/readyz`: it can serve calls."""

from collections.abc import Awaitable, Callable

import msgspec

from msgcenter.gateway.exchange import Exchange

ReadyCheck = Callable[[], Awaitable[str | None]]
"""Returns what keeps the server from working, None if nothing does."""
_ALIVE = b'{"status":"ok"}'


async def healthz(exchange: Exchange) -> None:
    """Answer that the process is alive. The benchmarks use it as the cheapest answer of this server."""
    await exchange.answer(_ALIVE)


def readyz(check: ReadyCheck) -> Callable[[Exchange], Awaitable[None]]:
    """Return the handler for load balancers: 200, or 503 with the reason not to send calls here."""

    async def respond(exchange: Exchange) -> None:
        problem = await check()
        if problem is None:
            await exchange.answer(_ALIVE)
        else:
            await exchange.answer(msgspec.json.encode({"status": "unavailable", "reason": problem}), 503)

    return respond
