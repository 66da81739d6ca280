"""One POST to a webhook: signed, limited in time and size, with the outcome of its answer."""

import asyncio
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Self

import httpcore

from msgcenter import __version__
from msgcenter.domain.message_id import now_ms
from msgcenter.domain.network import AddressRules, ForbiddenAddressError
from msgcenter.domain.webhook import signature_header
from msgcenter.domain.webhook_schedule import Outcome, outcome_of
from msgcenter.outbound.guarded_network import GuardedNetwork, Resolve

_RESPONSE_BYTES = 4_096
"""Maximum bytes of a response that are read."""
_KEPT_CONNECTIONS = 20
_KEPT_SECONDS = 30.0
_MAX_RETRY_AFTER = 10**9
_USER_AGENT = f"MsgCenter/{__version__}"


class Poster:
    """Posts to webhooks. Use as an async context manager. No proxy of the environment, no redirects, no cookies."""

    def __init__(self, resolve: Resolve, rules: AddressRules, *, timeout: float) -> None:
        self._timeout = timeout
        self._pools = {
            scheme: httpcore.AsyncConnectionPool(
                ssl_context=ssl.create_default_context() if encrypted else None,
                max_connections=None,
                max_keepalive_connections=_KEPT_CONNECTIONS,
                keepalive_expiry=_KEPT_SECONDS,
                network_backend=GuardedNetwork(resolve, rules, encrypted=encrypted),
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

    async def post(self, url: str, delivery_id: str, body: bytes, secrets: Sequence[str]) -> Outcome:
        """Post a delivery, signed with each of the secrets, and return its outcome. Raises nothing."""
        try:
            async with asyncio.timeout(self._timeout):
                return await self._post(url, delivery_id, body, secrets)
        except TimeoutError:
            return _failing(f"no answer within {self._timeout:g} seconds")
        except ForbiddenAddressError as error:
            return _failing(str(error))
        except httpcore.TimeoutException:
            return _failing("time-out")
        except (httpcore.NetworkError, httpcore.ProtocolError, OSError, ValueError) as error:
            return _failing(f"{_KINDS.get(type(error), 'no connection')}: {error}" if str(error) else "no connection")

    async def _post(self, url: str, delivery_id: str, body: bytes, secrets: Sequence[str]) -> Outcome:
        timestamp = now_ms() // 1_000
        headers = [
            ("Host", _host_header(url)),
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(body))),
            ("User-Agent", _USER_AGENT),
            ("Accept", "*/*"),
            ("webhook-id", delivery_id),
            ("webhook-timestamp", str(timestamp)),
            ("webhook-signature", signature_header(secrets, delivery_id, timestamp, body)),
        ]
        pool = self._pools[url.partition(":")[0].lower()]
        async with pool.stream("POST", url, headers=headers, content=body) as response:
            response_text = await _read_start(response)
        response_headers = {name.lower(): value for name, value in response.headers}
        retry_after = _retry_after(response_headers.get(b"retry-after", b""))
        return outcome_of(response.status, response_text, retry_after)


_KINDS: dict[type[BaseException], str] = {
    httpcore.RemoteProtocolError: "the answer is not HTTP",
    httpcore.LocalProtocolError: "the request cannot be sent",
    httpcore.ReadError: "the connection broke off",
    httpcore.WriteError: "the connection broke off",
}


def _failing(error: str) -> Outcome:
    return Outcome("failing", error=error[:200])


def _host_header(url: str) -> str:
    parsed = httpcore.URL(url)
    host = parsed.host.decode()
    host = f"[{host}]" if ":" in host else host
    return host if parsed.port is None else f"{host}:{parsed.port}"


async def _read_start(response: httpcore.Response) -> str:
    body = b""
    async for chunk in response.aiter_stream():
        body += chunk
        if len(body) >= _RESPONSE_BYTES:
            break
    return body[:_RESPONSE_BYTES].decode("utf-8", "replace")


def _retry_after(header: bytes) -> int:
    """Return the ms of a Retry-After header (seconds or a date), 0 if it is missing or invalid."""
    text = header.decode("latin-1").strip()
    if text.isascii() and text.isdigit():
        return min(int(text[:10]) * 1_000, _MAX_RETRY_AFTER)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return 0
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max(0, int((moment - datetime.now(UTC)).total_seconds() * 1_000)), _MAX_RETRY_AFTER)
