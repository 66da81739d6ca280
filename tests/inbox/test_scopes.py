"""The scope of a user token, the websites that may use it, and its end."""

import httpx
import pytest

from msgcenter.actions.apps.app_settings import AppSettings
from msgcenter.actions.apps.apps import Apps
from msgcenter.actions.apps.key_ring import KeyRing
from msgcenter.database.database import Database
from msgcenter_client import Client
from tests.conftest import SECRET_KEY, Credentials, Raw, Server, new_app, wait_for
from tests.inbox.conftest import Browser, user_token

_SITE = "https://school.example.edu"


@pytest.fixture
def apps_of(shared_database: str) -> Database:
    """The database of `server`, not opened yet."""
    return Database(shared_database, connections=2)


async def test_a_token_with_app_scope_sees_the_apps_messages_only(
    server: Server, shared_database: str, browser: Browser, client: Client, user: str
) -> None:
    mine = client.send_text(user, "mine")
    other = await new_app(shared_database)
    with Client(server.url, other.app_id, other.app_key) as others:
        hidden = others.send_text(user, "of another app")
    assert browser.ids() == [mine]
    assert browser.get("/counts")["unread"] == 1
    assert browser.http.get(f"/messages/{hidden}").status_code == 404
    assert browser.post("/messages/status", {"ids": [hidden], "read": True})["changed"] == []
    assert browser.post("/messages/archive", {"ids": [hidden], "archived": True})["changed"] == []
    assert browser.post("/messages/read-all", {"upTo": hidden})["changed"] == [mine]
    assert browser.ids(app=other.app_id) == []


async def test_a_token_with_platform_scope_sees_the_messages_of_all_apps(
    server: Server,
    shared_database: str,
    apps_of: Database,
    app: Credentials,
    browser: Browser,
    client: Client,
    user: str,
) -> None:
    other = await new_app(shared_database)
    with Client(server.url, other.app_id, other.app_key) as others:
        theirs = others.send_text(user, "of another app")
    mine = client.send_text(user, "mine")
    async with apps_of as database:
        await AppSettings(database).set_inbox(app.app_id, scope="platform")
    assert browser.ids() == [mine, theirs]
    assert browser.ids(app=other.app_id) == [theirs]
    assert {entry["id"]: entry["unread"] for entry in browser.get("/counts")["apps"]} == {
        app.app_id: 1,
        other.app_id: 1,
    }
    assert browser.post("/messages/read-all", {"upTo": mine, "app": other.app_id})["changed"] == [theirs]


@pytest.mark.parametrize("ending", ["rotate", "disable"])
async def test_user_tokens_end_with_the_key_of_their_app(
    apps_of: Database, app: Credentials, browser: Browser, ending: str
) -> None:
    assert browser.ids() == []
    async with apps_of as database:
        register = Apps(database, KeyRing(SECRET_KEY))
        if ending == "rotate":
            await register.rotate_key(app.app_id)
        else:
            await register.set_disabled(app.app_id, disabled=True)
    answer = browser.http.get("/messages")
    assert (answer.status_code, answer.json()["code"]) == (401, "token_expired")


def test_only_allowed_websites_may_use_a_token(
    server: Server, apps_of: Database, app: Credentials, browser: Browser
) -> None:
    refused = browser.http.get("/messages", headers={"origin": _SITE})
    assert (refused.status_code, refused.json()["code"]) == (403, "origin_refused")
    assert browser.http.options("/messages", headers={"origin": _SITE}).status_code == 403

    async def allow() -> None:
        async with apps_of as database:
            await AppSettings(database).set_inbox(app.app_id, origins=[_SITE])

    wait_for(allow())
    allowed = browser.http.get("/messages", headers={"origin": _SITE})
    assert allowed.status_code == 200
    assert allowed.headers["access-control-allow-origin"] == _SITE
    preflight = browser.http.options("/messages", headers={"origin": _SITE})
    assert preflight.status_code == 204
    assert "authorization" in preflight.headers["access-control-allow-headers"]
    own = browser.http.get("/messages", headers={"origin": server.url})
    assert own.status_code == 200
    page = httpx.get(f"{server.url}/inbox?app={app.app_id}", trust_env=False)
    assert _SITE in page.headers["content-security-policy"]


def test_an_access_token_is_not_a_user_token(server: Server, raw: Raw) -> None:
    answer = httpx.get(
        f"{server.url}/inbox/v1/counts", headers={"authorization": f"Bearer {raw.token}"}, trust_env=False
    )
    assert answer.json()["code"] == "token_invalid"


def test_a_user_token_is_not_an_access_token(raw: Raw, user: str) -> None:
    token = user_token(raw, user)
    answer = raw.http.post("/msgCenter/message/getMsgList", params={"accessToken": token}, json={})
    assert answer.json()["retCode"] == "200002"
