"""An ASGI application around a function that answers requests of any method."""

from collections.abc import Awaitable, Callable, Iterable

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

Respond = Callable[[Request], Awaitable[Response]]


class AnyMethod:
    """Passes requests of every method to a function; a Starlette route would answer unknown methods in plain text."""

    def __init__(self, respond: Respond) -> None:
        self._respond = respond

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        response = await self._respond(Request(scope, receive))
        await response(scope, receive, send)


def allow(methods: Iterable[str]) -> dict[str, str]:
    """Return the Allow header of a path: its methods, HEAD if GET is among them, and OPTIONS."""
    allowed = list(methods)
    return {"allow": ", ".join([*allowed, *(["HEAD"] if "GET" in allowed else []), "OPTIONS"])}


def options(methods: Iterable[str]) -> Response:
    """Return the answer to OPTIONS."""
    return Response(status_code=204, headers=allow(methods))
