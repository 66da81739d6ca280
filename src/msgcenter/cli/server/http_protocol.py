"""HTTP/1.1 connections with bounds on size and time, strict where leniency allows request smuggling."""

import asyncio
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
    CLOSING_LIMIT,
    FRAMING_LIMIT,
    HEAD_LIMIT,
    PIPELINE_LIMIT,
    Edge,
    EdgeRefusal,
)
from msgcenter.cli.server.http_head import RefusedRequestError, check_head
from msgcenter.cli.server.joined_writes import JoinedWrites

_log = structlog.get_logger(__name__)
_PIECE = 32 << 10
"""Maximum bytes per call of the parser, so that a flood is noticed before all of it is parsed."""
_SIZE_LINE = 16
"""Bytes allowed per chunk besides its content: its size and two line breaks."""
_DISCARD_LIMIT = 8 << 20
"""Maximum bytes that are discarded after an answer that was sent before the whole request arrived. For a request that
may be longer, such an answer ends its connection."""
_CLOSING_SECONDS = 5.0


class _Phase(Enum):
    """What a connection is waiting for."""

    REQUEST = auto()
    HEAD = auto()
    BODY = auto()


# Module constants, because access to an enum member costs a lookup and these are read with every request.
_REQUEST, _HEAD, _BODY = _Phase


