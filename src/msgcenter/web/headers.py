"""The headers that every answer of every surface has."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_ALWAYS = [(b"x-content-type-options", b"nosniff")]
_ENCRYPTED = [*_ALWAYS, (b"strict-transport-security", b"max-age=31536000")]


class SafeAnswers:
    """Adds `nosniff` to all answers of an application, and HSTS to those that leave by https.

    A request came by https if the proxy in front says so (`X-Forwarded-Proto`), or if the server itself speaks TLS.
    """

    def __init__(self, application: ASGIApp) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                # Only now: what reads the proxy's headers may stand further in.
                added = _ENCRYPTED if scope["scheme"] == "https" else _ALWAYS
                message["headers"] = [*message["headers"], *added]
            await send(message)

        await self._application(scope, receive, send_with_headers)
