"""What users do with messages besides reading them: stars, deletion, snoozing, muted apps (docs/inbox.md)."""

import time
from typing import Any

import pytest

from msgcenter_client import Client
from tests.conftest import Credentials, Raw, Server
from tests.inbox.conftest import Browser, opened_stream, user_token

DAY_MS = 86_400_000


def ms_from_now(ms: int) -> int:
    """Return a time (ms since 1970)."""
    return round(time.time() * 1_000) + ms


def wait_until(holds: Any) -> None:
    """Wait until a condition holds, at most a minute."""
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture
def sent(client: Client, user: str) -> list[str]:
    """Three messages to the user, the oldest first."""
    return [client.send_text(user, str(number)) for number in range(3)]


def test_a_star_is_kept_with_the_message(browser: Browser, sent: list[str]) -> None:
    assert browser.post("/messages/star", {"ids": sent[:1], "starred": True})["changed"] == sent[:1]
    browser.post("/messages/archive", {"ids": sent[:1], "archived": True})
    assert browser.ids(filter="starred") == sent[:1]
    assert browser.get(f"/messages/{sent[0]}")["starred"] is True
    browser.post("/messages/star", {"ids": sent[:1], "starred": False})
    assert browser.ids(filter="starred") == []


def test_a_deleted_message_is_gone_for_its_user_alone(
    browser: Browser, client: Client, user: str, sent: list[str]
) -> None:
    answer = browser.post("/messages/delete", {"ids": [sent[0], sent[2]], "deleted": True})
    assert answer["changed"] == [sent[0], sent[2]]
    assert answer["counts"]["unread"] == 1
    for filter_name in ("all", "unread", "starred", "archived", "snoozed"):
        assert sent[0] not in browser.ids(filter=filter_name)
    assert browser.http.get(f"/messages/{sent[0]}").status_code == 404
    assert browser.ids(q="0") == []
    status = client.message_status(sent[0])
    assert (status.delivered, status.read) == (1, 0), "its app sees what it saw before"
    assert client.set_status(user, [sent[0]]).invalid_ids == ()
    assert client.message_status(sent[0]).read == 1
    assert client.set_status(user, [sent[0]], read=False).invalid_ids == ()
    assert browser.post("/messages/delete", {"ids": [sent[0]], "deleted": True})["changed"] == []
    restored = browser.post("/messages/delete", {"ids": sent, "deleted": False})
    assert restored["changed"] == sent
    assert restored["counts"]["unread"] == 3
    assert browser.ids() == sent[::-1]


def test_a_snoozed_message_comes_back_unread_at_the_top(
    browser: Browser, client: Client, user: str, sent: list[str]
) -> None:
    client.set_status(user, [sent[0]])
    until = ms_from_now(1_500)
    answer = browser.post("/messages/snooze", {"ids": [sent[0]], "until": until})
    assert answer["changed"] == [sent[0]]
    assert answer["counts"]["unread"] == 2
    assert client.message_status(sent[0]).read == 0, "it is unread at once"
    assert browser.ids() == [sent[2], sent[1]]
    assert browser.get("/messages", filter="snoozed")["messages"][0]["snoozedUntil"] == until
    wait_until(lambda: browser.get("/counts")["unread"] == 3)
    for filter_name in ("all", "unread"):
        assert browser.ids(filter=filter_name) == [sent[0], sent[2], sent[1]]
    first = browser.get("/messages", limit=1)
    assert first["messages"][0]["woken"] is True
    assert browser.ids(limit=2, cursor=first["nextCursor"]) == [sent[2], sent[1]]
    browser.post("/messages/status", {"ids": [sent[0]], "read": True})
    assert browser.ids() == sent[::-1]


def test_a_snoozed_message_can_be_shown_at_once(browser: Browser, sent: list[str]) -> None:
    browser.post("/messages/snooze", {"ids": sent, "until": ms_from_now(DAY_MS)})
    assert browser.ids() == []
    assert browser.ids(filter="snoozed") == sent[::-1]
    assert browser.post("/messages/snooze", {"ids": sent, "until": None})["changed"] == sent
    assert browser.ids() == sent[::-1]


def test_each_snoozed_message_comes_back_at_its_own_time(browser: Browser, sent: list[str]) -> None:
    for message_id, ms in zip(sent, (1_500, 3_000, DAY_MS), strict=True):
        browser.post("/messages/snooze", {"ids": [message_id], "until": ms_from_now(ms)})
    wait_until(lambda: sent[0] in browser.ids())
    wait_until(lambda: sent[1] in browser.ids())
    assert browser.ids(filter="snoozed") == [sent[2]]


