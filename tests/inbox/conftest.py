"""The inbox API and its streams as a user's browser calls them."""

import http.client
import json
import queue
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.conftest import Raw, Server

_TIMEOUT_SECONDS = 60.0


@dataclass
class Browser:
    """One user's inbox through the API."""

    server: Server
    token: str
    http: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        self.http = httpx.Client(
            base_url=self.server.url + "/inbox/v1",
            headers={"authorization": f"Bearer {self.token}", "accept-language": "en"},
            trust_env=False,
        )

    def __enter__(self) -> "Browser":
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def get(self, path: str, **parameters: object) -> Any:
        """Call the API and return the JSON of the answer, which must be 200."""
        answer = self.http.get(path, params=parameters)  # type: ignore[arg-type]
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, body: object) -> Any:
        """Call the API and return the JSON of the answer, which must be 200."""
        answer = self.http.post(path, json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def ids(self, **parameters: object) -> list[str]:
        """Return the message ids of a list."""
        return [message["id"] for message in self.get("/messages", **parameters)["messages"]]


class Stream:
    """The events of an open stream."""

    def __init__(self) -> None:
        self.events: queue.Queue[tuple[str, Any]] = queue.Queue()
        self.closed = threading.Event()

    def next(self, *names: str) -> tuple[str, Any]:
        """Return the next event with one of these names (any event without names) and skip the others."""
        deadline = time.monotonic() + _TIMEOUT_SECONDS
        while True:
            name, data = self.events.get(timeout=max(0.01, deadline - time.monotonic()))
            if not names or name in names:
                return name, data

    def until(self, name: str, holds: Callable[[Any], bool]) -> Any:
        """Return the data of the first event with this name for which `holds` is true."""
        while True:
            _, data = self.next(name)
            if holds(data):
                return data


@contextmanager
def opened_stream(server: Server, token: str, query: str = "") -> Iterator[Stream]:
    """Open a stream, wait for its `ready`, and close it at the end. `query` is added to the address."""
    stream = Stream()
    address = urlsplit(server.url)
    connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=60)
    connection.request("GET", f"/inbox/v1/stream?token={token}{query}")
    opened: socket.socket = connection.sock
    response = connection.getresponse()

    def read() -> None:
        name = ""
        with suppress(OSError, http.client.HTTPException):
            while line := response.readline().decode():
                if line.startswith("event: "):
                    name = line.removeprefix("event: ").strip()
                elif line.startswith("data: "):
                    stream.events.put((name, json.loads(line.removeprefix("data: "))))
        stream.closed.set()

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        stream.next("ready")
        yield stream
    finally:
        with suppress(OSError):
            opened.shutdown(socket.SHUT_RDWR)
        reader.join(60)
        response.close()
        connection.close()


def user_token(raw: Raw, user: str, **more: object) -> str:
    """Return a user token from the gateway."""
    answer = raw.post("/msgCenter/user/getUserToken", {"publisherId": user, **more}).json()
    token: str = answer["userToken"]
    return token


@pytest.fixture
def browser(server: Server, raw: Raw, user: str) -> Iterator[Browser]:
    """The browser of `user`, with a token of `app`."""
    with Browser(server, user_token(raw, user)) as opened:
        yield opened
