"""One call of the inbox API directly on ASGI: it creates no more objects than the call needs."""

from collections.abc import Mapping
from functools import cached_property
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.types import Receive, Scope

from msgcenter.inbox import problems
from msgcenter.inbox.problems import ProblemError
from msgcenter.web import edge
from msgcenter.web.edge import BodyTooLargeError

_MAX_BODY = 64 << 10


class Call:
    """A request. `headers` has the first header of each name; `request` is Starlette's view of the same request."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self.scope = scope
        self.method: str = scope["method"]
        self.headers: dict[bytes, bytes] = dict(reversed(scope["headers"]))
        self._receive = receive

    def header(self, name: bytes) -> str:
        """Return a header, "" if it was not sent."""
        return self.headers.get(name, b"").decode("latin-1")

    @cached_property
    def pairs(self) -> list[tuple[str, str]]:
        """The parameters of the query string, in order."""
        return _pairs_of(self.scope["query_string"])

    @cached_property
    def query(self) -> Mapping[str, str]:
        """The parameters of the query string, as `parameters_of` returns them."""
        return parameters_of(self.scope["query_string"])

    @cached_property
    def request(self) -> Request:
        """The request for functions that every surface shares."""
        return Request(self.scope, self._receive)

    @property
    def route(self) -> str:
        """The route, for logs. Unlike the path, it contains no message id."""
        return str(getattr(self.scope.get("route"), "path", self.scope["path"]))

    async def body(self) -> bytes:
        """Return the body. Raises the problem TOO_LARGE over 64 KiB."""
        try:
            return await edge.read_body(self._receive, _MAX_BODY)
        except BodyTooLargeError:
            raise ProblemError(problems.TOO_LARGE) from None


def parameters_of(query_string: bytes) -> Mapping[str, str]:
    """Return the parameters of a query string; of several with one name, the last."""
    return dict(_pairs_of(query_string))


def _pairs_of(query_string: bytes) -> list[tuple[str, str]]:
    return parse_qsl(query_string.decode("latin-1"), keep_blank_values=True)
