"""What users choose about channels, through the API."""

from typing import Any

import pytest

from msgcenter.actions.apps.app_settings import AppSettings
from msgcenter.database.database import Database
from msgcenter.domain.person import Actor
from msgcenter.store import audit
from msgcenter.store.audit import AuditEntry, AuditFilter
from msgcenter_client import Client
from tests.conftest import Credentials, Raw, Server, new_app, wait_for
from tests.inbox.channel_platform import add_channels, add_contact, disable_contact
from tests.inbox.conftest import Browser, user_token

PLATFORM = "420177"
_NOTHING: dict[str, Any] = {
    "off": [],
    "quietFrom": None,
    "quietUntil": None,
    "digest": None,
    "language": None,
    "timeZone": None,
}


@pytest.fixture
def app(shared_database: str) -> Credentials:
    """An app whose users see their whole inbox, on a platform with channels."""
    credentials = wait_for(new_app(shared_database, PLATFORM))
    wait_for(add_channels(shared_database, PLATFORM))
    wait_for(_set_scope(shared_database, credentials.app_id, "platform"))
    return credentials


async def _set_scope(url: str, app_id: str, scope: Any) -> None:
    async with Database(url, connections=2) as database:
        await AppSettings(database).set_inbox(app_id, scope=scope)


def test_a_user_who_has_chosen_nothing_has_the_defaults(browser: Browser, client: Client, user: str) -> None:
    client.send_text(user, "hello")
    shown = browser.get("/preferences")
    assert {name: shown[name] for name in _NOTHING} == _NOTHING
    assert shown["whole"] is True
    assert shown["channels"] == ["email", "sms"]  # an operator's own URLs are no choice of users
    assert shown["defaults"] == {"quietFrom": 1320, "quietUntil": 420, "language": None, "timeZone": None}
    assert shown["types"] == [
        {"code": "homework", "name": "Homework", "mandatory": False},
        {"code": "safety", "name": "Safety", "mandatory": True},
    ]
    assert [it["name"] for it in shown["apps"]] == ["Test app"]
    assert shown["contacts"] == []


def test_choices_are_kept_and_replaced_as_a_whole(browser: Browser, app: Credentials) -> None:
    chosen = {
        "off": ["type:homework:sms", "email", f"app:{app.app_id}:sms", "email"],
        "quietFrom": 0,
        "quietUntil": 0,
        "digest": "daily",
        "language": "en",
        "timeZone": "Europe/Berlin",
    }
    stored = browser.http.put("/preferences", json=chosen).json()
    expected = {**chosen, "off": sorted(["type:homework:sms", "email", f"app:{app.app_id}:sms"])}
    assert {name: stored[name] for name in chosen} == expected
    assert browser.get("/preferences") == stored
    stored = browser.http.put("/preferences", json={"off": ["sms"]}).json()
    assert {name: stored[name] for name in _NOTHING} == {**_NOTHING, "off": ["sms"]}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"off": ["type:safety:sms"]}, "off"),
        ({"off": ["pigeon"]}, "off"),
        ({"off": ["type:homework:"]}, "off"),
        ({"off": ["type:homework:email\n"]}, "off"),
        ({"off": [f"type:t{number}:sms" for number in range(501)]}, "off"),
        ({"quietFrom": 1440, "quietUntil": 0}, "quietFrom"),
        ({"quietFrom": 60}, None),
        ({"digest": "weekly"}, "digest"),
        ({"language": "fr"}, "language"),
        ({"timeZone": "Asia/Atlantis"}, "timeZone"),
        ({"timeZone": "../etc/passwd"}, "timeZone"),
    ],
)
def test_wrong_choices_are_refused_and_nothing_is_changed(
    browser: Browser, change: dict[str, Any], field: str | None
) -> None:
    browser.http.put("/preferences", json={"off": ["sms"]})
    answer = browser.http.put("/preferences", json={"digest": "daily"} | change)
    assert (answer.status_code, answer.json().get("field")) == (400, field)
    assert browser.get("/preferences")["off"] == ["sms"]
    assert browser.get("/preferences")["digest"] is None


def test_contact_points_are_masked_and_can_be_removed(browser: Browser, shared_database: str, user: str) -> None:
    wait_for(add_contact(shared_database, PLATFORM, user, "email", "wang.fang@school.example"))
    wait_for(add_contact(shared_database, PLATFORM, user, "mobile", "+8613800138000"))
    wait_for(disable_contact(shared_database, PLATFORM, user, "email", "550 no such user"))
    assert browser.get("/preferences")["contacts"] == [
        {
            "kind": "email",
            "value": "w***@school.example",
            "disabledAt": 7,
            "disabledReason": "550 no such user",
        },
        {"kind": "mobile", "value": "+86138****8000", "disabledAt": None, "disabledReason": None},
    ]
    assert browser.post("/preferences/contacts/remove", {"kind": "email"}) == {"removed": True}
    assert browser.post("/preferences/contacts/remove", {"kind": "email"}) == {"removed": False}
    assert [it["kind"] for it in browser.get("/preferences")["contacts"]] == ["mobile"]
    (entry,) = wait_for(_own_entries(shared_database, user))
    assert (entry.action, entry.subject, entry.detail) == ("directory.contact.remove", PLATFORM, {"kind": "email"})
    assert entry.actor == Actor("user", user, "127.0.0.1")


async def _own_entries(url: str, user: str) -> list[AuditEntry]:
    async with Database(url, connections=2) as database, database.connection() as connection:
        return await audit.list_entries(connection, AuditFilter(actor=user, kind="user"), 10)


def test_an_app_sees_and_changes_only_what_concerns_it(
    server: Server, raw: Raw, user: str, app: Credentials, shared_database: str, client: Client
) -> None:
    client.send_text(user, "hello")
    wait_for(add_contact(shared_database, PLATFORM, user, "email", "wang.fang@school.example"))
    with Browser(server, user_token(raw, user)) as whole:
        whole.http.put("/preferences", json={"off": ["sms", "app:other:email"], "quietFrom": 60, "quietUntil": 120})
    wait_for(_set_scope(shared_database, app.app_id, "own"))
    with Browser(server, user_token(raw, user)) as own:
        entry = f"app:{app.app_id}:email"
        shown = own.http.put("/preferences", json={"off": [entry]}).json()
        assert (shown["whole"], shown["off"], shown["types"], shown["contacts"]) == (False, [entry], [], [])
        assert shown["quietFrom"] is None
        for change in ({"off": ["sms"]}, {"off": ["app:other:email"]}, {"off": [entry], "digest": "off"}):
            assert own.http.put("/preferences", json=change).json()["field"] == "off"
        refused = own.http.post("/preferences/contacts/remove", json={"kind": "email"})
        assert (refused.status_code, refused.json()["code"]) == (403, "scope_refused")
    wait_for(_set_scope(shared_database, app.app_id, "platform"))
    with Browser(server, user_token(raw, user)) as whole:
        shown = whole.get("/preferences")
        assert shown["off"] == sorted([entry, "app:other:email", "sms"])
        assert (shown["quietFrom"], len(shown["contacts"])) == (60, 1)


def test_other_methods_are_refused(browser: Browser) -> None:
    answer = browser.http.delete("/preferences")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, PUT, HEAD, OPTIONS")
    assert browser.http.head("/preferences").status_code == 200
