"""What developers and operators do with apps in the portal, and its effect on the API."""

import re

import httpx
import pytest

from msgcenter_client import Client, IdentityError
from tests.conftest import Credentials, Server
from tests.portal.conftest import Company, Visitor


def made_app(visitor: Visitor, name: str = "Smart Campus", platform: str = "420100") -> tuple[str, str]:
    """Register an app in the portal; return its appId and the appKey that is shown once."""
    answer = visitor.post("/apps/new", name=name, platform=platform)
    assert answer.status_code == 201, answer.text
    app_id = re.search(r"data-copy>([0-9a-f]{16})<", answer.text)
    app_key = re.search(r'id="app-key">([0-9a-f]{32})<', answer.text)
    assert app_id is not None
    assert app_key is not None
    return app_id[1], app_key[1]


def can_log_in(server: Server, app_id: str, key: str) -> bool:
    """Return whether the API issues a token for a key."""
    form = {"grant_type": "client_credentials", "client_id": app_id, "client_secret": key}
    return httpx.post(f"{server.url}/oauth2/token", data=form, trust_env=False).status_code == 200


def test_a_new_app_starts_in_the_sandbox(
    server: Server, stranger: Visitor, operator: Visitor, app: Credentials
) -> None:
    app_id, key = made_app(stranger)
    page = stranger.get(f"/apps/{app_id}").text
    assert f"sandbox-{app_id}" in page
    assert key not in page
    with Client(server.url, app_id, key, retries=0) as client:
        assert client.send_text(f"sandbox-{app_id}", "first")
        assert client.send_text(f"sandbox-{app_id}-2", "to another one")
        for refused in (
            lambda: client.send_text("teacher-li", "not yet"),
            lambda: client.send_text([f"sandbox-{app_id}", "teacher-li"], "not yet"),
            lambda: client.user_token("teacher-li"),
            lambda: client.subscribe("class", ["teacher-li"]),
        ):
            with pytest.raises(IdentityError, match="sandbox"):
                refused()
        page, request = f"/apps/{app_id}", {"kind": "live", "reason": "It works"}
        assert stranger.post(f"{page}/ask", page=page, **request).is_redirect
        assert "Pending" in stranger.get(f"/apps/{app_id}").text
        again = stranger.post(f"{page}/ask", page=page, **request)
        assert (again.status_code, "requested already" in again.text) == (422, True)
        number = re.search(
            rf'{app_id}.*?name="number" value="(\d+)"', operator.get("/operator/requests").text, re.DOTALL
        )
        assert number is not None
        long = operator.post("/operator/requests", number=number[1], granted="1", answer="x" * 501)
        assert (long.status_code, "at most 500" in long.text) == (422, True)
        operator.post("/operator/requests", number=number[1], granted="1", answer="Welcome aboard")
        assert client.send_text("teacher-li", "now it may")
        decided = operator.post("/operator/requests", number=number[1], granted="0")
        assert (decided.status_code, "it is decided" in decided.text) == (422, True)
    shown = stranger.get(f"/apps/{app_id}").text
    assert "Granted" in shown
    assert "Welcome aboard" in shown


def test_an_operators_app_is_live_at_once(server: Server, operator: Visitor) -> None:
    app_id, key = made_app(operator)
    with Client(server.url, app_id, key, retries=0) as client:
        assert client.send_text("teacher-li", "hello")


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"name": "", "platform": "420100"}, "must be 1-64"),
        ({"name": "x" * 65, "platform": "420100"}, "must be 1-64"),
        ({"name": "Fine", "platform": "nowhere"}, "must be one of the platforms"),
    ],
)
def test_a_wrong_form_is_shown_again(stranger: Visitor, app: Credentials, fields: dict[str, str], error: str) -> None:
    answer = stranger.post("/apps/new", **fields)
    assert answer.status_code == 422
    assert error in answer.text
    assert f'value="{fields["name"]}"' in answer.text


