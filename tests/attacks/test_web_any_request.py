"""No request to any route of any surface causes a server error."""

import itertools
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote, quote_from_bytes

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from msgcenter import portal
from msgcenter.actions.apps.apps import Apps
from msgcenter.actions.apps.key_ring import KeyRing
from msgcenter.actions.apps.team import Team
from msgcenter.actions.portal.logins import Browser, Logins
from msgcenter.database.database import Database
from msgcenter.domain.person import COMMAND, Role
from msgcenter.portal.cookies import SESSION_COOKIE, csrf_token
from msgcenter.portal.render import TEMPLATES
from tests.attacks.web_requests import CALLS, Answer, AnyRoute, Wire, all_routes
from tests.conftest import (
    PLATFORM,
    SECRET_KEY,
    Server,
    create_database,
    drop_database,
    examples,
    running_server,
    wait_for,
)
from tests.portal.conftest import create_person

METRICS_TOKEN = "the token for metrics of this test alone"
ROUTES = all_routes()
STREAM = "/inbox/v1/stream"
Value = TypeVar("Value")
WHO = ("nobody", "forged", "developer", "operator")


@dataclass
class Scene:
    """A server with an app, people and a user, and their credentials."""

    server: Server
    url: str
    app_id: str
    token: str
    user_token: str
    known: dict[str, str]
    sessions: dict[Role, str] = field(default_factory=dict)
    keys: KeyRing = field(default_factory=lambda: KeyRing(SECRET_KEY))

    def session(self, role: Role) -> str:
        """Return the session of a person with a role."""
        if role not in self.sessions:
            self.sessions[role] = wait_for(self._log_in(role))
        return self.sessions[role]

    async def _log_in(self, role: Role) -> str:
        async with Database(self.url, connections=2) as database:
            apps = Apps(database, self.keys)
            person = await create_person(database, role)
            await Team(database, apps).add(await apps.find(self.app_id), person.login, COMMAND)
            begun = await Logins(database, self.keys).begin(person, Browser("127.0.0.1", "a test", ""))
        return begun.token


