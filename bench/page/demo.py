"""The server that is measured: a demo with its messages, an app's website on another origin, and nothing else."""

import os
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

USER = "parent-wang"


class DemoError(Exception):
    """The demo did not start; the text is what it printed."""


@dataclass(frozen=True)
class Demo:
    """A running demo: its address, the link to the inbox of `USER`, and the website that embeds this inbox."""

    url: str
    inbox: str
    website: str


@contextmanager
def running_demo() -> Iterator[Demo]:
    """Run `msgcenter demo` with data of its own until the end of the block."""
    with tempfile.TemporaryDirectory() as directory:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("MSGCENTER_")}
        environment |= {"MSGCENTER_DATA_DIR": directory, "COLUMNS": "500", "NO_COLOR": "1"}
        environment |= {"MSGCENTER_USER_RATE_LIMIT": "0", "MSGCENTER_ADDRESS_RATE_LIMIT": "0"}
        program = [sys.executable, "-m", "msgcenter"]
        process = subprocess.Popen(
            [*program, "demo", "--port", "0"],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            output = "".join(_lines_until(process, "For operators|for operators"))
            key = re.search(r"MSGCENTER_APP_ID=(\S+) MSGCENTER_APP_KEY=(\S+)", output)
            link = re.search(rf"^{USER}\s+(http\S+/inbox#token=(\S+))$", output, re.MULTILINE)
            served = re.search(r"is serving on (http\S+)", output)
            if key is None or link is None or served is None:
                raise DemoError(output)
            with _website(served[1], link[2]) as origin:
                scope = [*program, "app", "scope", key[1], "--origin", origin]
                subprocess.run(scope, env=environment, check=True, capture_output=True)
                yield Demo(served[1], link[1], origin)
        finally:
            process.terminate()
            process.communicate(timeout=60)


def _lines_until(process: "subprocess.Popen[str]", pattern: str) -> Iterator[str]:
    assert process.stdout is not None
    for line in process.stdout:
        yield line
        if re.search(pattern, line):
            return


@contextmanager
def _website(server: str, token: str) -> Iterator[str]:
    """Serve a page that embeds the component, on an origin of its own; yield the origin."""
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
