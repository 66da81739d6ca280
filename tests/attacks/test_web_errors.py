"""Errors of a request are explained in the format of its surface, and never logged as server errors."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from msgcenter.inbox.files import STATIC as INBOX_FILES
from msgcenter.portal.assets import STATIC as PORTAL_FILES
from tests.attacks.web_requests import Answer, Wire
from tests.conftest import Credentials, Raw, Server
from tests.inbox.conftest import user_token
from tests.portal.conftest import Visitor

HTML = {"accept": "text/html,*/*"}
PROBLEM = "application/problem+json"


@pytest.fixture
def wire(server: Server) -> Iterator[Wire]:
    """A connection to the shared server."""
    with Wire(server.url) as opened:
        yield opened


def is_page(answer: Answer) -> bool:
    return answer.headers["content-type"].startswith("text/html") and b"<h1" in answer.body


def problem(answer: Answer) -> dict[str, object]:
    assert answer.headers["content-type"] == PROBLEM
    body: dict[str, object] = json.loads(answer.body)
    assert body["status"] == answer.status
    assert {"type", "title", "detail", "code"} <= set(body)
    return body


# --- Unknown paths and other methods ----------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "PROPFIND"])
@pytest.mark.parametrize(
    "path", ["/inbox/v1/nothing", "/inbox/v1/", "/inbox/v1/messages/1/2", "/inbox/x", "/inbox/../x"]
)
def test_the_inbox_has_nothing_at_an_unknown_path(server: Server, wire: Wire, method: str, path: str) -> None:
    answer = wire.ask(method, path)
    assert answer.status == (404 if method == "GET" else 405)
    assert problem(answer)["code"] == ("not_found" if method == "GET" else "method_not_allowed")
    page = wire.ask(method, path, HTML)
    assert (page.status, is_page(page)) == (answer.status, True)
    assert not [line for line in server.output if "Traceback" in line]


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/inbox/v1/messages", "GET, HEAD, OPTIONS"),
        ("/inbox/v1/messages/1", "GET, HEAD, OPTIONS"),
        ("/inbox/v1/stream", "GET, HEAD, OPTIONS"),
        ("/inbox/v1/messages/status", "POST, OPTIONS"),
        ("/inbox/v1/openapi.json", "GET, HEAD, OPTIONS"),
        ("/inbox", "GET, HEAD, OPTIONS"),
        ("/inbox/msg-inbox.js", "GET, HEAD, OPTIONS"),
        ("/portal/static/portal.css", "GET, HEAD, OPTIONS"),
        ("/portal/login", "GET, POST, HEAD, OPTIONS"),
        ("/portal/logout", "POST, OPTIONS"),
        ("/portal/apps", "GET, HEAD, OPTIONS"),
        ("/", "GET, HEAD, OPTIONS"),
    ],
)
def test_another_method_is_405_and_options_lists_the_allowed_ones(
    server: Server, wire: Wire, path: str, allowed: str
) -> None:
    options = wire.ask("OPTIONS", path)
    assert (options.status, options.headers["allow"]) == (204, allowed)
    for method in {"GET", "POST", "PUT", "DELETE", "PROPFIND"} - set(allowed.split(", ")):
        answer = wire.ask(method, path)
        assert (answer.status, answer.headers["allow"]) == (405, allowed), method
        if path.startswith("/inbox"):
            assert problem(answer)["code"] == "method_not_allowed"
        else:
            assert is_page(answer)
    assert not [line for line in server.output if "Traceback" in line]


@pytest.mark.parametrize(
    "path", ["/portal/static/nothing.js", "/portal/static/", "/portal/static/../x", "/portal/nothing"]
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_the_portal_has_a_page_for_unknown_paths(server: Server, wire: Wire, method: str, path: str) -> None:
    answer = wire.ask(method, path)
    assert (answer.status, is_page(answer)) == (404, True)
    assert not [line for line in server.output if "Traceback" in line]


def test_head_is_answered_where_get_is(wire: Wire, raw: Raw, user: str) -> None:
    token = {"authorization": f"Bearer {user_token(raw, user)}"}
    paths = ["/inbox", "/inbox/msg-inbox.js", "/inbox/v1/openapi.json", "/inbox/v1/counts", "/openapi.json", "/healthz"]
    for path in [*paths, "/readyz", "/portal", "/portal/login", "/portal/static/portal.css", "/portal/docs/sendMsg"]:
        got, head = wire.ask("GET", path, token), wire.ask("HEAD", path, token)
        assert (head.status, head.body) == (200, b""), path
        assert head.headers["content-type"] == got.headers["content-type"], path
    stream = wire.ask("HEAD", "/inbox/v1/stream", token)
    assert (stream.status, stream.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")


KEEP_A_WHILE = "public, max-age=300, stale-while-revalidate=86400"


@pytest.mark.parametrize("folder", [("/inbox/", INBOX_FILES), ("/portal/static/", PORTAL_FILES)])
def test_files_are_served_unchanged_and_cached(wire: Wire, folder: tuple[str, Path]) -> None:
    prefix, files = folder
    for path in files.iterdir():
        if path.suffix == ".html":
            continue
        answer = wire.ask("GET", prefix + path.name)
        bundle = files.parent / "bundle" / f"{path.stem}.min{path.suffix}"
        assert (answer.status, answer.body) == (200, (bundle if bundle.exists() else path).read_bytes())
        is_module = path.suffix == ".js" and not bundle.exists()
        assert answer.headers["cache-control"] == ("no-cache" if is_module else KEEP_A_WHILE)
        again = wire.ask("GET", prefix + path.name, {"if-none-match": answer.headers["etag"]})
        assert (again.status, again.body) == (304, b"")
        assert wire.ask("GET", prefix + path.name, {"if-none-match": '"another"'}).status == 200


def test_the_inbox_page_is_found_with_a_slash_at_its_end(wire: Wire) -> None:
    answer = wire.ask("GET", "/inbox/")
    assert (answer.status, answer.headers["location"]) == (307, "../inbox")
    assert wire.ask("GET", "/inbox/inbox.html").status == 404, "only the page itself has a rule about frames"


# --- Values that nothing can have -------------------------------------------------------------------------------------


def test_u0000_is_refused_with_its_field(server: Server, wire: Wire, raw: Raw, user: str, developer: Visitor) -> None:
    token = {"authorization": f"Bearer {user_token(raw, user)}"}
    for query, field in (
        ("q=%00", "q"),
        ("filter=all&app=a%00b", "app"),
        ("%00=x", "query"),
        ("cursor=1&kind=%00", "kind"),
    ):
        answer = wire.ask("GET", f"/inbox/v1/messages?{query}", token)
        assert answer.status == 400
        if field != "query":
            assert (problem(answer)["code"], problem(answer)["field"]) == ("invalid_field", field)
    assert wire.ask("GET", "/inbox/v1/messages/1%00", token).status == 400
    body = b'{"upTo":"1","app":"a\\u0000"}'
    answer = wire.ask("POST", "/inbox/v1/messages/read-all", token, body)
    assert (answer.status, problem(answer)["field"]) == (400, "app")
    for path in ("/apps/a%00b", "/apps/a%00b/messages", "/invitation/%00", "/docs/%00", "/docs?x=%00"):
        page = developer.get(path)
        assert (page.status_code, "U+0000" in page.text) == (400, True), path
    assert not [line for line in server.output if "Traceback" in line]


@pytest.mark.parametrize("call", ["status", "read-all", "archive"])
def test_a_deeply_nested_body_is_refused(server: Server, wire: Wire, raw: Raw, user: str, call: str) -> None:
    token = {"authorization": f"Bearer {user_token(raw, user)}"}
    deep = b"[" * 1_000 + b"]" * 1_000
    for body in (deep, b'{"ids":' + deep + b"}", b'{"x":' + deep + b"}", b'{"a":' * 1_000 + b"1" + b"}" * 1_000):
        answer = wire.ask("POST", f"/inbox/v1/messages/{call}", token, body)
        assert (answer.status, problem(answer)["code"]) == (400, "invalid_field")
    assert not [line for line in server.output if "Traceback" in line]


def test_a_byte_order_mark_before_a_body_is_ignored(wire: Wire, raw: Raw, user: str) -> None:
    token = {"authorization": f"Bearer {user_token(raw, user)}"}
    body = b'\xef\xbb\xbf{"ids":["1"],"read":true}'
    assert wire.ask("POST", "/inbox/v1/messages/status", token, body).status == 200
    assert wire.ask("POST", "/inbox/v1/messages/status", token, b"\xef\xbb\xbf" + body).status == 400


@pytest.mark.parametrize("number", ["2147483648", "9999999999", "9" * 20, "9" * 5_000, "-1", "٣", "²", ""])
def test_an_impossible_number_is_refused_in_forms(
    server: Server, operator: Visitor, developer: Visitor, app: Credentials, number: str
) -> None:
    for visitor, path, field in (
        (operator, "/operator/people", "person"),
        (operator, "/operator/requests", "number"),
        (developer, f"/apps/{app.app_id}/members/remove", "person"),
    ):
        answer = visitor.post(path, page="/account", **{field: number, "change": "disable"})
        assert answer.status_code == 422, path
    for path in (f"/operator/announcements/{number or 'x'}", "/operator/announcements"):
        assert operator.get(f"{path}?before={number}").status_code in {200, 404}
    assert operator.get(f"/operator/audit?before={number}").status_code == 200
    assert not [line for line in server.output if "Traceback" in line]


def test_the_login_leads_back_to_any_path(wire: Wire) -> None:
    answer = wire.ask("GET", "/portal/apps/%E6%A0%A1%E5%9B%AD/messages?user=%E7%8E%8B")
    assert (answer.status, answer.headers["location"]) == (303, "/portal/login")
    assert "next=" in answer.headers["set-cookie"]
    assert "/portal/apps/%E6%A0%A1%E5%9B%AD/messages?user=%E7%8E%8B" in answer.headers["set-cookie"]


def test_only_the_first_hundred_query_parameters_are_parsed(wire: Wire, raw: Raw, user: str) -> None:
    token = user_token(raw, user)
    many = "&".join(["a=1"] * 101)
    answer = wire.ask("GET", f"/inbox/v1/messages?{many}", {"authorization": f"Bearer {token}"})
    assert (answer.status, problem(answer)["field"]) == (400, "query")
    assert wire.ask("GET", f"/inbox/v1/stream?{many}&token={token}").status == 400
    assert wire.ask("GET", f"/inbox?{many}", HTML).status == 400
    page = wire.ask("GET", f"/portal/login?{many}")
    assert (page.status, is_page(page)) == (400, True)
    cookies = wire.ask("GET", "/portal/login", {"cookie": "; ".join(f"a{number}=b" for number in range(101))})
    assert (cookies.status, is_page(cookies)) == (400, True)
    call = wire.ask("POST", f"/msgCenter/message/getMsgList?{many}&accessToken={raw.token}", body=b"{}")
    assert json.loads(call.body)["retCode"] == "200001"


def test_a_stranger_sends_small_forms_only(wire: Wire, developer: Visitor) -> None:
    large = b"login=" + b"x" * (17 << 10)
    answer = wire.ask("POST", "/portal/login", body=large)
    assert (answer.status, is_page(answer)) == (413, True)
    assert "16 KiB" in wire.ask("POST", "/portal/login", {"accept-language": "en"}, large).text()
    assert developer.post("/docs/debugger", note="x" * (17 << 10), page="/docs/debugger").status_code != 413


@pytest.mark.parametrize("host", ["[", "[::1", "[:::]", "a:b", "a:99999", "a@b", "a/b", "a?b", "\xff"])
@pytest.mark.parametrize("path", ["/inbox/v1/counts", "/inbox", "/portal/docs/sendMsg", "/portal/nothing"])
def test_an_invalid_host_is_refused(server: Server, wire: Wire, host: str, path: str) -> None:
    answer = wire.ask("GET", path, {"host": host})
    assert answer.status == 400
    assert not [line for line in server.output if "Traceback" in line]


@pytest.mark.parametrize("host", ["msg.example.org", "192.0.2.1:8080", "[::1]:8080", "[::ffff:192.0.2.1]", "a_b:", ""])
def test_any_valid_host_is_accepted(wire: Wire, host: str) -> None:
    assert wire.ask("GET", "/portal/docs", {"host": host}).status == 200


# --- Sloppy paths of the app API --------------------------------------------------------------------------------------


@pytest.mark.parametrize("spelling", ["/{0}/{1}", "//{0}/{1}", "/{0}//{1}", "/{0}/{1}/", "//{0}///{1}//"])
@pytest.mark.parametrize("path", ["/apigateway/getAccessToken", "/oauth2/token", "/msgCenter/message/modMsgStatus"])
def test_repeated_slashes_and_one_at_the_end_do_not_count(wire: Wire, raw: Raw, path: str, spelling: str) -> None:
    first, _, rest = path.removeprefix("/").partition("/")
    exact = wire.ask("POST", path, body=b"{}")
    sloppy = wire.ask("POST", spelling.format(first, rest), body=b"{}")
    assert (sloppy.status, sloppy.body) == (exact.status, exact.body)
    assert wire.ask("GET", spelling.format(first, rest)).status == 405


@pytest.mark.parametrize("path", ["/msgcenter/message/modMsgStatus", "/msgCenter/message/modMsgStatus/x", "//", "/x//"])
def test_other_spellings_are_unknown_paths(wire: Wire, path: str) -> None:
    answer = wire.ask("POST", path, body=b"{}")
    assert (answer.status, json.loads(answer.body)["retCode"]) == (404, "100003")


@pytest.mark.parametrize("call", ["getUnreadCount", "/apigateway/getAccessToken", "/apigateway/getaccesstoken"])
def test_a_call_may_begin_with_a_byte_order_mark(raw: Raw, call: str) -> None:
    for body in (b"{}", b'{"publisherId":"nobody"}', b'{"appid":"x"}', b"{", b"[]"):
        answer = raw.post(call, body).json()
        assert raw.post(call, b"\xef\xbb\xbf" + body).json() == answer
    assert raw.post(call, b"\xef\xbb\xbf\xef\xbb\xbf{}").json()["retCode"] == "100001"
