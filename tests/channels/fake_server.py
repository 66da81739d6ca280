"""A real HTTP server in the place of a gateway: it records each request and answers as a test says."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Call:
    """A received request. The names of `headers` are in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        """The path without the query."""
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        """The parameters of the URL."""
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))

    @property
    def json(self) -> Any:
        """The body, which is JSON."""
        return json.loads(self.body)


def exact(content: object) -> bytes:
    """Return JSON as it must be sent: without white space, in UTF-8."""
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


Reply = tuple[int, Mapping[str, str], bytes]


def reply(content: object, status: int = 200, **headers: str) -> Reply:
    """Return an answer with JSON. An underscore in a header's name is a hyphen."""
    return status, {name.replace("_", "-"): value for name, value in headers.items()}, json.dumps(content).encode()


@dataclass
class FakeServer:
    """A server at `url`. `answer` returns the answer to a call."""

    url: str = ""
    calls: list[Call] = field(default_factory=list)
    answer: Callable[[Call], Reply] = lambda _: reply({})

    @property
    def host(self) -> str:
        """The header Host of requests to it."""
        return self.url.removeprefix("http://")

    def paths(self) -> list[str]:
        """Return the paths of the calls so far."""
        return [call.path for call in self.calls]


@contextmanager
def serving() -> Iterator[FakeServer]:
    """Run a server until the end of the block."""
    fake = FakeServer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def respond(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", "0")))
            headers = {name.lower(): value for name, value in self.headers.items()}
            call = Call(self.command, self.path, headers, body)
            fake.calls.append(call)
            status, reply_headers, content = fake.answer(call)
            self.send_response(status)
            for name, value in reply_headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = respond  # noqa: N815 - names of the base class

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            pass  # a client that did not wait

    server = Server(("127.0.0.1", 0), Handler)
    fake.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
        thread.join(60)
