"""Streams and tokens at their limits."""

import asyncio
import time
from functools import partial
from typing import Any

import jwt
import pytest
from starlette.types import Message

from msgcenter.actions.apps import Apps
from msgcenter.actions.inbox import Inbox
from msgcenter.actions.key_ring import KeyRing
from msgcenter.actions.statuses import Statuses
from msgcenter.actions.user_tokens import UserTokens
from msgcenter.domain.event import MailboxEvent
from msgcenter.inbox import stream
from msgcenter.inbox.visitor import Inboxes
from msgcenter.live.hub import Hub
from msgcenter.store.database import Database
from msgcenter.store.topics import concerned_by_topic
from tests.conftest import PLATFORM, SECRET_KEY, Credentials
from tests.inbox.conftest import Browser


def signed(app: Credentials, user: str, *, expires: float, key: bytes | None = None) -> str:
    """Return a user token as the product signs it, or with another key."""
    claims = {"iss": "msgcenter", "sub": user, "platform": PLATFORM, "app": app.number, "key": 1, "exp": int(expires)}
    return jwt.encode(claims, key or KeyRing(SECRET_KEY).user_token_key, "HS256")


@pytest.mark.parametrize("path", ["/messages", "/messages/1", "/counts", "/stream"])
def test_a_token_ends_at_its_time(browser: Browser, app: Credentials, user: str, path: str) -> None:
    good = signed(app, user, expires=time.time() + 60)
    assert browser.http.get("/counts", headers={"authorization": f"Bearer {good}"}).status_code == 200
    ended = browser.http.get(path, headers={"authorization": f"Bearer {signed(app, user, expires=time.time() - 1)}"})
    assert (ended.status_code, ended.json()["code"]) == (401, "token_expired")


def test_a_token_of_another_installation_is_not_valid(browser: Browser, app: Credentials, user: str) -> None:
    foreign = signed(
        app, user, expires=time.time() + 60, key=KeyRing("another secret key of another place").user_token_key
    )
    answer = browser.http.get("/counts", headers={"authorization": f"Bearer {foreign}"})
    assert (answer.status_code, answer.json()["code"]) == (401, "token_invalid")


async def test_a_reader_who_takes_nothing_loses_the_stream(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "_STALLED_SECONDS", 0.2)
    keys = KeyRing(SECRET_KEY)
    app = (await Apps(database, keys).create("Test app", PLATFORM)).app
    hub = Hub(partial(concerned_by_topic, database))
    tokens = UserTokens(database, keys, default_ttl=600, waiting_limit=10)
    inboxes = Inboxes(Inbox(database, Statuses(database, waiting_limit=10), waiting_limit=10), tokens, hub)
    token = (await tokens.issue(app, "u", platform_code=None, ttl=None)).token
    viewer = await tokens.viewer(token)
    started = asyncio.Event()

    async def send(message: Message) -> None:
        if message["type"] == "http.response.body":
            started.set()
            await asyncio.Event().wait()  # the other end takes nothing

    async def receive() -> Message:
        await asyncio.Event().wait()
        raise AssertionError("unreachable")

    answer: Any = stream._EventStream(inboxes, viewer, token)
    streaming = asyncio.create_task(answer({"type": "http"}, receive, send))
    await started.wait()
    (watch,) = hub._all()
    for number in range(10_000):
        hub.deliver([MailboxEvent("message", PLATFORM, ("u",), (number,))])
    assert len(watch.take().arrived) <= 200
    async with asyncio.timeout(20):
        await streaming
    assert hub._all() == []
