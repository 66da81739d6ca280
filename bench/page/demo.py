"""The measured server: a demo with its messages, and an app's website on another origin."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from bench.demo_server import demo_server

USER = "parent-wang"


@dataclass(frozen=True)
class Demo:
    """A running demo: its URL, the link to the inbox of `USER`, and the website that embeds this inbox."""

    url: str
    inbox: str
    website: str


@contextmanager
def running_demo() -> Iterator[Demo]:
    """Run a demo without rate limits, and a website that embeds its inbox."""
    with demo_server(USER_RATE_LIMIT="0", ADDRESS_RATE_LIMIT="0") as server:
        link = server.inbox_links[USER]
        with _website(server.url, link.partition("#token=")[2]) as origin:
            server.command("app", "scope", server.app_id, "--origin", origin)
            yield Demo(server.url, link, origin)


@contextmanager
def _website(server: str, token: str) -> Iterator[str]:
    """Serve a page that embeds the component on another origin; yield the origin."""
    body = f"""<!doctype html><html lang="en"><head><meta charset="utf-8"><title>School</title>
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <script type="module" src="{server}/inbox/msg-inbox.js"></script></head>
        <body><h1>School</h1><msg-inbox token="{token}" mode="panel" style="height: 600px"></msg-inbox>
        </body></html>""".encode()

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # the library's name
            content = body if self.path == "/" else b""
            self.send_response(200 if content else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as http:
        thread = threading.Thread(target=http.serve_forever, daemon=True)
        thread.start()
        yield f"http://localhost:{http.server_port}"
        http.shutdown()
        thread.join(10)
