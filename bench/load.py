"""The load client: one process, one thread, one request in flight on each connection.

The server shares its cores with the client, so the client must be light: requests are prepared bytes, and of an answer
only the length and the first bytes are checked. `run` starts the client (`python -m bench.load`) with a Plan on its
standard input and reads an Outcome from its standard output.
"""

import asyncio
import re
import selectors
import socket
import sys
import time
from array import array

import msgspec

_CONTENT_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)
_CHUNK = 1 << 16
_SILENCE_SECONDS = 60


class LoadError(Exception):
    """The load was interrupted."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """The requests to send. They are sent in turn and repeatedly from number `start`, for `warm_up` seconds that are
    not measured and `seconds` that are. With `seconds` None, each is sent once and the answers are kept.

    An answer is an error if its body does not start with `expect`.
    """

    host: str
    port: int
    requests: list[bytes]
    connections: int
    expect: bytes
    start: int = 0
    warm_up: float = 0.0
    seconds: float | None = None


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a plan. `sent` counts all requests, `counted` the answers within the measured `seconds`.

    `busy` is the share of one core that the client used. Near 1, the client was the bottleneck.
    """

    sent: int
    counted: int
    seconds: float
    errors: int
    first_error: bytes
    p50_ms: float
    p99_ms: float
    busy: float
    bodies: list[bytes]


async def run(plan: Plan) -> Outcome:
    """Run a plan in its own process. Raises LoadError."""
    client = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.load"), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    answer, _ = await client.communicate(msgspec.msgpack.encode(plan))
    if client.returncode != 0:
        raise LoadError(f"the load client exited with code {client.returncode}")
    return msgspec.msgpack.decode(answer, type=Outcome)


class _Connection:
    """A connection with the number of its request in flight and the received part of the answer."""

    __slots__ = ("number", "received", "sent_at", "socket")

    def __init__(self, plan: Plan) -> None:
        self.socket = socket.create_connection((plan.host, plan.port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received = b""
        self.number = 0
        self.sent_at = 0.0


class _Load:
    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._requests = plan.requests
        self._next = plan.start
        self._end = None if plan.seconds is not None else plan.start + len(plan.requests)
        self._in_flight = 0
        self._count_from = self._count_until = 0.0
        self._latencies = array("d")
        self._errors = 0
        self._first_error = b""
        self._bodies: dict[int, bytes] = {}

    def run(self) -> Outcome:
        plan = self._plan
        selector = selectors.DefaultSelector()
        connections = [_Connection(plan) for _ in range(plan.connections)]
        for connection in connections:
            selector.register(connection.socket, selectors.EVENT_READ, connection)
        processor_before = time.process_time()
        start = time.perf_counter()
        self._count_from = start + plan.warm_up
        self._count_until = self._count_from + (1e9 if plan.seconds is None else plan.seconds)
        for connection in connections:
            self._send_next(connection, time.perf_counter())
        while self._in_flight:
            ready = selector.select(_SILENCE_SECONDS)
            if not ready:
                raise LoadError(f"no answer for {_SILENCE_SECONDS} seconds")
            for key, _ in ready:
                self._receive(key.data)
        elapsed = time.perf_counter() - start
        return self._outcome(elapsed, (time.process_time() - processor_before) / elapsed)

    def _send_next(self, connection: _Connection, now: float) -> None:
        number = self._next
        if number == self._end or now >= self._count_until:
            return
        self._next = number + 1
        self._in_flight += 1
        connection.number = number
        connection.sent_at = now
        connection.socket.sendall(self._requests[number % len(self._requests)])

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
        self._in_flight -= 1
        now = time.perf_counter()
        if self._count_from <= now < self._count_until:
            self._latencies.append(now - connection.sent_at)
        if not received.startswith(self._plan.expect, start):
            self._errors += 1
            self._first_error = self._first_error or received
        if self._end is not None:
            self._bodies[connection.number] = received[start:]
        self._send_next(connection, now)

    def _outcome(self, elapsed: float, busy: float) -> Outcome:
        ordered = sorted(self._latencies)
        return Outcome(
            sent=self._next - self._plan.start,
            counted=len(ordered),
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
        outcome = _Load(plan).run()
    except (LoadError, OSError) as error:
        sys.exit(f"load client: {error}")
    sys.stdout.buffer.write(msgspec.msgpack.encode(outcome))


if __name__ == "__main__":
    main()
