"""Push subscriptions through the API."""

import json
from typing import Any

import httpx
import pytest

from msgcenter.actions.apps.app_settings import AppSettings
from msgcenter.database.database import Database
from msgcenter.domain.channels.subscription import MAX_SUBSCRIPTIONS
from tests.channels.browser import Browser as PushBrowser
from tests.conftest import Credentials, Raw, Server
from tests.inbox.conftest import Browser, user_token


def subscription(endpoint: str, label: str = "Chrome · Android") -> dict[str, Any]:
    """Return a request of a browser with new keys."""
    made = json.loads(PushBrowser().subscription(endpoint))
    return {"endpoint": made["endpoint"], "keys": made["keys"], "label": label}


def test_a_user_subscribes_and_unsubscribes(browser: Browser) -> None:
    assert browser.get("/push") == {"key": None, "subscriptions": []}
    body = subscription("https://9.9.9.9/push/1")
    subscribed = browser.post("/push/subscriptions", body)
    assert browser.post("/push/subscriptions", {**body, "label": "again"})["id"] == subscribed["id"]
    (stored,) = browser.get("/push")["subscriptions"]
    assert (stored["id"], stored["label"], stored["succeededAt"]) == (subscribed["id"], "again", None)
    assert browser.post("/push/subscriptions/remove", subscribed) == {"removed": True}
    assert browser.post("/push/subscriptions/remove", subscribed) == {"removed": False}
    assert browser.get("/push")["subscriptions"] == []


def test_the_oldest_subscription_gives_way(browser: Browser) -> None:
    ids = [
        browser.post("/push/subscriptions", subscription(f"https://9.9.9.9/push/{number}"))["id"]
        for number in range(MAX_SUBSCRIPTIONS + 2)
    ]
    assert [it["id"] for it in browser.get("/push")["subscriptions"]] == ids[:1:-1]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"endpoint": "http://9.9.9.9/push"}, "endpoint"),
        ({"endpoint": "https://10.0.0.1/push"}, "endpoint"),
        ({"endpoint": "https://[::1]/push"}, "endpoint"),
        ({"endpoint": "https://user@9.9.9.9/push"}, "endpoint"),
        ({"endpoint": "ftp://9.9.9.9/push"}, "endpoint"),
        ({"endpoint": "https://9.9.9.9/" + "x" * 1_000}, "endpoint"),
        ({"keys": {"p256dh": "BBBB", "auth": "BTBZMqHH6r4Tts7J_aSIgg"}}, "keys.p256dh"),
        ({"keys": {"p256dh": "BBBB"}}, "keys.auth"),
        ({"label": "x" * 65}, "label"),
    ],
)
def test_what_is_no_subscription_is_refused(browser: Browser, change: dict[str, Any], field: str) -> None:
    answer = browser.http.post("/push/subscriptions", json=subscription("https://9.9.9.9/push") | change)
    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (400, "invalid_field", field)
    assert browser.get("/push")["subscriptions"] == []


def test_an_id_that_is_none_is_refused(browser: Browser) -> None:
    answer = browser.http.post("/push/subscriptions/remove", json={"id": "no id"})
    assert (answer.status_code, answer.json()["field"]) == (400, "id")


async def test_an_app_sees_only_its_own_subscriptions(
    browser: Browser, server: Server, raw: Raw, user: str, app: Credentials, shared_database: str
) -> None:
    browser.post("/push/subscriptions", subscription("https://9.9.9.9/of-the-app"))
    async with Database(shared_database, connections=2) as database:
        settings = AppSettings(database)
        await settings.set_inbox(app.app_id, scope="platform")
        with Browser(server, user_token(raw, user)) as whole:
            whole.post("/push/subscriptions", subscription("https://9.9.9.9/of-all", "all"))
            assert len(whole.get("/push")["subscriptions"]) == 2
        await settings.set_inbox(app.app_id, scope="own")
    assert [it["label"] for it in browser.get("/push")["subscriptions"]] == ["Chrome · Android"]


def test_a_subscription_replaces_an_earlier_one_of_its_browser(browser: Browser) -> None:
    first = browser.post("/push/subscriptions", subscription("https://9.9.9.9/push/1"))
    browser.post("/push/subscriptions", subscription("https://9.9.9.9/push/other", "other"))
    second = {**subscription("https://9.9.9.9/push/2"), "replaces": first["id"]}
    replaced = browser.post("/push/subscriptions", second)
    assert {it["id"] for it in browser.get("/push")["subscriptions"]} >= {replaced["id"]}
    assert first["id"] not in {it["id"] for it in browser.get("/push")["subscriptions"]}
    assert len(browser.get("/push")["subscriptions"]) == 2


def renewed(server: Server, renewal: str, endpoint: str) -> httpx.Response:
    """Renew a subscription as a service worker does: without a user token."""
    body = {**subscription(endpoint), "renewal": renewal}
    return httpx.post(f"{server.url}/inbox/v1/push/subscriptions/renew", json=body, trust_env=False)


def test_a_browser_renews_its_subscription_without_a_user_token(browser: Browser, server: Server) -> None:
    first = browser.post("/push/subscriptions", subscription("https://9.9.9.9/push/1", "phone"))
    second = renewed(server, first["renewal"], "https://9.9.9.9/push/2").json()
    assert second["key"] is None
    assert [(it["id"], it["label"]) for it in browser.get("/push")["subscriptions"]] == [(second["id"], "phone")]
    # What was renewed cannot be renewed again, and the next one can.
    assert renewed(server, first["renewal"], "https://9.9.9.9/push/3").status_code == 410
    assert renewed(server, second["renewal"], "https://9.9.9.9/push/3").status_code == 200
    assert len(browser.get("/push")["subscriptions"]) == 1


def test_a_removed_subscription_does_not_come_back(browser: Browser, server: Server) -> None:
    first = browser.post("/push/subscriptions", subscription("https://9.9.9.9/push/1"))
    browser.post("/push/subscriptions/remove", {"id": first["id"]})
    answer = renewed(server, first["renewal"], "https://9.9.9.9/push/2")
    assert (answer.status_code, answer.json()["code"]) == (410, "subscription_ended")
    assert browser.get("/push")["subscriptions"] == []


@pytest.mark.parametrize("renewal", ["none", "AAAA" * 50, ""])
def test_what_is_no_renewal_is_refused(browser: Browser, server: Server, renewal: str) -> None:
    answer = renewed(server, renewal, "https://9.9.9.9/push/2")
    assert answer.status_code == (410 if renewal else 400)


def test_a_renewed_subscription_must_be_on_a_public_host(browser: Browser, server: Server) -> None:
    first = browser.post("/push/subscriptions", subscription("https://9.9.9.9/push/1"))
    assert renewed(server, first["renewal"], "https://10.0.0.1/push").json()["field"] == "endpoint"
    assert [it["id"] for it in browser.get("/push")["subscriptions"]] == [first["id"]]
