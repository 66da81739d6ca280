"""An ASGI application around a function that answers requests of any method."""

from collections.abc import Awaitable, Callable, Iterable

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

Respond = Callable[[Request], Awaitable[Response]]


class AnyMethod:
    """Answers every method: a route of Starlette's answers those that it does not know by itself, in plain text."""

    def __init__(self, respond: Respond) -> None:
        self._respond = respond

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        response = await self._respond(Request(scope, receive))
        await response(scope, receive, send)


def client_address(request: Request) -> str:
    """Return the caller's network address, "unknown" where there is none."""
    return request.client.host if request.client else "unknown"


def allow(methods: Iterable[str]) -> dict[str, str]:
    """Return the header that says which methods a path takes; HEAD where GET is, and OPTIONS always."""
    taken = list(methods)
    return {"allow": ", ".join([*taken, *(["HEAD"] if "GET" in taken else []), "OPTIONS"])}


def options(methods: Iterable[str]) -> Response:
    """Return the answer to OPTIONS."""
    return Response(status_code=204, headers=allow(methods))
