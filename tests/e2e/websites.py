"""Websites on other origins."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from msgcenter.actions.apps.app_settings import AppSettings
from msgcenter.database.database import Database


@dataclass
class Website:
    """A website on another origin."""

    origin: str
    document: str = ""


@contextmanager
def website_of_others() -> Iterator[Website]:
    """Serve a website that shows one document."""
    served = Website("")

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # the library's name
            body = served.document.encode() if self.path == "/" else b""
            self.send_response(200 if body else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as http:
        served.origin = f"http://localhost:{http.server_port}"
        thread = threading.Thread(target=http.serve_forever, daemon=True)
        thread.start()
        yield served
        http.shutdown()
        thread.join(60)


async def allow_website(database_url: str, app_id: str, *origins: str) -> None:
    """Allow only these websites to use the user tokens of an app."""
    async with Database(database_url, connections=2) as database:
        await AppSettings(database).set_inbox(app_id, origins=origins)
