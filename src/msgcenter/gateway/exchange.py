"""One HTTP request and its answer directly on ASGI: it creates no more objects than a call needs."""

from codecs import BOM_UTF8
from collections.abc import Mapping
from urllib.parse import unquote_plus

from starlette.types import Receive, Scope, Send

from msgcenter.domain.account import App
from msgcenter.domain.language import Language, language_of
from msgcenter.domain.refusal import SUCCESS_CODE
from msgcenter.gateway.wire.dialect import USUAL
from msgcenter.web.base_path import root_of
from msgcenter.web.edge import client_address, read_body
from msgcenter.web.request_id import begin_request

MAX_BODY = 1 << 20
"""Bytes of a request body (docs/protocol.md, "Conventions")."""
_MAX_PARAMETERS = 100
"""Query parameters that are read; later ones are ignored."""
JSON = b"application/json; charset=utf-8"


class Exchange:
    """A request and its answer. `app`, `ret_code` and `status_ids` go into the record for the observers of calls.

    `root` is the server's base path, "" for none. `is_counted` is whether a rate limit has counted the request;
    `spoken` is the client's dialect.
    """

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.root: str = root_of(scope)
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        self._query: bytes = scope["query_string"]
        self._scope = scope
        self._receive = receive
        self._send = send
        self.request_id: bytes = begin_request(self.headers.get(b"x-request-id"))
        self.extra_headers: list[tuple[bytes, bytes]] = []
        self.is_counted = False
        self.app: App | None = None
        self.ret_code = SUCCESS_CODE
        self.status_ids = 0
        self.spoken = USUAL
        self._body: bytes | None = None

    def forget_caller(self) -> list[tuple[bytes, bytes]]:
        """Begin again without an app; return the headers that its limits have added to the answer."""
        headers, self.extra_headers = self.extra_headers, []
        self.app, self.is_counted = None, False
        return headers

    @property
    def language(self) -> Language:
        """The language of the answer's texts."""
        return language_of(self.header(b"accept-language"))

    @property
    def client_address(self) -> str:
        """The caller's network address."""
        return client_address(self._scope)

    def header(self, name: bytes) -> str:
        """Return a request header, "" if it was not sent."""
        return self.headers.get(name, b"").decode("latin-1")

    def query(self, name: str) -> str | None:
        """Return a parameter of the query string, one of its first hundred."""
        for pair in self._query.decode("latin-1").split("&", _MAX_PARAMETERS)[:_MAX_PARAMETERS]:
            key, separator, value = pair.partition("=")
            if key == name and separator:
                return unquote_plus(value)
        return None

    async def body(self, limit: int = MAX_BODY) -> bytes:
        """Return the request body, of at most `limit` bytes. Raises BodyTooLargeError or ClientGoneError."""
        return await read_body(self._receive, limit)

    async def json_body(self) -> bytes:
        """Return the body, as often as it is asked for, without a leading byte order mark.

        RFC 8259 (8.1) lets readers ignore the mark.
        """
        if self._body is None:
            self._body = (await read_body(self._receive, MAX_BODY)).removeprefix(BOM_UTF8)
        return self._body

    async def answer(
        self, body: bytes, status: int = 200, headers: Mapping[bytes, bytes] | None = None, content_type: bytes = JSON
    ) -> None:
        """Send the answer. It must not be cached: some answers contain tokens or secrets."""
        sent = [
            (b"content-type", content_type),
            (b"content-length", b"%d" % len(body)),
            (b"cache-control", b"no-store"),
            (b"x-request-id", self.request_id),
            *self.extra_headers,
        ]
        if headers:
            sent.extend(headers.items())
        await self._send({"type": "http.response.start", "status": status, "headers": sent})
        await self._send({"type": "http.response.body", "body": body if self.method != "HEAD" else b""})