@pytest.fixture(scope="module")
def scene(postgres: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """A server whose final state does not matter."""
    url = wait_for(create_database(postgres, template))
    with (
        running_server(url, tmp_path_factory.mktemp("any"), METRICS_TOKEN=METRICS_TOKEN) as server,
        Wire(server.url) as wire,
    ):
        yield _scene(server, url, wire)
    wait_for(drop_database(postgres, url))


def _scene(server: Server, url: str, wire: Wire) -> Scene:
    async def register() -> tuple[str, str]:
        async with Database(url, connections=2) as database:
            app, key = await Apps(database, KeyRing(SECRET_KEY)).create("Test app", PLATFORM)
        return app.app_id, key

    def post(path: str, body: object) -> Any:
        return json.loads(wire.ask("POST", f"{path}?accessToken={token}", body=json.dumps(body).encode()).body)

    app_id, key = wait_for(register())
    form = f"grant_type=client_credentials&client_id={app_id}&client_secret={key}"
    token = json.loads(wire.ask("POST", "/oauth2/token", body=form.encode()).body)["access_token"]
    text = {"receiverIds": ["user"], "msgtype": "text", "text": {"content": "x"}}
    known = {
        "app_id": app_id,
        "message_id": post("/msgCenter/message/sendMsg", text)["msgId"],
        "webhook_id": post(
            "/msgCenter/webhook/createWebhook", {"url": "https://127.0.0.1/x", "events": ["message.read"]}
        )["webhookId"],
        "name": "sendMsg",
        "number": "1",
    }
    user_token = post("/msgCenter/user/getUserToken", {"publisherId": "user"})["userToken"]
    return Scene(server, url, app_id, token, user_token, {**known, "id": known["message_id"]})


# --- Requests -------------------------------------------------------------------------------------------------------

NUMBERS: list[str | bytes] = [
    "0",
    "-1",
    "1.5",
    "2147483647",
    "2147483648",
    "9999999999",
    "9" * 19,
    "9" * 5_000,
    "٣",
    "²",
    "1e9",
    "0x10",
]
TEXTS: list[str | bytes] = [
    "",
    " ",
    "\0",
    "a\0b",
    "\n",
    "\x7f",
    "…",
    "校园",
    "\U0001f600",
    "\xad",
    "%",
    "%s",
    "{}",
    "..",
    "../..",
    "//",
]
TEXTS += ["a" * 300, "'\"><script>", "=1+1", "2026-11-24", "9999-12-31", "0001-01-01", "2026-02-30T99:99", "on", "all"]
BYTES: list[str | bytes] = [b"\xff", b"\xed\xa0\x80", b"\xc0\x80", b"\xf8\x88\x80\x80\x80"]
"""Invalid UTF-8: a stray byte, a lone surrogate, U+0000 in two bytes, five bytes."""
QUERIES = [
    "a",
    "&&&",
    "=",
    "a=1&a=2",
    "%",
    "%zz",
    "token=%00",
    "x=" + "%" * 200,
    "accessToken",
    "[]=1",
    "\xff",
    "a=\xe9",
]
QUERIES += ["&".join(["a=1"] * 3_000), "q=%00", "app=a%00b", "accessToken=%00", "lang=%00&theme=x", "cursor=%ED%A0%80"]
DEEP = b"[" * 1_000 + b"]" * 1_000
DEEP_OBJECT = b'{"ids":' * 1_000 + b"1" + b"}" * 1_000
BODIES = [
    b"",
    b"{}",
    b"[]",
    b"null",
    b"\xff",
    b"\0",
    b"{",
    DEEP,
    DEEP_OBJECT,
    b"a" * 20_000,
    b"&" * 2_000,
    b"\xef\xbb\xbf{}",
]
BODIES += [b'{"ids":["\\u0000"],"read":true}', b'{"upTo":"1","app":"\\u0000"}', b'{"ids":["\\ud800"],"read":true}']
METHODS = ["GET", "POST", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"]
HEADERS: dict[str, list[str]] = {
    "accept": ["", "text/html", "*/*;q=x", "application/openmetrics-text; version=9.9.9", "," * 500],
    "accept-language": ["en", "zh-CN", "en;q=nan", "q", "," * 2_000, "\xff"],
    "authorization": ["Bearer", "Bearer \xff", "Bearer a.b.c", "Basic x", "Basic " + "=" * 50, "x" * 3_000],
    "cookie": ["=", ";;;", "a", "__Host-session=\xff", "__Host-visitor=%00", "next=//x", "; ".join(["a=b"] * 500)],
    "content-type": ["", "text/plain", "multipart/form-data; boundary=x", "application/json; charset=x"],
    "host": ["[", "[::1", "a:b", "a:99999", "x@y", "\xff", "a b"],
    "idempotency-key": ["\xff", " ", "x" * 65],
    "if-none-match": ["*", '"x"', "\xff"],
    "origin": ["null", "https://x", "\xff", "https://["],
    "sec-fetch-site": ["cross-site", "x"],
    "user-agent": ["", "\xff", "x" * 3_000],
    "x-csrf-token": ["", "\xff", "0" * 43],
    "x-forwarded-for": ["x", "1.2.3.4, \xff", "::ffff:1.2.3.4", "[::1]:80", "," * 100],
    "x-forwarded-proto": ["https", "x", "\xff"],
    "x-request-id": ["\xff", "x" * 65],
}
PAGES = Path(portal.__file__).parent
FIELDS = sorted(
    {
        name
        for template in TEMPLATES.glob("*.html")
        for pattern in (r"""name=["']([a-zA-Z_.]+)["']""", r"""ui\.\w+\("([a-zA-Z_.]+)\"""")
        for name in re.findall(pattern, template.read_text("utf-8"))
    }
    | {
        name
        for page in PAGES.rglob("*.py")
        for name in re.findall(r"""form\["([a-zA-Z_.]+)"\]""", page.read_text("utf-8"))
    }
)
PARAMETERS = sorted(
    {
        name
        for page in PAGES.rglob("*.py")
        for name in re.findall(r"""query\("([a-zA-Z_.]+)"\)""", page.read_text("utf-8"))
    }
    | {"lang", "theme", "filter", "app", "kind", "q", "cursor", "limit", "token", "accessToken"}
)
JSON_FIELDS = ["ids", "read", "upTo", "app", "archived"]


def spelled(value: str | bytes) -> str:
    """Return a value as written in a path or a form."""
    return quote(value, safe="") if isinstance(value, str) else quote_from_bytes(value, safe="")


def path_with(route: AnyRoute, value: str, known: dict[str, str], *, only: str | None = None) -> str:
    """Return a route's path with a value in all its parameters, or in one of them and known values in the others."""

    def part(match: re.Match[str]) -> str:
        name = match[1]
        return value if only in {None, name} else known.get(name, "x")

    return re.sub(r"\{(\w+)(?::\w+)?\}", part, route.path)


def parameters_of(route: AnyRoute) -> list[str]:
    """Return the names of a route's parameters."""
    return re.findall(r"\{(\w+)", route.path)


def credentials(scene: Scene, route: AnyRoute, who: str) -> tuple[dict[str, str], str]:
    """Return the credentials for a route's surface as headers, and the token for forms."""
    if who == "nobody":
        return {}, ""
    if route.surface == "portal":
        if who == "forged":
            return {"cookie": f"{SESSION_COOKIE}=forged"}, ""
        session = scene.session("operator" if who == "operator" else "developer")
        return {"cookie": f"{SESSION_COOKIE}={session}"}, csrf_token(scene.keys.csrf_key, session)
    tokens = {"gateway": scene.token, "inbox": scene.user_token, "monitor": METRICS_TOKEN}
    token = "forged" if who == "forged" else tokens[route.surface]
    return {"authorization": f"Bearer {token}"}, ""


_NO_HTTP = b"Invalid HTTP request received."
"""Answers of the HTTP parser itself."""


def check(scene: Scene, answer: Answer, who: str, *request: object) -> None:
    """Check that the answer to `who` comes from the product and is not a server error."""
    assert answer.status < 500, (who, request, answer)
    assert b'"retCode":"500001"' not in answer.body, (who, request, answer)
    if answer.body != _NO_HTTP:
        assert answer.headers.get("x-content-type-options") == "nosniff", (who, request, answer)
    refused = "/portal/login" in answer.headers.get("location", "") or (answer.status, answer.body[:1]) == (401, b"<")
    if refused and who in {"developer", "operator"}:
        scene.sessions.clear()  # an earlier request has ended the session


def no_traceback(scene: Scene) -> None:
    """Check that the server's log has no error."""
    errors = [line for line in scene.server.output if "Traceback" in line or "exception" in line]
    assert not errors, errors[:3]


THOROUGH = settings().max_examples > 100
"""With --hypothesis-profile=thorough every route gets all requests, otherwise a part of them."""


def part_of(values: Sequence[Value], number: int, parts: int) -> Sequence[Value]:
    """Return every nth value, with another start for each route."""
    return values if THOROUGH else values[number % parts :: parts]


def test_every_route_takes_odd_values_in_its_path(scene: Scene) -> None:
    values = [spelled(value) for value in (*TEXTS, *NUMBERS, *BYTES)]
    people = itertools.cycle(("operator", "developer", "operator", "nobody"))
    places = [(route, name) for route in ROUTES for name in parameters_of(route)]
    with Wire(scene.server.url) as wire:
        for number, (route, name) in enumerate(places):
            for value in ["%00", *part_of(values, number, 8)]:
                who = next(people)
                headers, _ = credentials(scene, route, who)
                target = path_with(route, value, scene.known, only=name)
                check(scene, wire.ask("GET", target, headers), who, target)
    no_traceback(scene)


def test_every_route_takes_odd_queries_and_methods(scene: Scene) -> None:
    with Wire(scene.server.url) as wire:
        for number, route in enumerate(ROUTES):
            for place, who in enumerate(WHO):
                headers, _ = credentials(scene, route, who)
                target = path_with(route, "1", scene.known, only="")
                for query in part_of(QUERIES, number + place, 16):
                    check(scene, wire.ask("GET", f"{target}?{query}", headers), who, target, query)
                for method in part_of(METHODS, number + place, 5):
                    body = b"" if method in {"POST", "PUT", "PATCH"} else None
                    check(scene, wire.ask(method, target, headers, body), who, method, target)
    no_traceback(scene)


def test_every_route_that_takes_a_body_takes_an_odd_one(scene: Scene) -> None:
    with Wire(scene.server.url) as wire:
        for number, route in enumerate(ROUTES):
            who = "operator" if number % 4 else "nobody"
            headers, csrf = credentials(scene, route, who)
            if csrf:
                headers["x-csrf-token"] = csrf
            target = path_with(route, "1", scene.known, only="")
            for body in BODIES if route.surface == "inbox" else part_of(BODIES, number, 4):
                check(scene, wire.ask("POST", target, headers, body), who, target, body[:40])
    no_traceback(scene)


def test_every_surface_takes_odd_headers(scene: Scene) -> None:
    chosen = [AnyRoute("gateway", next(iter(CALLS))), AnyRoute("gateway", "/openapi.json")]
    chosen += [AnyRoute("inbox", "/inbox/v1/counts"), AnyRoute("inbox", "/inbox"), AnyRoute("monitor", "/metrics")]
    chosen += [AnyRoute("inbox", "/inbox/page.js"), AnyRoute("portal", "/portal/static/portal.css")]
    chosen += [AnyRoute("portal", "/portal/apps"), AnyRoute("portal", "/portal/login"), AnyRoute("portal", "/nothing")]
    pairs = [(name, value) for name, values in HEADERS.items() for value in values]
    with Wire(scene.server.url) as wire:
        for number, route in enumerate(chosen):
            for place, who in enumerate(("nobody", "operator")):
                known, _ = credentials(scene, route, who)
                for name, value in part_of(pairs, number + place, 4):
                    method = "POST" if route.path in CALLS else "GET"
                    body = b"{}" if method == "POST" else None
                    answer = wire.ask(method, route.path, {**known, name: value}, body)
                    check(scene, answer, who, route, name, value)
    no_traceback(scene)


class Forms(HTMLParser):
    """Return the forms of a page: the target of each, and its fields with their values."""

    def __init__(self, page: str, path: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | bytes]]] = []
        self._path = path
        self._name = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Read a form, or a field of the last form."""
        attributes = {name: value or "" for name, value in attrs}
        if tag == "form" and attributes.get("method", "").lower() == "post":
            self.found.append((attributes.get("action") or self._path, {}))
        if not self.found:
            return
        fields = self.found[-1][1]
        if tag in {"input", "button", "textarea", "select"} and "name" in attributes:
            self._name = attributes["name"]
            fields[self._name] = attributes.get("value", "")
        if tag == "option" and self._name and ("selected" in attributes or not fields[self._name]):
            fields[self._name] = attributes.get("value", "")


def test_every_form_takes_an_odd_value_in_each_field(scene: Scene) -> None:
    seen: set[tuple[str, tuple[str, ...]]] = set()
    odd = [*TEXTS, *NUMBERS, *BYTES]
    with Wire(scene.server.url) as wire:
        for route, who in itertools.product(ROUTES, ("operator", "nobody")):
            if route.surface != "portal":
                continue
            headers, _ = credentials(scene, route, who)
            path = path_with(route, "1", scene.known, only="")
            for action, fields in Forms(wire.ask("GET", path, headers).text(), path).found:
                form = (re.sub("[0-9]+", "1", action), tuple(fields))
                if form in seen or "logout" in action:
                    continue
                seen.add(form)
                for name in fields.keys() - {"csrf"}:
                    for value in part_of(odd, len(seen), 16):
                        headers, csrf = credentials(scene, route, who)
                        filled = {**fields, "csrf": csrf or fields.get("csrf", ""), name: value}
                        check(scene, wire.ask("POST", action, headers, encoded(filled).encode()), who, action, filled)
    assert len(seen) > 20, seen  # some forms are shown only if there is something to decide
    no_traceback(scene)


# --- Anything at all ------------------------------------------------------------------------------------------------

VALUES: st.SearchStrategy[str | bytes] = (
    st.sampled_from([*TEXTS, *NUMBERS, *BYTES])
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
    | st.binary(max_size=8)
    | st.integers(-(2**70), 2**70).map(str)
)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from([*TEXTS, *NUMBERS]) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(JSON_FIELDS), inner, max_size=3),
    max_leaves=8,
)
FORMS = st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=8)
HEADER = st.sampled_from(sorted(HEADERS)).flatmap(lambda name: st.tuples(st.just(name), st.sampled_from(HEADERS[name])))


def names_asked(route: AnyRoute) -> list[str]:
    """Return the known names of the fields in a route's requests."""
    call = CALLS.get(route.path)
    return [re.split(r"[.\[]", one.name)[0] for one in call.parameters] if call else []