def test_both_keys_are_valid_while_they_overlap(server: Server, developer: Visitor, app: Credentials) -> None:
    keys = f"/apps/{app.app_id}/keys"
    with Client(server.url, app.app_id, app.app_key, retries=0) as old:
        old.unread_count("somebody")
        answer = developer.post(f"{keys}/rotate", page=keys, overlap="1d")
        new = re.search(r'id="app-key">([0-9a-f]{32})<', answer.text)
        assert new is not None
        assert can_log_in(server, app.app_id, new[1])
        assert can_log_in(server, app.app_id, app.app_key)
        old.unread_count("somebody")
        assert developer.post(f"{keys}/end", page=keys).is_redirect
        assert not can_log_in(server, app.app_id, app.app_key)
        assert can_log_in(server, app.app_id, new[1])
        with pytest.raises(IdentityError):
            old.unread_count("somebody")
    at_once = developer.post(f"{keys}/rotate", page=keys, overlap="0")
    assert at_once.status_code == 200
    assert not can_log_in(server, app.app_id, new[1])
    assert developer.post(f"{keys}/rotate", page=keys, overlap="10y").status_code == 422


def test_a_disabled_app_gets_no_token(server: Server, developer: Visitor, app: Credentials) -> None:
    settings = f"/apps/{app.app_id}/settings"
    developer.post(f"/apps/{app.app_id}/disable", page=settings, disabled="1")
    assert not can_log_in(server, app.app_id, app.app_key)
    assert "Disabled" in developer.get("/apps").text
    developer.post(f"/apps/{app.app_id}/disable", page=settings, disabled="0")
    assert can_log_in(server, app.app_id, app.app_key)


def test_an_app_has_several_members(company: Company, developer: Visitor, app: Credentials) -> None:
    colleague, person = company.enter()
    settings = f"/apps/{app.app_id}/settings"
    assert colleague.get(settings).status_code == 404
    unknown = developer.post(f"/apps/{app.app_id}/members", page=settings, login="nobody@example.edu")
    assert "no such user; they must sign up first" in unknown.text
    assert developer.post(f"/apps/{app.app_id}/members", page=settings, login=person.login).is_redirect
    twice = developer.post(f"/apps/{app.app_id}/members", page=settings, login=person.login)
    assert "is a member already" in twice.text
    assert app.app_id in colleague.get("/apps").text
    remove = f"/apps/{app.app_id}/members/remove"
    assert (
        colleague.post(remove, page=settings, person=str(person.number)).headers["location"].startswith("/portal/apps?")
    )
    assert colleague.get(settings).status_code == 404
    last = re.search(r"person-\d+@example\.edu", developer.get(settings).text)
    assert last is not None
    assert 'name="person"' not in developer.get(settings).text, "the last member cannot leave"


def test_name_colour_and_origins_are_saved(developer: Visitor, operator: Visitor, app: Credentials) -> None:
    settings = f"/apps/{app.app_id}/settings"
    assert operator.post(f"/apps/{app.app_id}/face", page=settings, name="<b>Campus</b>", colour="#12ab34").is_redirect
    page = developer.get(settings).text
    assert "&lt;b&gt;Campus&lt;/b&gt;" in page
    assert 'fill="#12ab34"' in page
    wrong = developer.post(f"/apps/{app.app_id}/face", page=settings, name="x", colour="red")
    assert "six hex digits" in wrong.text
    origins = "https://pupils.example.edu\n\n  http://10.0.0.1:8080 "
    assert developer.post(f"/apps/{app.app_id}/origins", page=settings, origins=origins).is_redirect
    assert "http://10.0.0.1:8080\nhttps://pupils.example.edu" in developer.get(settings).text
    wrong = developer.post(f"/apps/{app.app_id}/origins", page=settings, origins="school.example.edu")
    assert "must be like https://school.example.edu" in wrong.text
    assert wrong.text.count("school.example.edu</textarea>") == 1, "the input is kept"


def test_operators_change_permissions_and_limits(operator: Visitor, developer: Visitor, app: Credentials) -> None:
    page = f"/operator/apps/{app.app_id}"
    code = f"p-{app.app_id[:8]}"
    assert operator.post("/operator/platforms", new="1", code=code, name="District", schemes="campus").is_redirect
    assert "is taken" in operator.post("/operator/platforms", new="1", code=code, name="Again").text
    assert "cannot be allowed" in operator.post("/operator/platforms", code=code, name="x", schemes="javascript").text
    assert "must be 1-64" in operator.post("/operator/platforms", code=code, name="\u3164", schemes="").text
    fields = {"live": "1", "platform_inbox": "1", f"platform.{code}": "1"}
    assert operator.post(f"{page}/permissions", page=page, **fields).is_redirect
    shown = re.sub(r"<[^>]+>|\s+", " ", developer.get(f"/apps/{app.app_id}").text)
    assert "Broadcasts not allowed" in re.sub(" +", " ", shown)
    assert f"420100, {code}" in shown
    limits = {"quota": "5000", "rate.sendMsg": "7", "rate.*": "20"}
    assert operator.post(f"{page}/limits", page=page, **limits).is_redirect
    assert "5,000" in developer.get(f"/apps/{app.app_id}").text
    assert 'name="rate.sendMsg" value="7"' in operator.get(page).text
    for wrong in ({"quota": "many"}, {"quota": "9999999999"}, {"rate.sendMsg": "-1"}, {"rate.sendMsg": "1000000"}):
        assert operator.post(f"{page}/limits", page=page, **wrong).status_code == 422
    log = operator.get("/operator/audit?action=app.limits").text
    assert app.app_id in log
    assert "messages per day: 5000" in log


