"""Access to every page of the portal for every kind of visitor, and every form without its token."""

import re
import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import pytest

from msgcenter.portal.page import Page
from msgcenter.portal.routes import PAGES
from msgcenter.store.apps.platforms import ensure_platform
from msgcenter_client import Client
from tests.conftest import PLATFORM, Credentials, Raw, Server, SharedConnections
from tests.portal.conftest import Company, Visitor

WHO = ("anonymous", "stranger", "developer", "operator")
LET_IN = {
    "public": set(WHO),
    "person": {"stranger", "developer", "operator"},
    "member": {"developer", "operator"},
    "operator": {"operator"},
}
REFUSED = {401, 403, 404}
OF_A_GATEWAY = {f"/operator/channels/{name}" for name in ("gateway", "test", "off", "remove")}


class Places:
    """Real objects for the ids in the paths of pages, made when a path needs them."""

    def __init__(
        self, server: Server, shared: SharedConnections, app: Credentials, client: Client, operator: Visitor
    ) -> None:
        self._server = server
        self._shared = shared
        self._app = app
        self._client = client
        self._operator = operator
        self._objects: dict[str, str] = {}

    def path_of(self, page: Page[Any]) -> str:
        """Return the path of a page with ids of existing objects."""
        path = re.sub(r"\{(\w+)(:\w+)?\}", lambda match: self._object(match[1]), page.path)
        if page.path.endswith("/delete"):
            self._objects.pop("webhook_id")  # the page deletes it; the next page gets a new one
        return path + self._object("gateway") if page.path in OF_A_GATEWAY else path

    def _object(self, name: str) -> str:
        if name not in self._objects:
            self._objects[name] = getattr(self, f"_new_{name}")()
        return self._objects[name]

    def _new_app_id(self) -> str:
        return self._app.app_id

    def _new_name(self) -> str:
        return "sendMsg"

    def _new_message_id(self) -> str:
        return self._client.send_text(f"{self._app.app_id}-reader", "shown")

    def _new_webhook_id(self) -> str:
        return self._client.create_webhook("http://127.0.0.1:9/", ["message.recalled"]).id

    def _new_invitation(self) -> str:
        answer = self._operator.post("/operator/people/invite", page="/operator/people", role="developer")
        link = re.search(rf"{self._server.url}/portal/invitation/(\w+)", answer.text)
        assert link is not None, answer.text
        return link[1]

    def _new_gateway(self) -> str:
        code = f"p{secrets.token_hex(6)}"  # of its own: other tests' messages have no gateway
        self._shared.run(self._shared.database.in_transaction(ensure_platform, code, code, 1, cells=1))
        query = "?" + urlencode({"platform": code, "channel": "sms", "provider": "http"})
        fields = {"field-url": "https://sms.example.edu/", "field-secret": "", "rate": "1", "daily_limit": ""}
        answer = self._operator.post(f"/operator/channels/gateway{query}", page="/account", **fields)
        assert answer.status_code == 303, answer.text
        return query

    def _new_number(self) -> str:
        fields = {"platform": PLATFORM, "kind": "text", "text.content": "A notice."}
        answer = self._operator.post("/operator/announcements/new", **fields)
        number = re.search(r"/operator/announcements/(\d+)", answer.headers["location"])
        assert number is not None
        return number[1]


@pytest.fixture
def places(
    server: Server, shared_connections: SharedConnections, app: Credentials, client: Client, company: Company
) -> Places:
    """The objects of the pages, in `app` or made by an operator who is not among the visitors."""
    return Places(server, shared_connections, app, client, company.enter("operator")[0])


@pytest.fixture
def visitors(visitor: Visitor, stranger: Visitor, developer: Visitor, operator: Visitor) -> Mapping[str, Visitor]:
    """One visitor of each kind."""
    return dict(zip(WHO, (visitor, stranger, developer, operator), strict=True))


def test_each_page_is_shown_to_the_allowed_people_only(visitors: Mapping[str, Visitor], places: Places) -> None:
    for page in PAGES:
        if page.method != "GET":
            continue
        for name, visitor in visitors.items():
            answer = visitor.get(places.path_of(page))
            context = f"{page.path} for {name}: {answer.status_code}"
            if name in LET_IN[page.access]:
                assert answer.status_code in {200, 303}, context
                assert page.access == "public" or "/login" not in answer.headers.get("location", ""), context
            elif name == "anonymous":
                assert (answer.status_code, answer.headers["location"]) == (303, "/portal/login"), context
            else:
                assert answer.status_code == (403 if page.access == "operator" else 404), context


def test_each_form_is_accepted_from_the_allowed_people_only(visitors: Mapping[str, Visitor], places: Places) -> None:
    for page in PAGES:
        if page.method != "POST" or page.path == "/logout":
            continue
        for name, visitor in visitors.items():
            answer = visitor.post(places.path_of(page), page="/account" if name != "anonymous" else "/login")
            context = f"{page.path} for {name}: {answer.status_code} {answer.text[:200]}"
            if name in LET_IN[page.access]:
                assert answer.status_code < 500, context
                assert answer.status_code not in REFUSED, context
            elif name == "anonymous":
                assert answer.status_code == 401, context
            else:
                assert answer.status_code == (403 if page.access == "operator" else 404), context


def test_forms_without_a_token_are_refused(visitors: Mapping[str, Visitor], places: Places) -> None:
    for page in PAGES:
        if page.method != "POST":
            continue
        for name, visitor in visitors.items():
            if name not in LET_IN[page.access]:
                continue
            other = "0" * 43
            for csrf in ("", other):
                answer = visitor.post(places.path_of(page), csrf=csrf)
                assert answer.status_code == 403, f"{page.path} for {name}"
                assert "too old" in answer.text


def test_forms_of_other_websites_are_refused(developer: Visitor, app: Credentials) -> None:
    token = re.search(r'name="csrf" value="([^"]+)"', developer.get("/account").text)
    assert token is not None
    form = {"csrf": token[1], "name": "Renamed", "automatic": "1"}
    for headers in (
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "https://evil.example"},
    ):
        answer = developer.request("POST", f"/apps/{app.app_id}/face", data=form, headers=headers)
        assert answer.status_code == 403
    assert developer.request("POST", f"/apps/{app.app_id}/face", data=form).status_code == 303


def test_the_form_token_of_another_session_is_refused(developer: Visitor, stranger: Visitor, app: Credentials) -> None:
    token = re.search(r'name="csrf" value="([^"]+)"', stranger.get("/account").text)
    assert token is not None
    assert developer.post(f"/apps/{app.app_id}/face", csrf=token[1], name="Renamed").status_code == 403


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
