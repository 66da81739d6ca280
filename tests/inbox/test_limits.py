"""The limits of user tokens and streams."""

import asyncio
import base64
import time
from functools import partial
from typing import Any, NamedTuple

import jwt
import pytest
from starlette.types import Message

from msgcenter.actions.apps.app_settings import AppSettings
from msgcenter.actions.apps.apps import Apps
from msgcenter.actions.apps.key_ring import KeyRing
from msgcenter.actions.channels.preferences import UserPreferences
from msgcenter.actions.channels.subscriptions import PushSubscriptions
from msgcenter.actions.mailboxes import user_tokens
from msgcenter.actions.mailboxes.inbox import Inbox
from msgcenter.actions.mailboxes.inbox_links import InboxLinks
from msgcenter.actions.mailboxes.statuses import Statuses
from msgcenter.actions.mailboxes.topics import topic_readers
from msgcenter.actions.mailboxes.user_tokens import UserTokenError, UserTokens
from msgcenter.database.database import Database
from msgcenter.domain.account import App
from msgcenter.domain.event import MailboxEvent
from msgcenter.domain.network import AddressRules
from msgcenter.inbox import stream
from msgcenter.inbox.call import Call
from msgcenter.inbox.endpoint import Inboxes, token_of
from msgcenter.live.hub import Hub
from msgcenter.outbound.guarded_network import Resolver
from msgcenter.outbound.network import Network
from tests.conftest import PLATFORM, SECRET_KEY, Credentials
from tests.inbox.conftest import Browser


def signed(app: Credentials, user: str, *, expires: float, key: bytes | None = None, **more: object) -> str:
    """Return a user token as earlier versions signed it, without an audience; or with another key or more claims."""
    claims = {"iss": "msgcenter", "sub": user, "platform": PLATFORM, "app": app.number, "key": 1, "exp": int(expires)}
    claims |= more
    return jwt.encode(claims, key or KeyRing(SECRET_KEY).user_token_key, "HS256")


@pytest.mark.parametrize("path", ["/messages", "/messages/1", "/counts", "/stream"])
def test_a_token_expires(browser: Browser, app: Credentials, user: str, path: str) -> None:
    good = signed(app, user, expires=time.time() + 60)
    assert browser.http.get("/counts", headers={"authorization": f"Bearer {good}"}).status_code == 200
    expired = browser.http.get(path, headers={"authorization": f"Bearer {signed(app, user, expires=time.time() - 1)}"})
    assert (expired.status_code, expired.json()["code"]) == (401, "token_expired")


def test_a_token_of_another_installation_is_invalid(browser: Browser, app: Credentials, user: str) -> None:
    foreign = signed(
        app, user, expires=time.time() + 60, key=KeyRing("another secret key of another place").user_token_key
    )
    answer = browser.http.get("/counts", headers={"authorization": f"Bearer {foreign}"})
    assert (answer.status_code, answer.json()["code"]) == (401, "token_invalid")


def test_a_token_is_accepted_for_its_audience_only(browser: Browser, app: Credentials, user: str) -> None:
    assert jwt.decode(browser.token, options={"verify_signature": False})["aud"] == "msgcenter inbox"
    for audience, status in (("msgcenter inbox", 200), ("another", 401), ("", 401), (["another"], 401), (None, 401)):
        token = signed(app, user, expires=time.time() + 60, aud=audience)
        answer = browser.http.get("/counts", headers={"authorization": f"Bearer {token}"})
        assert answer.status_code == status, audience
    before = signed(app, user, expires=time.time() + 60)
    assert browser.http.get("/counts", headers={"authorization": f"Bearer {before}"}).status_code == 200


async def test_a_token_that_was_accepted_before_expires(database: Database) -> None:
    tokens, app = await issuer(database)
    token = (await tokens.issue(app, "u", platform_code=None, ttl=2)).token
    assert (await tokens.viewer(token)).recipient.user_id == "u"

    async def use_until_refused() -> None:
        while True:
            await tokens.viewer(token)
            await asyncio.sleep(0.05)

    with pytest.raises(UserTokenError) as refused:
        await asyncio.wait_for(use_until_refused(), 60)
    assert refused.value.expired


