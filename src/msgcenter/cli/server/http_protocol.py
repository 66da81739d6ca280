"""HTTP/1.1 as the server speaks it: bounded in size and time, strict where leniency lets requests be smuggled."""

import asyncio
import re
from asyncio.events import TimerHandle
from enum import Enum, auto
from typing import Any

import httptools
import structlog
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from msgcenter.cli.server import http_edge
from msgcenter.cli.server.http_edge import (
    FIELD_LIMIT,
    FRAMING_LIMIT,
    HEAD_LIMIT,
    PARTING_LIMIT,
    PIPELINE_LIMIT,
    Edge,
    EdgeRefusal,
)

_log = structlog.get_logger(__name__)
_PIECE = 32 << 10
"""Bytes that the parser is given at once, so that a flood is noticed before it is all parsed."""
_SIZE_LINE = 16
"""Bytes that a chunk may cost besides its content: its size and two line breaks."""
_DISCARD_LIMIT = 8 << 20
"""Bytes that are thrown away at most after an answer that the client has not waited for."""
_PARTING_SECONDS = 2.0
_HOST = re.compile(rb"[A-Za-z0-9._~!$&'()*+,;=%:\[\]-]*")


class _RefusedError(Exception):
    """Ends the parsing of a request."""

    def __init__(self, why: EdgeRefusal) -> None:
        super().__init__(why)
        self.why = why


class _Awaited(Enum):
    """What a connection waits for."""

    REQUEST = auto()
    HEAD = auto()
    BODY = auto()


# Enum looks its members up with every access, and these are asked for with every request.
_REQUEST, _HEAD, _BODY = _Awaited


