"""The load client: one process, one thread, one request in flight on each connection.

The server shares its cores with the client, so the client must be light: requests are prepared bytes, and of an answer
only the length and the first bytes are checked. `python -m bench.load_client` reads a Plan from its standard input and
writes an Outcome to its standard output; `load.run` starts it.
"""

import re
import selectors
import socket
import sys
import time
from array import array
from collections import deque
from contextlib import ExitStack
from math import inf

import msgspec

NUMBER = b"NNNNNNNN"
"""In the requests of a numbered plan, this becomes the number of the call, with as many digits."""
_CONTENT_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)
_CHUNK = 1 << 16
_SILENCE_SECONDS = 60


class LoadError(Exception):
    """The load was interrupted."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """The calls to send. They are sent in turn and repeatedly from number `start`, for `warm_up` seconds that are not
    measured and `seconds` that are. With `seconds` None, each is sent once and the answers are kept.

    A call is one request, or several in a row on one connection: as many as `expect` has texts. An answer is an error
    if its body does not start with the text of its request.

    With `rate`, in calls per second, each call has a fixed time at which it is due, however late earlier answers are.
    Its latency counts from then, also while it waits for a connection. Without `rate`, a connection sends its next call
    when it has the answer to the last one.
    """

    host: str
    port: int
    requests: list[bytes]
    connections: int
    expect: tuple[bytes, ...]
    start: int = 0
    warm_up: float = 0.0
    seconds: float | None = None
    rate: float | None = None
    numbered: bool = False


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a plan. `sent` counts all calls, `counted` those within the measured `seconds`: with a rate, the
    calls that were due then; without one, a call that was in flight partly outside counts by its share inside.

    `busy` is the share of one core that the client used. Near 1, the client was the bottleneck.
    """

    sent: int
    counted: float
    seconds: float
    errors: int
    first_error: bytes
    p50_ms: float
    p99_ms: float
    busy: float
    bodies: list[bytes]