def test_every_change_is_in_the_audit_log(developer: Visitor, app: Credentials) -> None:
    settings = f"/apps/{app.app_id}/settings"
    developer.post(f"/apps/{app.app_id}/face", page=settings, name="Renamed", automatic="1")
    developer.post(f"/apps/{app.app_id}/keys/rotate", page=f"/apps/{app.app_id}/keys", overlap="1h")
    log = developer.get(f"/apps/{app.app_id}/audit").text
    for action in ("app.create", "grant.ask.branding", "app.key.rotate"):
        assert f"<code>{action}</code>" in log
    assert "name: Renamed" in log
    assert "127.0.0.1" in log
    filtered = developer.get(f"/apps/{app.app_id}/audit?action=app.key&since=2020-01-01").text
    assert "app.key.rotate" in filtered
    assert "<code>app.face</code>" not in filtered
    assert "No entry matches" in developer.get(f"/apps/{app.app_id}/audit?until=2020-01-01").text
    assert developer.get(f"/apps/{app.app_id}/audit?since=yesterday").status_code == 422


def test_the_last_operator_cannot_be_removed(company: Company, operator: Visitor) -> None:
    text = operator.get("/operator/people").text
    everyone = re.findall(r'<td>([^<]+)</td>\s*<td>Operator</td>.*?name="person" value="(\d+)"', text, re.DOTALL)
    me = re.search(r"person-\d+@example\.edu", operator.get("/account").text)
    assert me is not None
    mine = dict(everyone)[me[0]]
    for login, number in everyone:
        if login != me[0]:
            operator.post("/operator/people", person=number, change="disable")
    for change in ("disable", "developer"):
        refused = operator.post("/operator/people", person=mine, change=change)
        assert (refused.status_code, "is the last operator" in refused.text) == (422, True)


def test_permissions_are_saved_together_or_not_at_all(operator: Visitor, app: Credentials) -> None:
    path = f"/operator/apps/{app.app_id}"
    refused = operator.post(f"{path}/permissions", page=path, platform_inbox="1", **{"platform.nowhere": "1"})
    assert (refused.status_code, "there is no platform nowhere" in refused.text) == (422, True)
    assert re.search(r'name="live" value="1" checked', operator.get(path).text), "it is as it was"
    assert operator.post(f"{path}/permissions", page=path, platform_inbox="1").status_code == 303
    page = operator.get(path).text
    assert not re.search(r'name="(live|broadcasts)" value="1" checked', page)
    assert re.search(r'name="platform_inbox" value="1" checked', page)
    log = operator.get(f"/apps/{app.app_id}/audit").text
    assert re.findall(r"<code>(app\.[a-z]+)</code>", log)[:4] == [
        *("app.inbox", "app.directory", "app.broadcasts", "app.live"),
    ]
    assert operator.post(f"{path}/permissions", page=path, platform_inbox="1").status_code == 303
    assert operator.get(f"/apps/{app.app_id}/audit").text.count("<code>app.") == log.count("<code>app."), "no change"


def test_the_operators_start_page_redirects(operator: Visitor) -> None:
    assert 'href="/portal/operator"' in operator.get("/apps").text
    assert operator.get("/operator").headers["location"] == "/portal/operator/requests"


def test_a_refused_change_of_a_platform_is_explained_in_its_form(operator: Visitor, app: Credentials) -> None:
    refused = operator.post("/operator/platforms", code=app.platform_code, name="Kept", schemes="javascript")
    assert refused.status_code == 422
    card = refused.text.partition(f'value="{app.platform_code}"')[2].partition("</section>")[0]
    assert "javascript cannot be allowed" in card
    assert 'value="Kept"' in card, "the input is kept"
    assert refused.text.count('id="wrong-schemes"') == 1