def encoded(pairs: dict[str, str | bytes]) -> str:
    """Return the encoding of a form or a query."""
    return "&".join(f"{spelled(name)}={spelled(value)}" for name, value in pairs.items())


def test_any_request_is_answered(scene: Scene) -> None:
    wire = Wire(scene.server.url)

    @settings(max_examples=examples(300), deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def run(data: st.DataObject) -> None:
        draw = data.draw
        route = draw(st.sampled_from(ROUTES))
        who = draw(st.sampled_from(WHO))
        method = draw(st.sampled_from(["GET", "GET", "POST", "POST", *METHODS]))
        headers, csrf = credentials(scene, route, who)
        headers |= dict(draw(st.lists(HEADER, max_size=2)))
        parameter = draw(st.sampled_from(["", *parameters_of(route)]))
        value = spelled(draw(VALUES)) if parameter else ""
        target = path_with(route, value, scene.known, only=parameter)
        query = encoded(draw(st.dictionaries(st.sampled_from(PARAMETERS), VALUES, max_size=4)))
        body: bytes | None = None
        if method == "POST":
            if route.surface == "portal":
                form = draw(FORMS)
                body = encoded({**form, "csrf": csrf} if draw(st.booleans()) else form).encode()
            else:
                names = [*JSON_FIELDS, *names_asked(route)]
                body = json.dumps(draw(st.dictionaries(st.sampled_from(names), JSON, max_size=5) | JSON)).encode()
        answer = wire.ask(method, f"{target}?{query}" if query else target, headers, body)
        check(scene, answer, who, method, target, query, headers, body)

    with wire:
        run()
    no_traceback(scene)
