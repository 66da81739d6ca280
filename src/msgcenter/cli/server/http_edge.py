"""The limits that all connections of a server process share, and the refusals sent before the application."""

import time
from dataclasses import dataclass, field

import structlog

from msgcenter.domain.language import Language, Phrase, language_of
from msgcenter.domain.refusal import Reason, Refusal, malformed
from msgcenter.gateway.wire import envelope
from msgcenter.settings import PREFIX
from msgcenter.web.request_id import choose_request_id

HEAD_LIMIT = 32 << 10
"""Maximum bytes of a request line and its header fields together."""
FIELD_LIMIT = 100
"""Maximum number of header fields of a request."""
FRAMING_LIMIT = 32 << 10
"""Maximum bytes of chunk extensions and trailers in a chunked body."""
PIPELINE_LIMIT = 100
"""Maximum number of requests that wait for an earlier answer on one connection."""
CLOSING_LIMIT = 64
"""Maximum number of rejected connections that stay open for a moment, so that their clients can read the refusal."""

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
    """A refusal that is sent without the application, with an HTTP status. The connection is closed after it."""

    status: int
    refusal: Refusal

    def answer(self, headers: list[tuple[bytes, bytes]], common: list[tuple[bytes, bytes]]) -> bytes:
        """Return the bytes of the answer. `headers`: of the request. `common`: headers that all answers have."""
        request_headers = dict(headers)
        body = envelope.failure(_language(request_headers), self.refusal)
        fields = [
            *common,
            (b"content-type", b"application/json; charset=utf-8"),
            (b"content-length", b"%d" % len(body)),
            (b"x-request-id", choose_request_id(request_headers.get(b"x-request-id"))),
            (b"x-content-type-options", b"nosniff"),
            (b"connection", b"close"),
            *([(b"retry-after", b"1")] if self.status == 503 else []),
        ]
        return b"\r\n".join([_STATUS_LINES[self.status], *(b"%b: %b" % field for field in fields), b"", body])


def _language(headers: dict[bytes, bytes]) -> Language:
    return language_of(headers.get(b"accept-language", b"").decode("latin-1"))


def bad_request(name: str, zh: str, en: str) -> EdgeRefusal:
    """Return the 400 for the part `name` of a request; `zh` and `en` state the rule."""
    return EdgeRefusal(400, malformed(name, zh, en))


def too_much(status: int, name: str, zh: str, en: str) -> EdgeRefusal:
    """Return the refusal of too much data in the part `name` of a request; `zh` and `en` state the limit."""
    return EdgeRefusal(status, Refusal(Reason.TOO_MANY_ITEMS, field=name, rule=Phrase(zh, en)))


def too_slow(name: str, zh: str, en: str) -> EdgeRefusal:
    """Return the 408 for the part `name` of a request; `zh` and `en` state the time limit."""
    return EdgeRefusal(408, malformed(name, zh, en))


NO_HTTP = bad_request("request", "不是有效的HTTP/1.1请求", "not a valid HTTP/1.1 request")
WRONG_VERSION = bad_request("version", "须为HTTP/1.1或HTTP/1.0", "must be HTTP/1.1 or HTTP/1.0")
WRONG_METHOD = bad_request("method", "不支持CONNECT", "CONNECT is not supported")
WRONG_ENCODING = bad_request(
    "Transfer-Encoding", "须为chunked,且仅用于HTTP/1.1", "must be chunked, and only in HTTP/1.1"
)
NO_HOST = bad_request("Host", "HTTP/1.1请求须有此请求头", "is required in HTTP/1.1")
TWO_HOSTS = bad_request("Host", "只能出现一次", "must appear only once")
WRONG_HOST = bad_request("Host", "须为主机名或主机名:端口", "must be a host or host:port")
HEAD_TOO_LARGE = too_much(
    431,
    "headers",
    f"请求行与请求头合计最大{HEAD_LIMIT >> 10} KiB,最多{FIELD_LIMIT}个请求头",
    f"request line and header fields: at most {HEAD_LIMIT >> 10} KiB and {FIELD_LIMIT} fields",
)
FRAMING_TOO_LARGE = too_much(
    400,
    "body",
    f"分块扩展与尾部字段合计最大{FRAMING_LIMIT >> 10} KiB",
    f"chunk extensions and trailers: at most {FRAMING_LIMIT >> 10} KiB",
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
    """The connection limits of a server process (times in seconds), and its counts of rejected connections."""

    header_timeout: float
    body_timeout: float
    connection_limit: int
    closing: int = 0
    _rejected: int = field(default=0, repr=False)
    _logged_at: float | None = field(default=None, repr=False)

    def late_header(self) -> EdgeRefusal:
        """Return the refusal of a request head that is not complete in time."""
        seconds = f"{self.header_timeout:g}"
        return too_slow("headers", f"请求头须在{seconds}秒内发完", f"must be complete within {seconds} seconds")

    def late_body(self) -> EdgeRefusal:
        """Return the refusal of a body that makes no progress."""
        seconds = f"{self.body_timeout:g}"
        return too_slow("body", f"已有{seconds}秒未收到数据", f"no data received for {seconds} seconds")

    def count_rejected(self) -> None:
        """Count a connection over the limit. They are logged at most once a minute."""
        self._rejected += 1
        now = time.monotonic()
        if self._logged_at is None or now - self._logged_at >= _REPORT_SECONDS:
            _log.warning(
                "all connections are in use, new connections are rejected",
                limit=self.connection_limit,
                rejected=self._rejected,
                remedy=f"raise {PREFIX}CONNECTION_LIMIT and ulimit -n, or find the clients that hold them",
            )
            self._rejected, self._logged_at = 0, now
