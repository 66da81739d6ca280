"""Serving under a base path: where the path comes from, and the X-Forwarded-… headers of a proxy."""

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from msgcenter.settings import parsed_base_path

_HEADER = b"x-forwarded-prefix"
_HTTP = {"http", "websocket"}


class BehindProxy(ProxyHeadersMiddleware):
    """Reads the client's address, the scheme and the base path from a trusted proxy's X-Forwarded-… headers.

    `base_path` is the setting ("" for none); without it, the header decides. `trusted` is a comma-separated list of
    addresses and networks. In the resulting ASGI scope, `root_path` is the base path and `path` starts with it, whether
    or not the proxy has removed it.
    """

    def __init__(self, app: ASGIApp, base_path: str, trusted: str) -> None:
        super().__init__(app, trusted)  # type: ignore[arg-type]  # uvicorn and Starlette type ASGI each in its own way
        self._base_path = base_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # type: ignore[override]
        """Pass a request on with the values from the proxy."""
        if scope["type"] in _HTTP:
            base = self._base_path or self._forwarded(scope)
            if base:
                scope["root_path"] = base
                scope["path"] = _under(base, scope["path"])
        await super().__call__(scope, receive, send)  # type: ignore[arg-type]

    def _forwarded(self, scope: Scope) -> str:
        client = scope.get("client")
        if client is None or client[0] not in self.trusted_hosts:
            return ""
        prefix = dict(scope["headers"]).get(_HEADER, b"").decode("latin-1")
        return parsed_base_path(prefix) or ""


def _under(base: str, path: str) -> str:
    """Return a path that starts with the base path exactly once."""
    if path == base:
        return base + "/"
    return path if path.startswith(base + "/") else base + path


def root_of(scope: Scope) -> str:
    """Return the base path of a request, "" for none. It also works inside a mounted application."""
    root: str = scope.get("app_root_path", scope.get("root_path", ""))
    return root


def own_path(scope: Scope) -> str:
    """Return the path of a request without the base path."""
    path: str = scope["path"]
    return path.removeprefix(root_of(scope))
