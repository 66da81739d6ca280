"""A website's server for the examples: serves a folder, and gets a user token from MsgCenter."""

import argparse
import json
import os
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

from msgcenter_client import Client


class Website(SimpleHTTPRequestHandler):
    """Serves files; `/inbox-token` answers with the server's URL and a token of the user who is logged in."""

    def __init__(self, *arguments: object, msgcenter: str, user: str, directory: str) -> None:
        self._msgcenter = msgcenter
        self._user = user
        super().__init__(*arguments, directory=directory)  # type: ignore[arg-type]  # socketserver's own arguments

    def do_GET(self) -> None:  # the library's name
        """Answer a request."""
        if self.path != "/inbox-token":
            super().do_GET()
            return
        app_id, app_key = os.environ["MSGCENTER_APP_ID"], os.environ["MSGCENTER_APP_KEY"]
        with Client(self._msgcenter, app_id, app_key) as client:
            token = client.user_token(self._user).token
        body = json.dumps({"server": self._msgcenter, "token": token}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Cache-Control", "no-store")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("--msgcenter", required=True, metavar="URL")
    parser.add_argument("--user", required=True, metavar="ID", help="whose inbox is shown; your website knows its user")
    parser.add_argument("--port", type=int, default=8000)
    options = parser.parse_args()
    website = partial(Website, msgcenter=options.msgcenter, user=options.user, directory=options.folder)
    with ThreadingHTTPServer(("127.0.0.1", options.port), website) as http:
        print(f"Open http://localhost:{http.server_port}", flush=True)
        http.serve_forever()


if __name__ == "__main__":
    main()
