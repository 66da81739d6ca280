"""Requests to a real server as bytes, so that no client library rejects an odd one."""

import http.client
import socket
from collections.abc import Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from starlette.routing import BaseRoute, Route

from msgcenter.domain.api_reference import CallReference
from msgcenter.gateway.reference.reference import reference
from msgcenter.gateway.routes import routes as gateway_routes
from msgcenter.inbox.endpoint import Inboxes
from msgcenter.inbox.routes import routes as inbox_routes
from msgcenter.monitor.metrics import PATH as METRICS_PATH
from msgcenter.portal.routes import PortalPages
from msgcenter.portal.routes import routes as portal_routes
from msgcenter.web.limits import RequestLimits
from tests.gateway.calls import NO_ACTIONS

_SECONDS = 60


class Answer(NamedTuple):
    """An answer; header names are lower-case."""

    status: int
    headers: dict[str, str]
    body: bytes

    def text(self) -> str:
        """Return the body as text."""
        return self.body.decode(errors="replace")


class Wire:
    """A connection to a server that is opened again when the server has closed it."""

    def __init__(self, url: str) -> None:
        address = urlsplit(url)
        self._address = (address.hostname, address.port)
        self.host = address.netloc
        self._socket: socket.socket | None = None

    def __enter__(self) -> "Wire":
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def ask(
        self,
        method: str,
        target: str | bytes,
        headers: Mapping[str, str | bytes] | None = None,
        body: bytes | None = None,
    ) -> Answer:
        """Send a request and return its answer. `target` and `headers` are sent unchanged."""
        all_headers = {"host": self.host, **(headers or {})}
        if body is not None:
            all_headers["content-length"] = str(len(body))
        lines = [method.encode() + b" " + _bytes(target) + b" HTTP/1.1"]
        lines += [name.encode() + b": " + _bytes(value) for name, value in all_headers.items()]
        request = b"\r\n".join([*lines, b"", body or b""])
        try:
            return self._exchange(method, request)
        except (OSError, http.client.HTTPException):
            self.close()  # the server may have closed the idle connection
            return self._exchange(method, request)

    def _exchange(self, method: str, request: bytes) -> Answer:
        if self._socket is None:
            self._socket = socket.create_connection(self._address, timeout=_SECONDS)
        with suppress(BrokenPipeError, ConnectionResetError):  # refused before the whole request was read
            self._socket.sendall(request)
        response = http.client.HTTPResponse(self._socket, method=method)
        try:
            response.begin()
            headers = {name.lower(): value for name, value in response.getheaders()}
            if headers.get("content-type", "").startswith("text/event-stream") and method != "HEAD":
                self.close()
                return Answer(response.status, headers, b"")
            answer = Answer(response.status, headers, response.read())
            if response.will_close:
                self.close()
            return answer
        finally:
            response.close()


def _bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode("latin-1")


class AnyRoute(NamedTuple):
    """A route of a surface: its path with parameters in braces."""

    surface: str
    path: str


def all_routes() -> list[AnyRoute]:
    """Return every route of a server, from the tables that define them."""

    async def ready() -> str | None:
        return None

    nothing: Any = None
    limits = RequestLimits()
    gateway = gateway_routes(nothing, NO_ACTIONS, ready, limits)
    inbox = inbox_routes(Inboxes(nothing, nothing, nothing, nothing, nothing, nothing, limits=limits))
    portal = portal_routes(nothing, PortalPages(**dict.fromkeys(PortalPages.__dataclass_fields__, nothing)))
    known_routes = [AnyRoute("monitor", METRICS_PATH)]
    for surface, routes in (("gateway", gateway), ("inbox", inbox), ("portal", portal)):
        known_routes += [AnyRoute(surface, _path_of(route)) for route in routes]
    return known_routes


def _path_of(route: BaseRoute) -> str:
    assert isinstance(route, Route), "a mount has its own answer for unknown paths"
    return route.path


CALLS: dict[str, CallReference] = {call.path: call for call in reference()}
