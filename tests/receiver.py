"""A real HTTP server for webhooks, like an app's, which verifies them with the Standard Webhooks library."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks.webhooks import Webhook

_PATIENCE_SECONDS = 60.0


@dataclass(frozen=True)
class Post:
    """A received POST."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        """The header `webhook-id`."""
        return self.headers["webhook-id"]

    @property
    def type(self) -> str:
        """The kind of its events."""
        kind: str = json.loads(self.body)["type"]
        return kind

    @property
    def events(self) -> list[dict[str, Any]]:
        """Its events."""
        events: list[dict[str, Any]] = json.loads(self.body)["data"]["events"]
        return events

    def verified_by(self, secret: str) -> Any:
        """Return the JSON if the signature is right. Raises the errors of the library."""
        return Webhook(secret).verify(self.body, self.headers)


Answer = tuple[int, dict[str, str], bytes]
TAKEN: Answer = (204, {}, b"")


@dataclass
class Receiver:
    """A receiver at `url`. `answer` returns the answer to a POST."""

    url: str = ""
    posts: list[Post] = field(default_factory=list)
    answer: Callable[[Post], Answer] = lambda _: TAKEN

    def until(self, holds: Callable[[list[Post]], bool]) -> list[Post]:
        """Wait until the received posts pass a condition, and return them."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not holds(list(self.posts)):
            assert time.monotonic() < deadline, f"it never came; there are {len(self.posts)} posts"
            time.sleep(0.02)
        return list(self.posts)

    def events(self, kind: str) -> list[dict[str, Any]]:
        """Return all events of a kind in the order of their arrival, without repeated posts."""
        firsts = {post.id: post for post in reversed(self.posts) if post.type == kind}
        return [event for post in reversed(firsts.values()) for event in post.events]


@contextmanager
def receiving(host: str = "127.0.0.1") -> Iterator[Receiver]:
    """Run a receiver until the end of the block."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            length = int(self.headers["content-length"])
            body = self.rfile.read(length)
            if len(body) < length:  # the client was killed meanwhile: this is no POST
                self.close_connection = True
                return
            post = Post(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
            receiver.posts.append(post)
            status, headers, content = receiver.answer(post)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            pass  # a client that was killed

    server = Server((host, 0), Handler)
    receiver.url = f"http://{host}:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join(60)
