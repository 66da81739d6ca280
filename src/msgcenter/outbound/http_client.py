"""HTTP requests to hosts that others have named: limited in time and size, to allowed addresses, without redirects."""

import asyncio
import ssl
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from types import TracebackType
from typing import NamedTuple, Self

import httpcore

from msgcenter import __version__
from msgcenter.outbound.guarded_network import GuardedNetwork
from msgcenter.outbound.network import Network

_KEPT_CONNECTIONS = 20
_KEPT_SECONDS = 30.0
_MAX_RETRY_AFTER = 10**9
_USER_AGENT = f"MsgCenter/{__version__}"
_MAX_REASON = 200

Header = tuple[str, str]


class NoAnswerError(Exception):
    """There was no answer. The text is one line of at most 200 characters, without the URL."""


class Answer(NamedTuple):
    """An answer of any status. The names of `headers` are in lower case; `body` is its start."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8", "replace")

    @property
    def retry_after(self) -> int:
        """The pause that the host asks for (Retry-After as seconds or a date) in ms, 0 if it names none."""
        return _retry_after(self.headers.get("retry-after", ""))


class HttpClient:
    """Sends requests. Use as an async context manager. No proxy of the environment, no redirects, no cookies."""

    def __init__(self, network: Network, *, timeout: float, answer_bytes: int) -> None:
        """`timeout` is in seconds, for a whole request with its answer; of a body, `answer_bytes` are read at most."""
        self._timeout = timeout
        self._answer_bytes = answer_bytes
        self._pools = {
            scheme: httpcore.AsyncConnectionPool(
                ssl_context=_tls_context() if encrypted else None,
                max_connections=None,
                max_keepalive_connections=_KEPT_CONNECTIONS,
                keepalive_expiry=_KEPT_SECONDS,
                network_backend=GuardedNetwork(network.resolve, network.rules, encrypted=encrypted),
            )
            for scheme, encrypted in (("https", True), ("http", False))
        }

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for pool in self._pools.values():
            await pool.aclose()

    async def post(self, url: str, headers: Sequence[Header], body: bytes) -> Answer:
        """Post a body; see `request`."""
        return await self.request("POST", url, headers, body)

    async def request(self, method: str, url: str, headers: Sequence[Header], body: bytes = b"") -> Answer:
        """Send a request to an http or https URL in ASCII, and return its answer.

        Host, Content-Length, User-Agent and Accept are added. Raises NoAnswerError and ForbiddenAddressError.
        """
        try:
            async with asyncio.timeout(self._timeout):
                return await self._request(method, url, headers, body)
        except TimeoutError:
            raise NoAnswerError(f"no answer within {self._timeout:g} seconds") from None
        except httpcore.TimeoutException:
            raise NoAnswerError("time-out") from None
        except (httpcore.NetworkError, httpcore.ProtocolError, OSError, ValueError) as error:
            kind = _KINDS.get(type(error), "no connection")
            raise NoAnswerError(f"{kind}: {error}"[:_MAX_REASON] if str(error) else "no connection") from None

    async def _request(self, method: str, url: str, headers: Sequence[Header], body: bytes) -> Answer:
        all_headers = [
            ("Host", host_header(url)),
            ("Content-Length", str(len(body))),
            ("User-Agent", _USER_AGENT),
            ("Accept", "*/*"),
            *headers,
        ]
        pool = self._pools[url.partition(":")[0].lower()]
        async with pool.stream(method, url, headers=all_headers, content=body) as response:
            start = await self._read_start(response)
        names = {name.lower().decode("latin-1"): value.decode("latin-1") for name, value in response.headers}
        return Answer(response.status, names, start)

    async def _read_start(self, response: httpcore.Response) -> bytes:
        body = b""
        async for chunk in response.aiter_stream():
            body += chunk
            if len(body) >= self._answer_bytes:
                break
        return body[: self._answer_bytes]


@cache
def _tls_context() -> ssl.SSLContext:
    """Return the context of all clients. Reading the certificates takes tens of milliseconds."""
    return ssl.create_default_context()


_KINDS: dict[type[BaseException], str] = {
    httpcore.RemoteProtocolError: "the answer is not HTTP",
    httpcore.LocalProtocolError: "the request cannot be sent",
    httpcore.ReadError: "the connection broke off",
    httpcore.WriteError: "the connection broke off",
}


def host_header(url: str) -> str:
    """Return the value of the header Host for a URL."""
    parsed = httpcore.URL(url)
    host = parsed.host.decode()
    host = f"[{host}]" if ":" in host else host
    return host if parsed.port is None else f"{host}:{parsed.port}"


def _retry_after(header: str) -> int:
    text = header.strip()
    if text.isascii() and text.isdigit():
        return min(int(text[:10]) * 1_000, _MAX_RETRY_AFTER)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return 0
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max(0, int((moment - datetime.now(UTC)).total_seconds() * 1_000)), _MAX_RETRY_AFTER)