class Http11Protocol(HttpToolsProtocol):
    """A connection. What uvicorn and httptools leave open, it decides:

    - A head over `HEAD_LIMIT` bytes or `FIELD_LIMIT` fields is answered 431, whatever else is wrong 400, in an
      envelope; then the connection ends. Answers to earlier requests on it go first.
    - A head has a time to be complete, a body to make progress, and an answer to be taken.
    - Connections over the limit of the process are answered 503.
    - Trailers never become headers of their request.
    - Requests that offer to go on in another protocol are answered as what they are: requests in HTTP/1.1
      (RFC 9110, 7.8). Java's HttpClient offers h2c with every first request on a connection without TLS. httptools
      takes any offer for the end of HTTP and drops the body, so such a head is parsed once more without it.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        edge: Edge,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._edge = edge
        self._awaited = _HEAD
        self._since = self.loop.time()
        self._piece = 0
        self._received = 0  # bytes since the head began, at most
        self._foreign = 0  # bytes of these that may belong to the request before
        self._framing = 0
        self._fields: list[tuple[bytes, bytes]] = []  # of the newest request
        self._is_offer = False
        self._is_refused = False
        self._farewell: bytes | None = None  # the last answer, while earlier ones are on their way
        self._discarded = 0
        self._is_parting = False
        self._stuck_since: float | None = None
        self._watch: TimerHandle | None = None

    # --- The connection ---------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to watch the client, or turn it away if there are too many."""
        super().connection_made(transport)
        self._since = self.loop.time()
        if len(self.connections) > self._edge.connection_limit:
            self._turn_away()
        else:
            self._watch = self.loop.call_later(self._interval, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the client."""
        super().connection_lost(exc)
        if self._watch is not None:
            self._watch.cancel()
        if self._is_parting:
            self._is_parting = False
            self._edge.parting -= 1

    def pause_writing(self) -> None:
        """Take note that the client does not take what it is answered."""
        super().pause_writing()
        self._stuck_since = self.loop.time()

    def resume_writing(self) -> None:
        """Take note that it does again."""
        super().resume_writing()
        self._stuck_since = None

    # --- Bytes ------------------------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        """Take what has come in."""
        if len(data) <= _PIECE:
            self._take(data)
            return
        view = memoryview(data)
        for start in range(0, len(data), _PIECE):
            self._take(view[start : start + _PIECE])

    def _take(self, data: bytes | memoryview) -> None:
        self._piece = len(data)
        if self._is_refused:
            self._discard()
            return
        if self._awaited is _REQUEST:
            self._begin_head(foreign=0)
        if self._awaited is _HEAD:
            self._received += self._piece
        else:
            self._framing += self._piece
            if self.cycle.response_complete:
                self._discard()
        self._unset_keepalive_if_required()
        self._feed(data)
        if self._awaited is _HEAD:
            if self._received - self._foreign > HEAD_LIMIT:
                self._refuse(http_edge.HEAD_TOO_LARGE)
        elif self._framing > FRAMING_LIMIT:
            self._refuse(http_edge.FRAMING_TOO_LARGE)
        elif self._framing < 0:
            self._framing = 0

    def _feed(self, data: bytes | memoryview) -> None:
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as offer:
            self._decline(data[offer.args[0] :])
        except httptools.HttpParserError as error:
            cause = error.__context__
            self._refuse(cause.why if isinstance(cause, _RefusedError) else http_edge.NO_HTTP)

    def _decline(self, rest: bytes | memoryview) -> None:
        """Parse the head of an offer once more without the offer, and go on with what comes after it."""
        lines = [b"%b %b HTTP/%b" % (self.parser.get_method(), self.url, self.parser.get_http_version().encode())]
        lines += [b"%b: %b" % (name, value) for name, value in self.headers if name != b"upgrade"]
        self._is_offer = False
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn does
        self._feed(b"\r\n".join([*lines, b"", b""]))
        if rest and not self._is_refused:
            self._feed(rest)

    def _discard(self) -> None:
        self._discarded += self._piece
        if self._discarded > _DISCARD_LIMIT:
            self.transport.abort()

    # --- What the parser finds --------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        self._fields = self.headers
        if self._awaited is not _HEAD:  # it follows another one in the same piece
            self._begin_head(foreign=self._piece)

    def _begin_head(self, *, foreign: int) -> None:
        self._awaited = _HEAD
        self._since = self.loop.time()
        self._received = self._foreign = foreign

    def on_headers_complete(self) -> None:
        """Hand the request over to the application, unless there is something wrong with it."""
        self._check_head()
        if self.parser.should_upgrade():
            if self.parser.get_method() == b"CONNECT":
                raise _RefusedError(http_edge.WRONG_METHOD)
            self._is_offer = True
            return
        if len(self.pipeline) >= PIPELINE_LIMIT:
            raise _RefusedError(http_edge.TOO_MANY_REQUESTS_AHEAD)
        super().on_headers_complete()
        self.headers = []  # takes the trailers; the application has the other list
        self._awaited = _BODY
        self._framing = self._discarded = 0

    def _check_head(self) -> None:
        if len(self.headers) > FIELD_LIMIT:
            raise _RefusedError(http_edge.HEAD_TOO_LARGE)
        if self._received > HEAD_LIMIT:
            size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
            if size > HEAD_LIMIT:
                raise _RefusedError(http_edge.HEAD_TOO_LARGE)
        names = [name for name, _ in self.headers]
        version = self.parser.get_http_version()
        if version not in {"1.1", "1.0"}:
            raise _RefusedError(http_edge.WRONG_VERSION)
        hosts = names.count(b"host")
        if hosts > 1:
            raise _RefusedError(http_edge.TWO_HOSTS)
        if hosts:
            if not _HOST.fullmatch(self.headers[names.index(b"host")][1]):
                raise _RefusedError(http_edge.WRONG_HOST)
        elif version == "1.1":
            raise _RefusedError(http_edge.NO_HOST)
        if b"transfer-encoding" in names:
            values = [value.lower() for name, value in self.headers if name == b"transfer-encoding"]
            if values != [b"chunked"] or version != "1.1":
                raise _RefusedError(http_edge.WRONG_ENCODING)

    def on_body(self, body: bytes) -> None:
        """Hand over a part of the body."""
        self._framing -= len(body) + _SIZE_LINE
        self._since = self.loop.time()
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Tell the application that the request has come in."""
        if self._is_offer:
            return
        self._awaited = _REQUEST
        super().on_message_complete()

    # --- Refusals ---------------------------------------------------------------------------------------------------

    def _refuse(self, problem: EdgeRefusal) -> None:
        """Answer a request that is not handed over, or no further, once all before it are answered; then part."""
        if self._is_refused or self.transport.is_closing():
            return
        self._is_refused = True
        _log.debug("a request was refused", status=problem.status, why=problem.refusal.describe("en"))
        farewell = problem.answer(self._fields, self.server_state.default_headers)
        cycle = self.cycle
        if self._awaited is not _BODY:
            is_first = not self.pipeline and getattr(cycle, "response_complete", True)  # there is none at first
        elif self.pipeline and self.pipeline[0][0] is cycle:
            self.pipeline.popleft()
            is_first = False
        elif cycle.response_started:
            self.transport.close()  # it has its answer already, or a part of it
            return
        else:
            cycle.disconnected = True  # the application learns that nobody waits for it
            cycle.message_event.set()
            is_first = True
        if is_first:
            self._part(farewell)
        else:
            self._farewell = farewell

    def on_response_complete(self) -> None:
        """Go on with the next request, or part if a refusal is all that is left to say."""
        is_last = not self.pipeline
        super().on_response_complete()
        if is_last and self._farewell is not None and not self.transport.is_closing():
            self._unset_keepalive_if_required()
            self._part(self._farewell)

    def _part(self, answer: bytes) -> None:
        """Send a last answer, and give the client a moment to read it: to close with bytes unread would reset it."""
        self._is_refused = True
        self.transport.write(answer)
        self.transport.write_eof()
        if self._watch is not None:
            self._watch.cancel()
        self._watch = self.loop.call_later(_PARTING_SECONDS, self.transport.abort)

    def _turn_away(self) -> None:
        self.connections.discard(self)
        self._edge.turned_away()
        answer = http_edge.TOO_MANY_CONNECTIONS.answer([], self.server_state.default_headers)
        if self._edge.parting < PARTING_LIMIT:
            self._is_parting = True
            self._edge.parting += 1
            self._part(answer)
        else:
            self._is_refused = True
            self.transport.write(answer)
            self.transport.close()

    # --- Time -------------------------------------------------------------------------------------------------------

    @property
    def _interval(self) -> float:
        return min(self._edge.header_timeout, self._edge.body_timeout)

    def _look(self) -> None:
        """End a connection whose client has kept us waiting for too long; else look again when it may have."""
        now = self.loop.time()
        if self.transport.is_closing() and self._stuck_since is None:
            self._stuck_since = now  # it ends once the client has taken what is left
        if self._stuck_since is not None and now - self._stuck_since >= self._edge.body_timeout:
            self.transport.abort()
            return
        left = self._left(now)
        again = min(left, self._interval) if left > 0 else self._interval
        self._watch = self.loop.call_later(again, self._look)
        if left > 0:
            return
        if not self._received:
            self.transport.close()  # a connection that was never used: there is nothing to answer
        elif self._awaited is _HEAD:
            self._refuse(self._edge.late_header())
        else:
            self._refuse(self._edge.late_body())

    def _left(self, now: float) -> float:
        """Return how many seconds the client has left for what is awaited from it."""
        if self._awaited is _REQUEST or self._is_refused or self.transport.is_closing():
            return self._interval
        if self.flow.read_paused:  # it is us who keep the client waiting
            self._since = now
        of_all = self._edge.header_timeout if self._awaited is _HEAD else self._edge.body_timeout
        return self._since + of_all - now
