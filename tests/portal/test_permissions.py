"""Every page of the portal for every kind of visitor, and every form without its token."""

import re
from collections.abc import Mapping
from typing import Any

import pytest

from msgcenter.portal.page import Page
from msgcenter.portal.routes import PAGES
from tests.conftest import Credentials, Raw
from tests.portal.conftest import Visitor

WHO = ("anonymous", "stranger", "developer", "operator")
LET_IN = {
    "public": set(WHO),
    "person": {"stranger", "developer", "operator"},
    "member": {"developer", "operator"},
    "operator": {"operator"},
}
REFUSED = {401, 403, 404}


def path_of(page: Page[Any], app: Credentials) -> str:
    """Return a page's path with an app; other parts name nothing that exists."""
    return re.sub(r"\{\w+(:\w+)?\}", "7", page.path.replace("{app_id}", app.app_id))


def may_be_absent(page: Page[Any]) -> bool:
    """Return whether a page is about something that `path_of` does not name."""
    return bool(set(re.findall(r"\{(\w+)", page.path)) - {"app_id"})


@pytest.fixture
def visitors(visitor: Visitor, stranger: Visitor, developer: Visitor, operator: Visitor) -> Mapping[str, Visitor]:
    """One visitor of each kind."""
    return dict(zip(WHO, (visitor, stranger, developer, operator), strict=True))


def test_each_page_is_shown_to_the_allowed_people_only(visitors: Mapping[str, Visitor], app: Credentials) -> None:
    for page in PAGES:
        if page.method != "GET":
            continue
        for name, visitor in visitors.items():
            answer = visitor.get(path_of(page, app))
            said = f"{page.path} for {name}: {answer.status_code}"
            if name in LET_IN[page.access]:
                allowed = {200, 303} | ({403, 404} if may_be_absent(page) else set())
                assert answer.status_code in allowed, said
                assert page.access == "public" or "/login" not in answer.headers.get("location", ""), said
            elif name == "anonymous":
                assert (answer.status_code, answer.headers["location"]) == (303, "/portal/login"), said
            else:
                assert answer.status_code == (403 if page.access == "operator" else 404), said


def test_each_form_is_accepted_from_the_allowed_people_only(visitors: Mapping[str, Visitor], app: Credentials) -> None:
    for page in PAGES:
        if page.method != "POST" or page.path == "/logout":
            continue
        for name, visitor in visitors.items():
            answer = visitor.post(path_of(page, app), page="/account" if name != "anonymous" else "/login")
            said = f"{page.path} for {name}: {answer.status_code} {answer.text[:200]}"
            if name in LET_IN[page.access]:
                allowed = {403, 404} if may_be_absent(page) else set()
                assert answer.status_code < 500, said
                assert answer.status_code not in REFUSED - allowed, said
            elif name == "anonymous":
                assert answer.status_code == 401, said
            else:
                assert answer.status_code == (403 if page.access == "operator" else 404), said


def test_forms_without_a_token_are_refused(visitors: Mapping[str, Visitor], app: Credentials) -> None:
    for page in PAGES:
        if page.method != "POST":
            continue
        for name, visitor in visitors.items():
            if name not in LET_IN[page.access]:
                continue
            other = "0" * 43
            for csrf in ("", other):
                answer = visitor.post(path_of(page, app), csrf=csrf)
                assert answer.status_code == 403, f"{page.path} for {name}"
                assert "too old" in answer.text


def test_forms_of_other_websites_are_refused(developer: Visitor, app: Credentials) -> None:
    match = re.search(r'name="csrf" value="([^"]+)"', developer.get("/account").text)
    assert match is not None
    form = {"csrf": match[1], "name": "Renamed", "automatic": "1"}
    for headers in (
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "https://evil.example"},
    ):
        answer = developer.request("POST", f"/apps/{app.app_id}/face", data=form, headers=headers)
        assert answer.status_code == 403
    assert developer.request("POST", f"/apps/{app.app_id}/face", data=form).status_code == 303


def test_the_form_token_of_another_session_is_refused(developer: Visitor, stranger: Visitor, app: Credentials) -> None:
    match = re.search(r'name="csrf" value="([^"]+)"', stranger.get("/account").text)
    assert match is not None
    assert developer.post(f"/apps/{app.app_id}/face", csrf=match[1], name="Renamed").status_code == 403


def test_every_answer_has_the_headers_that_keep_it_safe(visitors: Mapping[str, Visitor]) -> None:
    for path in ("/login", "/apps", "/apps/nothing", "/operator/people"):
        for visitor in visitors.values():
            answer = visitor.get(path)
            policy = answer.headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
            assert "frame-ancestors 'none'" in policy
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["cache-control"] == "no-store"


def test_a_disabled_person_loses_access_at_once(visitors: Mapping[str, Visitor], raw: Raw) -> None:
    operator, stranger = visitors["operator"], visitors["stranger"]
    login = re.search(r"person-\d+@example\.edu", stranger.get("/account").text)
    assert login is not None
    row = operator.get("/operator/people").text.partition(f"<td>{login[0]}</td>")[2]
    number = re.search(r'name="person" value="(\d+)"', row)
    assert number is not None
    assert operator.post("/operator/people", person=number[1], change="disable").status_code == 303
    assert stranger.get("/apps").headers["location"] == "/portal/login"
    assert "wrong" in stranger.log_in(login[0]).text
    assert operator.post("/operator/people", person=number[1], change="enable").status_code == 303
    assert stranger.log_in(login[0]).status_code == 303