class _Connection:
    """A connection with its call in flight: the call's number, when it was due, its requests answered so far, and the
    received part of the next answer.
    """

    __slots__ = ("answered", "call", "due", "received", "socket")

    def __init__(self, plan: Plan) -> None:
        self.socket = socket.create_connection((plan.host, plan.port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received = b""
        self.call = self.answered = 0
        self.due = 0.0


class Load:
    """One run of a plan."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._requests_per_call = len(plan.expect)
        self._next = plan.start
        self._end = None if plan.seconds is not None else plan.start + len(plan.requests) // len(plan.expect)
        self._free: deque[_Connection] = deque()
        self._in_flight = 0
        self._start = self._count_from = self._count_until = 0.0
        self._counted = 0.0
        self._latencies = array("d")
        self._errors = 0
        self._first_error = b""
        self._bodies: dict[int, bytes] = {}

    def run(self) -> Outcome:
        """Send all calls and return what came of them. Raises LoadError or OSError."""
        plan = self._plan
        with ExitStack() as stack:
            # epoll rounds its time-out up to a millisecond, which would make calls with fixed times late.
            kind = selectors.DefaultSelector if plan.rate is None else selectors.SelectSelector
            selector = stack.enter_context(kind())
            for _ in range(plan.connections):
                connection = _Connection(plan)
                selector.register(stack.enter_context(connection.socket), selectors.EVENT_READ, connection)
                self._free.append(connection)
            return self._send_all(selector)

    def _send_all(self, selector: selectors.BaseSelector) -> Outcome:
        plan = self._plan
        processor_before = time.process_time()
        self._start = time.perf_counter()
        self._count_from = self._start + plan.warm_up
        self._count_until = self._count_from + (1e9 if plan.seconds is None else plan.seconds)
        self._send_due(self._start)
        while self._in_flight or self._due(time.perf_counter()) < inf:
            wait = self._seconds_to_next(time.perf_counter())
            ready = selector.select(wait)
            if not ready and wait == _SILENCE_SECONDS:
                raise LoadError(f"no answer for {_SILENCE_SECONDS} seconds")
            for key, _ in ready:
                self._receive(key.data)
            self._send_due(time.perf_counter())
        elapsed = time.perf_counter() - self._start
        return self._outcome(elapsed, (time.process_time() - processor_before) / elapsed)

    def _due(self, now: float) -> float:
        """Return when the next call is due; never after the last one."""
        rate = self._plan.rate
        due = now if rate is None else self._start + (self._next - self._plan.start) / rate
        return inf if self._next == self._end or due >= self._count_until else due

    def _seconds_to_next(self, now: float) -> float:
        return max(0.0, min(_SILENCE_SECONDS, self._due(now) - now)) if self._free else _SILENCE_SECONDS

    def _send_due(self, now: float) -> None:
        while self._free and (due := self._due(now)) <= now:
            connection = self._free.popleft()
            connection.call, connection.answered, connection.due = self._next, 0, due
            self._next += 1
            self._in_flight += 1
            self._send(connection)

    def _send(self, connection: _Connection) -> None:
        number = connection.call * self._requests_per_call + connection.answered
        request = self._plan.requests[number % len(self._plan.requests)]
        if self._plan.numbered:
            request = request.replace(NUMBER, b"%0*d" % (len(NUMBER), connection.call))
        connection.socket.sendall(request)

    def _receive(self, connection: _Connection) -> None:
        chunk = connection.socket.recv(_CHUNK)
        if not chunk:
            raise LoadError("the server closed a connection")
        received = connection.received + chunk if connection.received else chunk
        start = received.find(b"\r\n\r\n") + 4
        length = _CONTENT_LENGTH.search(received) if start > 3 else None
        if length is None or len(received) < start + int(length[1]):
            connection.received = received
            return
        connection.received = b""
        if not received.startswith(self._plan.expect[connection.answered], start):
            self._errors += 1
            self._first_error = self._first_error or received
        if self._end is not None:
            self._bodies[connection.call * self._requests_per_call + connection.answered] = received[start:]
        connection.answered += 1
        if connection.answered < self._requests_per_call:
            self._send(connection)
        else:
            self._finish(connection, time.perf_counter())

    def _finish(self, connection: _Connection, now: float) -> None:
        share = self._share_measured(connection.due, now)
        if share > 0:
            self._counted += share
            self._latencies.append(now - connection.due)
        self._in_flight -= 1
        self._free.append(connection)
        self._send_due(now)

    def _share_measured(self, due: float, end: float) -> float:
        """Return the share of a call that lies within the measured time."""
        if self._plan.rate is not None:
            return float(due >= self._count_from)  # no call is due after the measured time
        return (min(end, self._count_until) - max(due, self._count_from)) / (end - due)

    def _outcome(self, elapsed: float, busy: float) -> Outcome:
        ordered = sorted(self._latencies)
        return Outcome(
            sent=self._next - self._plan.start,
            counted=self._counted,
            seconds=elapsed if self._plan.seconds is None else self._plan.seconds,
            errors=self._errors,
            first_error=self._first_error,
            p50_ms=_percentile(ordered, 0.50),
            p99_ms=_percentile(ordered, 0.99),
            busy=busy,
            bodies=[body for _, body in sorted(self._bodies.items())],
        )


def _percentile(ordered: list[float], share: float) -> float:
    return ordered[int(share * (len(ordered) - 1))] * 1000 if ordered else 0.0


def main() -> None:
    """Run the plan from standard input and write the outcome to standard output."""
    plan = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Plan)
    try:
        outcome = Load(plan).run()
    except (LoadError, OSError) as error:
        sys.exit(f"load client: {error}")
    sys.stdout.buffer.write(msgspec.msgpack.encode(outcome))


if __name__ == "__main__":
    main()