class Http11Protocol(HttpToolsProtocol):
    """One connection. Decides what uvicorn and httptools leave open:

    - A head over `HEAD_LIMIT` bytes or `FIELD_LIMIT` fields is answered 431, other malformed requests 400, each with an
      envelope; then the connection is closed. Answers to earlier requests on it are sent first.
    - An answer that is sent before the end of a long request says that the connection is closed. Otherwise the client
      could send its next request on a connection that ends once too much has been discarded.
    - A head must be complete within a time limit, a body must make progress, and an answer must be read.
    - Connections over the limit of the process are answered 503.
    - Trailers never become headers of their request.
    - An offer to upgrade to another protocol is ignored: the request is answered as HTTP/1.1 (RFC 9110, 7.8). Java's
      HttpClient offers h2c with the first request on a connection without TLS. httptools treats any offer as the end
      of HTTP and drops the body, so the head is parsed again without the offer.
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
        self._phase = _HEAD
        self._since = self.loop.time()  # the start of the head, or the latest progress of the body
        self._piece = 0  # bytes of the piece that is being parsed
        self._received = 0  # upper bound of the bytes since the head began
        self._earlier = 0  # bytes of these that may belong to the previous request
        self._framing = 0  # bytes of chunk extensions and trailers, minus the allowance per chunk
        self._fields: list[tuple[bytes, bytes]] = []  # headers of the newest request
        self._is_upgrade = False
        self._is_refused = False
        self._final_answer: bytes | None = None  # a refusal that waits for earlier answers
        self._discarded = 0
        self._closes_if_early = False  # the newest request gets `connection: close` if it is answered before its end
        self._is_rejected = False
        self._write_blocked_since: float | None = None
        self._timer: TimerHandle | None = None

    # --- The connection ---------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the timer, or reject the connection if there are too many."""
        super().connection_made(transport)
        self.transport = JoinedWrites(transport, self.loop, self._linger)
        self._since = self.loop.time()
        if len(self.connections) > self._edge.connection_limit:
            self._reject()
        else:
            self._timer = self.loop.call_later(self._interval, self._check_time)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the timer."""
        super().connection_lost(exc)
        if self._timer is not None:
            self._timer.cancel()
        if self._is_rejected:
            self._is_rejected = False
            self._edge.closing -= 1

    def pause_writing(self) -> None:
        """Record when the client stopped reading its answer."""
        super().pause_writing()
        self._write_blocked_since = self.loop.time()

    def resume_writing(self) -> None:
        """Record that the client reads again."""
        super().resume_writing()
        self._write_blocked_since = None

    # --- Bytes ------------------------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        """Process received bytes in pieces."""
        if len(data) <= _PIECE:
            self._receive(data)
            return
        view = memoryview(data)
        for start in range(0, len(data), _PIECE):
            self._receive(view[start : start + _PIECE])

    def _receive(self, data: bytes | memoryview) -> None:
        self._piece = len(data)
        if self._is_refused:
            self._discard()
            return
        if self._phase is _REQUEST:
            self._begin_head(earlier=0)
        if self._phase is _HEAD:
            self._received += self._piece
        else:
            self._framing += self._piece
            if self.cycle.response_complete:
                self._discard()
        self._unset_keepalive_if_required()
        self._feed(data)
        if self._phase is _HEAD:
            if self._received - self._earlier > HEAD_LIMIT:
                self._refuse(http_edge.HEAD_TOO_LARGE)
            return
        if self._phase is _BODY and not self._closes_if_early:
            self._close_if_early()
        if self._framing > FRAMING_LIMIT:
            self._refuse(http_edge.FRAMING_TOO_LARGE)
        elif self._framing < 0:
            self._framing = 0

    def _feed(self, data: bytes | memoryview) -> None:
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._decline_upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserError as error:
            cause = error.__context__
            self._refuse(cause.refusal if isinstance(cause, RefusedRequestError) else http_edge.NO_HTTP)

    def _decline_upgrade(self, rest: bytes | memoryview) -> None:
        """Parse the head again without its upgrade offer, and continue with the bytes after it."""
        lines = [b"%b %b HTTP/%b" % (self.parser.get_method(), self.url, self.parser.get_http_version().encode())]
        lines += [b"%b: %b" % (name, value) for name, value in self.headers if name != b"upgrade"]
        self._is_upgrade = False
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn does
        self._feed(b"\r\n".join([*lines, b"", b""]))
        if rest and not self._is_refused:
            self._feed(rest)

    def _close_if_early(self) -> None:
        """Let an answer to the request that has begun end the connection, unless the rest of it is surely short."""
        if self.cycle.keep_alive and not self.cycle.response_started and not self._is_short():
            self._closes_if_early = True
            self.cycle.keep_alive = False

    def _is_short(self) -> bool:
        length = next((value for name, value in self._fields if name == b"content-length"), None)
        return length is not None and int(length) <= _DISCARD_LIMIT

    def _discard(self) -> None:
        self._discarded += self._piece
        if self._discarded > _DISCARD_LIMIT:
            self.transport.abort()

    # --- Callbacks of the parser ------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """Start a request."""
        super().on_message_begin()
        self._fields = self.headers
        if self._phase is not _HEAD:  # it follows another request in the same piece
            self._unset_keepalive_if_required()
            self._begin_head(earlier=self._piece)

    def _begin_head(self, *, earlier: int) -> None:
        self._phase = _HEAD
        self._since = self.loop.time()
        self._received = self._earlier = earlier

    def on_headers_complete(self) -> None:
        """Check the head and pass the request to the application."""
        check_head(self.url, self.headers, self.parser.get_http_version(), received=self._received)
        if self.parser.should_upgrade():
            if self.parser.get_method() == b"CONNECT":
                raise RefusedRequestError(http_edge.WRONG_METHOD)
            self._is_upgrade = True
            return
        if len(self.pipeline) >= PIPELINE_LIMIT:
            raise RefusedRequestError(http_edge.TOO_MANY_REQUESTS_AHEAD)
        super().on_headers_complete()
        self.headers = []  # collects trailers; the application keeps the other list
        self._phase = _BODY
        self._framing = self._discarded = 0
        self._closes_if_early = False

    def on_body(self, body: bytes) -> None:
        """Pass a part of the body to the application."""
        self._framing -= len(body) + _SIZE_LINE
        self._since = self.loop.time()
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Tell the application that the request is complete."""
        if self._is_upgrade:
            return
        self._phase = _REQUEST
        if self._closes_if_early and not self.cycle.response_started:
            self.cycle.keep_alive = True
        super().on_message_complete()
        if self.cycle.response_complete and not self._is_refused:  # received data has cancelled the timer of its answer
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    # --- Refusals ---------------------------------------------------------------------------------------------------

    def _refuse(self, refusal: EdgeRefusal) -> None:
        """Answer a request in place of the application, after all earlier answers; then close the connection."""
        if self._is_refused or self.transport.is_closing():
            return
        self._is_refused = True
        _log.debug("request refused", status=refusal.status, reason=refusal.refusal.describe("en"))
        answer = refusal.answer(self._fields, self.server_state.default_headers)
        cycle = self.cycle
        if self._phase is not _BODY:
            is_first = not self.pipeline and getattr(
                cycle, "response_complete", True
            )  # no cycle before the first request
        elif self.pipeline and self.pipeline[0][0] is cycle:
            self.pipeline.popleft()
            is_first = False
        elif cycle.response_started:
            self.transport.close()  # a part of its answer has been sent
            return
        else:
            cycle.disconnected = True  # the application must not continue
            cycle.message_event.set()
            is_first = True
        if is_first:
            self._close_after(answer)
        else:
            self._final_answer = answer

    def on_response_complete(self) -> None:
        """Continue with the next request, or close after a refusal that waited for this answer."""
        is_last = not self.pipeline
        super().on_response_complete()
        if is_last and self._final_answer is not None and not self.transport.is_closing():
            self._unset_keepalive_if_required()
            self._close_after(self._final_answer)

    def _linger(self) -> bool:
        """Return whether the connection closes later, because the rest of an answered request is still to come."""
        if self._is_refused or self._phase is not _BODY or not self.cycle.response_complete:
            return False
        self.flow.resume_reading()
        self._close_after(b"")
        return True

    def shutdown(self) -> None:
        """Close the connection, or let the next answer close it."""
        self._closes_if_early = False
        super().shutdown()

    def _close_after(self, answer: bytes) -> None:
        """Send a final answer, then close after a moment: closing with unread input would reset the connection."""
        self._is_refused = True
        self.transport.write(answer)
        self.transport.write_eof()
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self.loop.call_later(_CLOSING_SECONDS, self.transport.abort)

    def _reject(self) -> None:
        self.connections.discard(self)
        self._edge.count_rejected()
        answer = http_edge.TOO_MANY_CONNECTIONS.answer([], self.server_state.default_headers)
        if self._edge.closing < CLOSING_LIMIT:
            self._is_rejected = True
            self._edge.closing += 1
            self._close_after(answer)
        else:
            self._is_refused = True
            self.transport.write(answer)
            self.transport.close()

    # --- Time -------------------------------------------------------------------------------------------------------

    @property
    def _interval(self) -> float:
        return min(self._edge.header_timeout, self._edge.body_timeout)

    def _check_time(self) -> None:
        """End a connection whose client exceeds a time limit, and schedule the next check."""
        now = self.loop.time()
        if self.transport.is_closing() and self._write_blocked_since is None:
            self._write_blocked_since = now  # it ends once the client has read the rest
        if self._write_blocked_since is not None and now - self._write_blocked_since >= self._edge.body_timeout:
            self.transport.abort()
            return
        seconds_left = self._seconds_left(now)
        delay = min(seconds_left, self._interval) if seconds_left > 0 else self._interval
        self._timer = self.loop.call_later(delay, self._check_time)
        if seconds_left > 0:
            return
        if not self._received:
            self.transport.close()  # the connection was never used: there is no request to answer
        elif self._phase is _HEAD:
            self._refuse(self._edge.late_header())
        else:
            self._refuse(self._edge.late_body())

    def _seconds_left(self, now: float) -> float:
        """Return the seconds that the client has left for the current phase."""
        if self._phase is _REQUEST or self._is_refused or self.transport.is_closing():
            return self._interval
        if self.flow.read_paused:  # the server keeps the client waiting
            self._since = now
        limit = self._edge.header_timeout if self._phase is _HEAD else self._edge.body_timeout
        return self._since + limit - now
