"""A user's browser, as far as HTTP goes."""

import json
import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from tests.conftest import Raw, Server

_PATIENCE_SECONDS = 20.0


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

    def get(self, path: str, **parameters: object) -> Any:
        """Return the JSON of a call that must succeed."""
        answer = self.http.get(path, params=parameters)  # type: ignore[arg-type]
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, body: object) -> Any:
        """Return the JSON of a call that must succeed."""
        answer = self.http.post(path, json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def ids(self, **parameters: object) -> list[str]:
        """Return the ids of a list."""
        return [message["id"] for message in self.get("/messages", **parameters)["messages"]]


class Stream:
    """The events of an open stream."""

    def __init__(self) -> None:
        self.events: queue.Queue[tuple[str, Any]] = queue.Queue()
        self.closed = threading.Event()

    def next(self, *names: str) -> tuple[str, Any]:
        """Return the next event of one of these names (any, if none is given), leaving out others."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            name, data = self.events.get(timeout=max(0.01, deadline - time.monotonic()))
            if not names or name in names:
                return name, data

    def until(self, name: str, holds: Callable[[Any], bool]) -> Any:
        """Return the first event of this name whose data passes."""
        while True:
            _, data = self.next(name)
            if holds(data):
                return data


@contextmanager
def opened_stream(server: Server, token: str) -> Iterator[Stream]:
    """Open a stream, wait for its `ready`, and close it at the end."""
    stream = Stream()
    http = httpx.Client(base_url=server.url, trust_env=False, timeout=60)

    def read() -> None:
        try:
            with http.stream("GET", "/inbox/v1/stream", params={"token": token}) as response:
                name = ""
                for line in response.iter_lines():
                    if line.startswith("event: "):
                        name = line.removeprefix("event: ")
                    elif line.startswith("data: "):
                        stream.events.put((name, json.loads(line.removeprefix("data: "))))
        except (httpx.HTTPError, RuntimeError):
            pass
        stream.closed.set()

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    stream.next("ready")
    try:
        yield stream
    finally:
        http.close()


MakeBrowser = Callable[..., Browser]


def user_token(raw: Raw, user: str, **more: object) -> str:
    """Return a user token from the gateway."""
    answer = raw.post("/msgCenter/user/getUserToken", {"publisherId": user, **more}).json()
    token: str = answer["userToken"]
    return token


@pytest.fixture
def browser(server: Server, raw: Raw, user: str) -> Iterator[Browser]:
    """The browser of `user`, with a token of `app`."""
    opened = Browser(server, user_token(raw, user))
    yield opened
    opened.http.close()