async def test_verified_tokens_are_kept_up_to_a_number(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(user_tokens, "_VERIFIED_TOKENS", 3)
    tokens, app = await issuer(database)
    issued = [(await tokens.issue(app, f"u{n}", platform_code=None, ttl=None)).token for n in range(5)]
    for _ in range(2):
        for number, token in enumerate(issued):
            assert (await tokens.viewer(token)).recipient == app.platform.recipient(f"u{number}")
            assert len(tokens._verified) <= 3


async def issuer(database: Database) -> tuple[UserTokens, App]:
    """Return user tokens and an app to issue them for."""
    keys = KeyRing(SECRET_KEY)
    app = (await Apps(database, keys).create("Test app", PLATFORM)).app
    return UserTokens(database, keys, default_ttl=600, waiting_limit=10), app


@pytest.mark.parametrize("nested", ["[" * 20_000, '{"a":' * 4_000])
def test_a_token_with_a_deeply_nested_header_is_invalid(browser: Browser, nested: str) -> None:
    header = base64.urlsafe_b64encode(nested.encode()).decode().rstrip("=")
    answer = browser.http.get("/counts", headers={"authorization": f"Bearer {header}.e30.x"})
    assert (answer.status_code, answer.json()["code"]) == (401, "token_invalid")


class Scene(NamedTuple):
    """An app and an open stream of its user `u`."""

    app: App
    apps: Apps
    database: Database
    hub: Hub
    stream: Any


async def open_inbox(database: Database) -> Scene:
    """Return a scene. Nothing reads the stream yet."""
    keys = KeyRing(SECRET_KEY)
    apps = Apps(database, keys)
    app = (await apps.create("Test app", PLATFORM)).app
    hub = Hub(partial(topic_readers, database))
    tokens = UserTokens(database, keys, default_ttl=600, waiting_limit=10)
    push = PushSubscriptions(database, keys, Network(Resolver(1), AddressRules()))
    inbox = Inbox(database, Statuses(database, waiting_limit=10), waiting_limit=10)
    links = InboxLinks(database, keys, inbox, tokens)
    inboxes = Inboxes(inbox, tokens, hub, push, UserPreferences(database, keys), links)
    token = (await tokens.issue(app, "u", platform_code=None, ttl=None)).token
    return Scene(app, apps, database, hub, stream._EventStream(inboxes, await tokens.viewer(token)))


@pytest.mark.parametrize("withdrawn", ["key", "app", "live"])
async def test_a_stream_ends_when_its_right_is_withdrawn_even_in_a_busy_inbox(
    database: Database, monkeypatch: pytest.MonkeyPatch, withdrawn: str
) -> None:
    monkeypatch.setattr(stream, "_BEAT_SECONDS", 0.5)
    scene = await open_inbox(database)
    events: list[bytes] = []

    async def send(message: Message) -> None:
        events.append(message.get("body", b""))

    async def receive() -> Message:
        await asyncio.Event().wait()
        raise AssertionError("unreachable")

    async def keep_busy() -> None:
        while True:
            scene.hub.deliver([MailboxEvent("message", PLATFORM, ("u",), (1,))])
            await asyncio.sleep(0.02)

    busy = asyncio.create_task(keep_busy())
    streaming = asyncio.create_task(scene.stream({"type": "http"}, receive, send))
    async with asyncio.timeout(30):
        while len(events) < 100:
            await asyncio.sleep(0.01)
        assert not streaming.done(), "it lasts over several checks of its right"
        if withdrawn == "key":
            await scene.apps.rotate_key(scene.app.app_id)
        elif withdrawn == "app":
            await scene.apps.set_disabled(scene.app.app_id, disabled=True)
        else:
            await AppSettings(scene.database).set_live(scene.app.app_id, live=False)
        await streaming
    busy.cancel()


def test_a_stream_takes_the_token_of_its_address_unless_a_bearer_token_is_sent() -> None:
    async def receive() -> Message:
        raise AssertionError("the body is not read")

    def call(headers: dict[str, str]) -> Call:
        scope = {"method": "GET", "path": "/inbox/v1/stream", "query_string": b"token=T"}
        raw_headers = [(name.encode(), value.encode()) for name, value in headers.items()]
        return Call({**scope, "headers": raw_headers}, receive)

    assert token_of(call({"authorization": "Basic dXNlcjpwYXNz"})) == "T"
    assert token_of(call({})) == "T"
    assert token_of(call({"authorization": "Bearer U"})) == "U"


async def test_a_stalled_client_loses_its_stream(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "_STALLED_SECONDS", 0.2)
    _, _, _, hub, answer = await open_inbox(database)
    started = asyncio.Event()

    async def send(message: Message) -> None:
        if message["type"] == "http.response.body":
            started.set()
            await asyncio.Event().wait()  # the client reads nothing

    async def receive() -> Message:
        await asyncio.Event().wait()
        raise AssertionError("unreachable")

    streaming = asyncio.create_task(answer({"type": "http"}, receive, send))
    await started.wait()
    (watch,) = hub._all()
    for number in range(10_000):
        hub.deliver([MailboxEvent("message", PLATFORM, ("u",), (number,))])
    assert len(watch.drain().message) <= 200
    async with asyncio.timeout(60):
        await streaming
    assert hub._all() == []
