"""Raw sockets to a running server: bytes and answers are passed unchanged."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import psutil

from tests.conftest import Server

PATIENCE = 30.0
"""How long an answer may take, in seconds."""
MIB = 1 << 20


class Answer(NamedTuple):
    """An HTTP answer. The names of the headers are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def envelope(self) -> dict[str, Any]:
        """Return the body as an envelope. Fails for any other body."""
        body = json.loads(self.body)
        assert isinstance(body, dict), body
        assert set(body) >= {"retCode", "retDesc"}, body
        assert len(body["retDesc"]) <= 100, body
        return body


class RawConnection:
    """A TCP connection to a server."""

    def __init__(self, url: str, patience: float = PATIENCE) -> None:
        address = urlsplit(url)
        assert address.hostname is not None
        self.host = address.netloc
        self.socket = socket.create_connection((address.hostname, address.port or 80), patience)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._unread = b""

    def send(self, data: bytes) -> bool:
        """Send bytes, and return whether the server took them all: False if it has closed the connection."""
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            return False
        return True

    def answer(self, *, to_head: bool = False) -> Answer | None:
        """Read an answer and return it, None if the connection ends before one. `to_head`: the request was HEAD."""
        head = self._read_until(b"\r\n\r\n")
        if head is None:
            return None
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
        if to_head:
            body = b""
        elif headers.get("transfer-encoding") == "chunked":
            body = self._chunks()
        else:
            body = self._read_bytes(int(headers.get("content-length", 0)))
        return Answer(int(first.split()[1]), headers, body)

    def is_ended(self, patience: float = PATIENCE) -> bool:
        """Wait for the server to end the connection and return whether it did. Discards what it sends."""
        deadline = time.monotonic() + patience
        while (left := deadline - time.monotonic()) > 0:
            self.socket.settimeout(left)
            try:
                if not self.socket.recv(1 << 16):
                    return True
            except TimeoutError:
                return False
            except OSError:
                return True
        return False

    def trickle(self, data: bytes, pause: float) -> float:
        """Send byte by byte, with pauses, until the server ends the connection; return the seconds until then.

        Bytes that the server sends meanwhile are kept for `answer`.
        """
        began = time.monotonic()
        self.socket.settimeout(pause)
        for byte in data:
            self.send(bytes([byte]))
            with suppress(TimeoutError):
                if not self._receive():
                    break
        return time.monotonic() - began

    def close(self) -> None:
        """Close the connection."""
        self.socket.close()

    def __enter__(self) -> "RawConnection":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _receive(self) -> bool:
        try:
            data = self.socket.recv(1 << 16)
        except ConnectionResetError:
            return False
        self._unread += data
        return bool(data)

    def _read_until(self, end: bytes) -> bytes | None:
        while end not in self._unread:
            if not self._receive():
                return None
        data, _, self._unread = self._unread.partition(end)
        return data

    def _read_bytes(self, count: int) -> bytes:
        while len(self._unread) < count and self._receive():
            pass
        data, self._unread = self._unread[:count], self._unread[count:]
        return data

    def _chunks(self) -> bytes:
        body = b""
        while size := int(self._read_until(b"\r\n") or b"0", 16):
            body += self._read_bytes(size + 2)[:-2]
        self._read_until(b"\r\n")
        return body


def connect(url: str, patience: float = PATIENCE) -> RawConnection:
    """Return a connection to the server at `url`."""
    return RawConnection(url, patience)


def exchange(url: str, request: bytes) -> Answer | None:
    """Send bytes on a new connection and return the answer, None if there is none."""
    with connect(url) as connection:
        connection.send(request)
        return connection.answer()


def request(method: str, target: str, *headers: str, body: bytes = b"", host: str | None = "msg.example") -> bytes:
    """Return the bytes of a request. `headers` are whole lines. Without `host` there is no Host header."""
    lines = [f"{method} {target} HTTP/1.1", *([] if host is None else [f"Host: {host}"]), *headers]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def assert_serving(server: Server, seconds: float = 2.0) -> None:
    """Assert that a new client gets an answer before the server has used `seconds` of CPU for something else."""
    costs: list[Cost] = []
    with measured(server.process.pid, costs):
        answer = exchange(server.url, request("GET", "/healthz"))
    assert answer is not None, "a new client gets no answer"
    assert answer.status == 200, answer
    assert costs[0].cpu < seconds, f"a new client waits for {costs[0].cpu:.1f} s of CPU"


def wait_until_serving(url: str) -> None:
    """Wait until a new client gets an answer from the server."""
    deadline = time.monotonic() + PATIENCE
    while True:
        answer = exchange(url, request("GET", "/healthz"))
        if answer is not None and answer.status == 200:
            return
        assert time.monotonic() < deadline, f"no new client is served, but gets {answer}"
        time.sleep(0.1)


class Cost(NamedTuple):
    """The cost of an attack for the server: the growth of its memory in bytes, and seconds of CPU."""

    memory: int
    cpu: float


@contextmanager
def measured(pid: int, cost: list[Cost]) -> Iterator[None]:
    """Append to `cost` what the process `pid` needed for the block."""
    process = psutil.Process(pid)
    before, times = process.memory_info().rss, process.cpu_times()
    yield
    after = process.cpu_times()
    cpu = after.user + after.system - times.user - times.system
    cost.append(Cost(max(0, process.memory_info().rss - before), cpu))


def flood(connection: RawConnection, piece: bytes, total: int) -> int:
    """Send `piece` repeatedly, up to `total` bytes, and return how many were taken before the server closed."""
    sent = 0
    with suppress(TimeoutError):
        while sent < total and connection.send(piece):
            sent += len(piece)
    return sent
