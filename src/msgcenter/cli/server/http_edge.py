"""What the connections of a server process share: their limits, and the answers that no application gives."""

import time
from dataclasses import dataclass, field

import structlog

from msgcenter.domain.language import Language, Phrase, language_of
from msgcenter.domain.refusal import Reason, Refusal, malformed
from msgcenter.gateway.wire import envelope
from msgcenter.settings import PREFIX
from msgcenter.web.request_id import choose_request_id

HEAD_LIMIT = 32 << 10
"""Bytes of a request line and its header fields together."""
FIELD_LIMIT = 100
"""Header fields of a request."""
FRAMING_LIMIT = 32 << 10
"""Bytes of a body in chunks that are neither content nor the plain size lines: chunk extensions and trailers."""
PIPELINE_LIMIT = 100
"""Requests that may wait on one connection for the answer to an earlier one."""
PARTING_LIMIT = 64
"""Connections beyond the limit that may be open for a moment, so that their clients can read why."""

_log = structlog.get_logger(__name__)
_REPORT_SECONDS = 60
_STATUS_LINES = {
    400: b"HTTP/1.1 400 Bad Request",
    408: b"HTTP/1.1 408 Request Timeout",
    431: b"HTTP/1.1 431 Request Header Fields Too Large",
    503: b"HTTP/1.1 503 Service Unavailable",
}


@dataclass(frozen=True)
class EdgeRefusal:
    """Why no application gets to see a request: it is answered with `status`, and its connection ends."""

    status: int
    refusal: Refusal

    def answer(self, headers: list[tuple[bytes, bytes]], common: list[tuple[bytes, bytes]]) -> bytes:
        """Return the bytes of the answer. `headers` are those of the request, `common` those that all answers have."""
        told = dict(headers)
        body = envelope.failure(_language(told), self.refusal)
        fields = [
            *common,
            (b"content-type", b"application/json; charset=utf-8"),
            (b"content-length", b"%d" % len(body)),
            (b"x-request-id", choose_request_id(told.get(b"x-request-id"))),
            (b"x-content-type-options", b"nosniff"),
            (b"connection", b"close"),
            *([(b"retry-after", b"1")] if self.status == 503 else []),
        ]
        return b"\r\n".join([_STATUS_LINES[self.status], *(b"%b: %b" % field for field in fields), b"", body])


def _language(headers: dict[bytes, bytes]) -> Language:
    return language_of(headers.get(b"accept-language", b"").decode("latin-1"))


def bad_request(name: str, zh: str, en: str) -> EdgeRefusal:
    """Return the 400 for the part `name` of a request; `zh` and `en` say what it takes."""
    return EdgeRefusal(400, malformed(name, zh, en))


def too_much(status: int, name: str, zh: str, en: str) -> EdgeRefusal:
    """Return the refusal of more than may be in the part `name` of a request; `zh` and `en` say how much may."""
    return EdgeRefusal(status, Refusal(Reason.TOO_MANY_ITEMS, field=name, rule=Phrase(zh, en)))


def too_slow(name: str, zh: str, en: str) -> EdgeRefusal:
    """Return the 408 for the part `name` of a request; `zh` and `en` say how soon it has to come."""
    return EdgeRefusal(408, malformed(name, zh, en))


NO_HTTP = bad_request("request", "不是有效的HTTP/1.1请求", "not a valid HTTP/1.1 request")
WRONG_VERSION = bad_request("version", "须为HTTP/1.1或HTTP/1.0", "must be HTTP/1.1 or HTTP/1.0")
WRONG_METHOD = bad_request("method", "不支持CONNECT", "CONNECT is not supported")
WRONG_ENCODING = bad_request("Transfer-Encoding", "须为chunked,且仅用于HTTP/1.1", "must be chunked, in HTTP/1.1 only")
NO_HOST = bad_request("Host", "HTTP/1.1请求须有此请求头", "a request in HTTP/1.1 must have this header")
TWO_HOSTS = bad_request("Host", "只能出现一次", "must be there only once")
WRONG_HOST = bad_request("Host", "须为主机名或主机名:端口", "must be a host, or host:port")
HEAD_TOO_LARGE = too_much(
    431,
    "headers",
    f"请求行与请求头合计最大{HEAD_LIMIT >> 10} KiB,最多{FIELD_LIMIT}个请求头",
    f"request line and header fields take at most {HEAD_LIMIT >> 10} KiB, in {FIELD_LIMIT} fields",
)
FRAMING_TOO_LARGE = too_much(
    400,
    "body",
    f"分块扩展与尾部字段合计最大{FRAMING_LIMIT >> 10} KiB",
    f"chunk extensions and trailers take at most {FRAMING_LIMIT >> 10} KiB",
)
TOO_MANY_REQUESTS_AHEAD = too_much(
    400,
    "requests",
    f"同一连接上最多{PIPELINE_LIMIT}个请求等待应答",
    f"at most {PIPELINE_LIMIT} requests may wait for answers on one connection",
)
TOO_MANY_CONNECTIONS = EdgeRefusal(503, Refusal(Reason.TOO_MANY_CONNECTIONS))


@dataclass
class Edge:
    """The limits of a server process's connections, in seconds and numbers, and what it has made of them so far."""

    header_timeout: float
    body_timeout: float
    connection_limit: int
    parting: int = 0
    _turned_away: int = field(default=0, repr=False)
    _told_at: float | None = field(default=None, repr=False)

    def late_header(self) -> EdgeRefusal:
        """Return the refusal of a header that has not come in time."""
        seconds = f"{self.header_timeout:g}"
        return too_slow("headers", f"请求头须在{seconds}秒内发完", f"must be complete within {seconds} seconds")

    def late_body(self) -> EdgeRefusal:
        """Return the refusal of a body of which nothing has come for too long."""
        seconds = f"{self.body_timeout:g}"
        return too_slow("body", f"已有{seconds}秒未收到数据", f"nothing of it has come for {seconds} seconds")

    def turned_away(self) -> None:
        """Take note of a connection over the limit; the log tells of them once a minute."""
        self._turned_away += 1
        now = time.monotonic()
        if self._told_at is None or now - self._told_at >= _REPORT_SECONDS:
            _log.warning(
                "all connections are in use, new ones are turned away",
                limit=self.connection_limit,
                turned_away=self._turned_away,
                remedy=f"raise {PREFIX}CONNECTION_LIMIT and ulimit -n, or look who holds them",
            )
            self._turned_away, self._told_at = 0, now
