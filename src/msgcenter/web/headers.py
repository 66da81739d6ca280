"""The security headers of all answers."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_ALWAYS = [(b"x-content-type-options", b"nosniff")]
_ENCRYPTED = [*_ALWAYS, (b"strict-transport-security", b"max-age=31536000")]


class SafeAnswers:
    """Adds `nosniff` to all answers of an application, and HSTS to answers over https.

    A request uses https if a trusted proxy says so (`X-Forwarded-Proto`) or if the server itself terminates TLS.
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
                # Read the scheme only here: the inner application may have taken it from the proxy's headers.
                added = _ENCRYPTED if scope["scheme"] == "https" else _ALWAYS
                message["headers"] = [*message["headers"], *added]
            await send(message)

        await self._application(scope, receive, send_with_headers)