def test_taking_back_a_deletion_wakes_nothing(browser: Browser, sent: list[str]) -> None:
    browser.post("/messages/snooze", {"ids": [sent[0]], "until": ms_from_now(DAY_MS)})
    browser.post("/messages/delete", {"ids": [sent[1]], "deleted": True})
    browser.post("/messages/delete", {"ids": sent, "deleted": False})
    assert browser.ids() == [sent[2], sent[1]]
    assert browser.ids(filter="snoozed") == [sent[0]]


def test_what_is_hidden_is_not_read_with_all_others(browser: Browser, client: Client, sent: list[str]) -> None:
    browser.post("/messages/snooze", {"ids": [sent[0]], "until": ms_from_now(DAY_MS)})
    browser.post("/messages/delete", {"ids": [sent[1]], "deleted": True})
    assert browser.post("/messages/read-all", {"upTo": sent[2]})["changed"] == [sent[2]]
    assert [client.message_status(message_id).read for message_id in sent] == [0, 0, 1]
    assert browser.post("/messages/read-all", {"upTo": sent[2], "filter": "snoozed"})["changed"] == []


@pytest.mark.parametrize("until", [0, -1, 1.5, "tomorrow", 1 << 63, "past", "far"])
def test_a_message_can_be_snoozed_for_a_year_at_most(browser: Browser, sent: list[str], until: object) -> None:
    times = {"past": ms_from_now(-1), "far": ms_from_now(367 * DAY_MS)}
    answer = browser.http.post("/messages/snooze", json={"ids": sent, "until": times.get(str(until), until)})
    assert answer.status_code == 400
    assert (answer.json()["code"], answer.json()["field"]) == ("invalid_field", "until")
    assert browser.ids() == sent[::-1]


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/messages/star", {"ids": [], "starred": True}, "ids"),
        ("/messages/star", {"ids": ["1"]}, "starred"),
        ("/messages/delete", {"ids": ["1"], "deleted": 1}, "deleted"),
        ("/messages/snooze", {"ids": ["1"]}, "until"),
        ("/apps/x/mute", {"muted": None}, "muted"),
    ],
)
def test_bad_fields_are_refused_by_name(browser: Browser, path: str, body: object, field: str) -> None:
    answer = browser.http.post(path, json=body)
    assert (answer.status_code, answer.json()["field"]) == (400, field)


def test_a_muted_app_is_in_the_list_and_not_in_the_totals(
    browser: Browser, app: Credentials, client: Client, user: str, sent: list[str]
) -> None:
    counts = browser.post(f"/apps/{app.app_id}/mute", {"muted": True})
    assert counts["unread"] == 0
    assert [(it["id"], it["unread"], it["muted"]) for it in counts["apps"]] == [(app.app_id, 3, True)]
    later = client.send_text(user, "later")
    assert browser.ids() == [later, *sent[::-1]]
    assert all(message["silent"] for message in browser.get("/messages")["messages"])
    assert client.unread_count(user) == 4, "the app counts as before"
    browser.post("/messages/read-all", {"upTo": later})
    assert browser.get("/counts")["apps"] == [{**counts["apps"][0], "unread": 0}], "so that it can be found again"
    client.send_text(user, "last")
    assert browser.post(f"/apps/{app.app_id}/mute", {"muted": False})["unread"] == 1


def test_an_app_that_the_viewer_does_not_see_cannot_be_muted(browser: Browser) -> None:
    answer = browser.http.post("/apps/nobody/mute", json={"muted": True})
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_marks_reach_the_other_devices(server: Server, raw: Raw, browser: Browser, user: str, sent: list[str]) -> None:
    with opened_stream(server, user_token(raw, user)) as stream:
        browser.post("/messages/star", {"ids": [sent[0]], "starred": True})
        stream.until("status", lambda data: data["messages"][0]["starred"] is True)
        until = ms_from_now(DAY_MS)
        browser.post("/messages/snooze", {"ids": [sent[0]], "until": until})
        stream.until("update", lambda data: data["id"] == sent[0] and data["snoozedUntil"] == until)
        stream.until("counts", lambda data: data["unread"] == 2)
        browser.post("/messages/delete", {"ids": [sent[1]], "deleted": True})
        stream.until("removed", lambda data: data["ids"] == [sent[1]])
        browser.post("/messages/delete", {"ids": [sent[1]], "deleted": False})
        stream.until("update", lambda data: data["id"] == sent[1])
        soon = ms_from_now(2_000)
        browser.post("/messages/snooze", {"ids": [sent[0]], "until": soon})
        stream.until("update", lambda data: data["id"] == sent[0])
        # A look of any kind after that time shows it; here it is that of another change.
        time.sleep(max(0, soon + 100 - ms_from_now(0)) / 1_000)
        browser.post("/messages/star", {"ids": [sent[2]], "starred": True})
        assert stream.until("woken", lambda data: data["id"] == sent[0])["woken"] is True
        stream.until("counts", lambda data: data["unread"] == 3)
