"""The inbox page, and the files of the component."""

from importlib.resources import files
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from msgcenter.domain.refusal import Refusal
from msgcenter.inbox.visitor import Inboxes, Page

STATIC = Path(str(files("msgcenter.inbox").joinpath("static")))
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src https: http: data:; connect-src 'self'; "
    "font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors "
)


def inbox_page(inboxes: Inboxes) -> Page:
    """Return the endpoint of the page `/inbox`. Only websites that some app may use show it in a frame."""

    async def respond(_: Request) -> Response:
        try:
            origins = await inboxes.user_tokens.origins()
        except Refusal:
            origins = frozenset()  # the page itself says so when it cannot reach its data
        return FileResponse(
            STATIC / "inbox.html",
            headers={
                "content-security-policy": _POLICY + " ".join(["'self'", *sorted(origins)]),
                "referrer-policy": "no-referrer",
                "x-content-type-options": "nosniff",
                "cache-control": "no-cache",
            },
        )

    return respond


class ComponentFiles:
    """Serves the component's modules to any website: there is nothing in them but code."""

    def __init__(self) -> None:
        self._files = StaticFiles(directory=STATIC, check_dir=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""

        async def with_headers(message: dict[str, object]) -> None:
            if message["type"] == "http.response.start":
                headers = message["headers"]
                assert isinstance(headers, list)
                headers += [
                    (b"access-control-allow-origin", b"*"),
                    (b"cross-origin-resource-policy", b"cross-origin"),
                    (b"x-content-type-options", b"nosniff"),
                    (b"cache-control", b"no-cache"),
                ]
            await send(message)

        await self._files(scope, receive, with_headers)  # type: ignore[arg-type]
