"""Conventions of every call (docs/protocol.md, "Conventions of every gateway call")."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from msgcenter.domain.refusal import SUCCESS_CODE, Reason
from msgcenter.gateway.reference.call_texts import TEXTS
from msgcenter_client import Client, LimitError
from tests.conftest import Credentials, Raw, Server, running_server
from tests.gateway.calls import accepted, envelope, is_chinese, refused, text_to, until
from tests.gateway.samples import FIELDS, SAMPLES

MESSAGE = "/msgCenter/message/"
EXPECTED = {
    path: {
        SUCCESS_CODE,
        *(reason.ret_code for reason in (*TEXTS[path.rpartition("/")[2]].reasons, Reason.FIELD_MALFORMED)),
    }
    for path in SAMPLES
}
"""The possible retCodes for a sample of each call: success, or a refusal that its reference lists."""
MIB = 1 << 20


def path_of(call: str) -> str:
    return call if call.startswith("/") else MESSAGE + call


# --- Transport ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "application/json; charset=utf-8", "application/json;charset=UTF-8", "text/plain", "x", ""],
)
def test_any_content_type_is_accepted(wire: Raw, user: str, content_type: str) -> None:
    body = json.dumps({"publisherId": user}).encode()
    headers = {"content-type": content_type} if content_type else {}
    assert envelope(wire.post("getUnreadCount", body, headers=headers))["unread"] == 0


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b'"x"', b"1", b"null", b"{", b'{"a":1,}', b"a=b", b"\0"],
)
def test_a_body_that_is_not_a_json_object_is_100001(wire: Raw, body: bytes) -> None:
    for call in SAMPLES:
        refused(wire, call, body, "100001")


@pytest.mark.parametrize(
    "body",
    [
        b'{"publisherId":"x"} {}',
        b'{"publisherId":"\xff"}',
        b'{"publisherId":"\xed\xa0\x80"}',
        b'{"publisherId":"\x01"}',
        '{"publisherId":"x"}'.encode("utf-16"),
        '{"publisherId":"张"}'.encode("gbk"),
    ],
)
def test_a_body_that_is_not_json_in_utf_8_is_100001(wire: Raw, body: bytes) -> None:
    refused(wire, "getUnreadCount", body, "100001")


@pytest.mark.parametrize("depth", [100, 900, 950, 980, 1_000, 100_000])
def test_deep_nesting_causes_no_server_error(wire: Raw, user: str, depth: int) -> None:
    nested = b"[" * depth + b'"\\u0000"' + b"]" * depth
    body = b'{"publisherId":"%b","other":%b}' % (user.encode(), nested)
    assert envelope(wire.post("getUnreadCount", body))["retCode"] in {"000000", "100001"}


@pytest.mark.parametrize("call", SAMPLES)
def test_every_answer_is_an_envelope_with_its_two_keys_first(wire: Raw, call: str) -> None:
    assert envelope(wire.post(call, SAMPLES[call]))["retCode"] in EXPECTED[call]


# --- Credentials ----------------------------------------------------------------------------------------------------

Carry = Callable[[str], dict[str, Any]]
CARRIERS: dict[str, Carry] = {
    "query": lambda token: {"params": {"accessToken": token}},
    "bearer": lambda token: {"headers": {"authorization": f"Bearer {token}"}},
    "bearer in lower case": lambda token: {"headers": {"authorization": f"bearer {token}"}},
    "header": lambda token: {"headers": {"accessToken": token}},
    "query next to others": lambda token: {"params": {"sysCode": "1", "accessToken": token, "v": ""}},
}


@pytest.mark.parametrize("carrier", CARRIERS)
def test_a_token_is_accepted_in_three_places(http: httpx.Client, wire: Raw, carrier: str) -> None:
    for call, request in SAMPLES.items():
        answer = envelope(http.post(call, json=request, **CARRIERS[carrier](wire.token)))
        assert answer["retCode"] in EXPECTED[call], call


@pytest.mark.parametrize("carrier", CARRIERS)
def test_an_unknown_token_is_200002(http: httpx.Client, carrier: str) -> None:
    for token in ("0" * 32, "x", "令牌".encode().hex(), "a" * 5_000):
        answer = envelope(http.post(path_of("sendMsg"), json={}, **CARRIERS[carrier](token)))
        assert answer["retCode"] == "200002"


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"params": {"accessToken": ""}},
        {"params": {"accesstoken": "x"}},
        {"headers": {"authorization": "Bearer"}},
        {"headers": {"authorization": "Basic eDp5"}},
        {"headers": {"accessToken": ""}},
    ],
)
def test_no_token_is_200001(http: httpx.Client, arguments: dict[str, Any]) -> None:
    for call, request in SAMPLES.items():
        assert envelope(http.post(call, json=request, **arguments))["retCode"] == "200001", call


@pytest.mark.parametrize("token", ["%00", "%ff", "%", "a%20b", "+", "%ED%A0%80"])
def test_an_odd_token_is_unknown(http: httpx.Client, token: str) -> None:
    answer = http.post(f"{MESSAGE}sendMsg?accessToken={token}", json={})
    assert envelope(answer)["retCode"] == "200002"


# --- Failures -------------------------------------------------------------------------------------------------------


def test_a_refusal_is_http_200(wire: Raw) -> None:
    refused(wire, "getUnreadCount", {}, "100002", "publisherId")


@pytest.mark.parametrize("path", ["/msgCenter/message/nope", "/msgCenter/message/sendMsg/x", "/%00", "/a%0ab"])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_an_unknown_path_is_404_in_an_envelope(http: httpx.Client, method: str, path: str) -> None:
    assert envelope(http.request(method, path), 404)["retCode"] == "100003"


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND"])
def test_another_method_is_405_in_an_envelope(http: httpx.Client, method: str) -> None:
    for path in (*SAMPLES, "/apigateway/getAccessToken", "/apigateway/getaccesstoken"):
        answer = http.request(method, path)
        assert answer.headers["allow"] == "POST"
        assert envelope(answer, 405)["retCode"] == "100003"


def test_head_has_no_body(http: httpx.Client) -> None:
    answer = http.head(path_of("sendMsg"))
    assert (answer.status_code, answer.content) == (405, b"")


def padded(size: int) -> bytes:
    body = b'{"publisherId":"nobody at all"}'
    return body + b" " * (size - len(body))


@pytest.mark.parametrize("over", [1, 100_000, 3 * MIB, 20 * MIB])
def test_a_body_over_a_mebibyte_is_413_in_an_envelope(wire: Raw, over: int) -> None:
    for language in ("zh", "en"):
        answer = wire.post("getUnreadCount", padded(MIB + over), headers={"accept-language": language})
        refusal = envelope(answer, 413)
        assert refusal["retCode"] == "100004"
        assert "1 MiB" in refusal["retDesc"]


def test_a_body_over_a_mebibyte_in_chunks_is_413_too(wire: Raw) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(17):
            yield b" " * 65_536

    answer = wire.http.post(path_of("sendMsg"), params={"accessToken": wire.token}, content=chunks())
    assert envelope(answer, 413)["retCode"] == "100004"


@pytest.mark.parametrize("name", ["Upgrade", "upgrade", "UPGRADE"])
def test_an_offer_of_http_2_is_answered_in_http_1(wire: Raw, user: str, name: str) -> None:
    offer = {"Connection": "Upgrade, HTTP2-Settings", name: "h2c", "HTTP2-Settings": "AAEAAEAAAAIAAAABAAMAAABk"}
    for _ in range(2):
        assert accepted(wire, "getUnreadCount", {"publisherId": user}, **offer)["unread"] == 0


def test_a_body_of_a_mebibyte_is_read(wire: Raw) -> None:
    assert accepted(wire, "getUnreadCount", padded(MIB))["unread"] == 0


def test_the_token_call_limits_its_body_too(http: httpx.Client) -> None:
    assert envelope(http.post("/apigateway/getAccessToken", content=padded(MIB + 1)), 413)["retCode"] == "100004"


# --- Language -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("accepted_languages", "chinese"),
    [
        (None, True),
        ("", True),
        ("zh-CN,zh;q=0.9,en;q=0.8", True),
        ("en", False),
        ("en-GB", False),
        ("EN-us,zh;q=0.5", False),
        ("en;q=0.5, zh;q=0.9", True),
        ("fr, en;q=0.3", False),
        ("fr", True),
        ("*", True),
        ("en;q=x", True),
        (";;,=,q", True),
    ],
)
def test_answers_have_the_language_of_the_caller(wire: Raw, accepted_languages: str | None, *, chinese: bool) -> None:
    headers = {} if accepted_languages is None else {"accept-language": accepted_languages}
    for body, code in (({"publisherId": "nobody"}, "000000"), ({}, "100002")):
        answer = envelope(wire.post("getUnreadCount", body, headers=headers))
        assert answer["retCode"] == code
        assert is_chinese(answer["retDesc"]) == chinese


# --- Names and scalars ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["msgtype", "msgType"])
def test_msgtype_has_two_spellings(raw: Raw, user: str, name: str) -> None:
    accepted(raw, "sendMsg", {"receiverIds": [user], name: "text", "text": {"content": "x"}})
    assert len(accepted(raw, "getMsgList", {name: "text"})["messages"]) == 1
    assert accepted(raw, "getMsgList", {name: "oa"})["messages"] == []


def test_both_spellings_may_be_sent_if_they_agree(wire: Raw, user: str) -> None:
    accepted(wire, "sendMsg", text_to(user, msgType="text"))
    refused(wire, "sendMsg", text_to(user, msgType="oa"), "100005", "msgtype/msgType")
    accepted(wire, "getMsgList", {"msgtype": "oa", "msgType": "oa"})
    refused(wire, "getMsgList", {"msgtype": "oa", "msgType": "text"}, "100005", "msgtype/msgType")


@pytest.mark.parametrize("name", ["PublisherId", "publisherid", "publisherID", "publisher_id"])
def test_other_spellings_of_names_are_unknown(wire: Raw, name: str) -> None:
    refused(wire, "getUnreadCount", {name: "nobody"}, "100002", "publisherId")


@pytest.mark.parametrize(("flag", "read"), [(1, True), ("1", True), (0, False), ("0", False)])
def test_a_flag_is_a_number_or_a_digit(wire: Raw, sdk: Client, user: str, flag: object, *, read: bool) -> None:
    message_id = sdk.send_text(user, "x")
    sdk.set_status(user, message_id, read=not read)
    accepted(wire, "modMsgStatus", {"publisherId": user, "msgId": [message_id], "isRead": flag})
    assert sdk.unread_count(user) == (0 if read else 1)
    status = accepted(wire, "getMsgStatus", {"msgId": message_id, "isRead": flag})
    assert len(status["details"]) == 1


@pytest.mark.parametrize("flag", [True, False, 1.0, 0.5, "yes", "true", "", "01", " 1", 2, -1, [], [1], {}])
def test_any_other_flag_is_100003(wire: Raw, sdk: Client, user: str, flag: object) -> None:
    message_id = sdk.send_text(user, "x")
    for call, ids in (("modMsgStatus", [message_id]), ("getMsgStatus", message_id)):
        refused(wire, call, {"publisherId": user, "msgId": ids, "isRead": flag}, "100003", "isRead", "0", "1")
    assert sdk.unread_count(user) == 1


def test_an_integer_is_the_same_id_as_its_digits(wire: Raw, sdk: Client) -> None:
    number = int(sdk.send_text("1", "x")) % 10**15
    accepted(wire, "sendMsg", text_to(number))
    assert sdk.unread_count(str(number)) == 1
    assert accepted(wire, "getUnreadCount", {"publisherId": number})["unread"] == 1


@pytest.mark.parametrize("wrong", [True, 1.0, 1.5, "", "x" * 65, "a\tb", "a\n", "\x7f", 10**70, [], ["x"], {}])
def test_anything_else_is_refused_as_an_id(wire: Raw, wrong: object) -> None:
    for call, more in (
        ("getUnreadCount", {}),
        ("modMsgStatus", {"msgId": ["1"]}),
        ("/msgCenter/user/getUserToken", {}),
    ):
        refused(wire, call, {"publisherId": wrong, **more}, "100003", "publisherId", "64")


@pytest.mark.parametrize("call", [path for path, fields in FIELDS.items() if "platformCode" in fields])
def test_a_platform_is_the_apps_own_or_a_granted_one(wire: Raw, shared_app: Credentials, call: str) -> None:
    for own in (shared_app.platform_code, int(shared_app.platform_code)):
        answer = envelope(wire.post(call, {**SAMPLES[call], "platformCode": own}))
        assert answer["retCode"] in EXPECTED[call]
    for absent in (None, ""):
        answer = envelope(wire.post(call, {**SAMPLES[call], "platformCode": absent}))
        assert answer["retCode"] in EXPECTED[call]
    for wrong in ("x" * 33, "a\n", True, 1.5):
        refused(wire, call, {**SAMPLES[call], "platformCode": wrong}, "100003", "platformCode", "32")
    for foreign in ("330100", 330100, "x" * 32):
        refused(wire, call, {**SAMPLES[call], "platformCode": foreign}, "200007", str(foreign))


@pytest.mark.parametrize(
    "extra",
    [
        b'"sysCode":"1"',
        b'"x":null,"y":{"z":[1,2.5,true]}',
        b'"x":1e400',
        b'"x":1e400,"y":"\\u0000"',
        b'"\\u0000":1',
        b'"":""',
    ],
)
def test_unknown_fields_are_ignored(wire: Raw, extra: bytes) -> None:
    for call, request in SAMPLES.items():
        body = json.dumps(request).encode()
        separator = b"," if request else b""
        answer = envelope(wire.post(call, body[:-1] + separator + extra + b"}"))
        assert answer["retCode"] in EXPECTED[call], call


# --- Tracing --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("request_id", ["a", "x" * 64, "0b1-2_3~!\"#%&/()=?`'^*"])
def test_a_request_id_is_echoed(wire: Raw, request_id: str) -> None:
    for body in ({"publisherId": "x"}, {}):
        assert (
            wire.post("getUnreadCount", body, headers={"x-request-id": request_id}).headers["x-request-id"]
            == request_id
        )
    for path, status in (("/nope", 404), (path_of("sendMsg"), 405)):
        answer = wire.http.get(path, headers={"x-request-id": request_id})
        assert (answer.status_code, answer.headers["x-request-id"]) == (status, request_id)


@pytest.mark.parametrize("request_id", ["", "x" * 65, "a b", "\xe9".encode(), "编号".encode(), b"a\tb"])
def test_an_odd_request_id_is_replaced(wire: Raw, request_id: str | bytes) -> None:
    answer = wire.post("getUnreadCount", {"publisherId": "x"}, headers={"x-request-id": request_id})
    made = answer.headers["x-request-id"]
    assert made.isascii()
    assert made.isalnum()


def test_every_answer_has_a_request_id_of_its_own(wire: Raw) -> None:
    ids = {wire.post("getUnreadCount", {"publisherId": "x"}).headers["x-request-id"] for _ in range(5)}
    assert len(ids) == 5


# --- Rate limit -----------------------------------------------------------------------------------------------------

LIMIT = 3


@pytest.fixture(scope="module")
def limited(shared_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with a low rate limit."""
    with running_server(shared_database, tmp_path_factory.mktemp("limited"), RATE_LIMIT=str(LIMIT)) as started:
        yield started


@pytest.fixture
def limited_raw(limited: Server, raw: Raw) -> Iterator[Raw]:
    """Raw HTTP to the limited server with a token from the other server."""
    opened = Raw(limited, raw.token)
    yield opened
    opened.http.close()


def over_the_limit(ask: Callable[[], httpx.Response]) -> tuple[list[httpx.Response], httpx.Response]:
    """Call until the rate limit refuses; return the accepted answers of the last window and the refusal."""
    let_through: list[httpx.Response] = []
    for _ in range(50):
        answer = ask()
        if "retry-after" in answer.headers:
            return let_through, answer
        let_through.append(answer)
    raise AssertionError("no limit")


def assert_rate_headers(answer: httpx.Response) -> None:
    assert answer.headers["ratelimit-limit"] == str(LIMIT)
    assert 0 <= int(answer.headers["ratelimit-remaining"]) < LIMIT
    assert int(answer.headers["ratelimit-reset"]) >= 0


def test_too_many_calls_are_400001_with_retry_after(limited_raw: Raw, user: str) -> None:
    let_through, over = over_the_limit(lambda: limited_raw.post("getUnreadCount", {"publisherId": user}))
    assert len(let_through) >= LIMIT
    for answer in let_through:
        assert envelope(answer)["retCode"] == "000000"
        assert_rate_headers(answer)
    assert envelope(over)["retCode"] == "400001"
    assert int(over.headers["retry-after"]) >= 1
    assert_rate_headers(over)
    assert over.headers["ratelimit-remaining"] == "0"
    until(lambda: envelope(limited_raw.post("getUnreadCount", {"publisherId": user}))["retCode"] == "000000")


def test_a_rate_limit_is_explained_in_both_languages(limited_raw: Raw) -> None:
    for language, chinese in (("zh", True), ("en", False)):
        headers = {"accept-language": language}
        _, over = over_the_limit(lambda headers=headers: limited_raw.post("getMsgList", {}, headers=headers))  # type: ignore[misc]
        assert is_chinese(envelope(over)["retDesc"]) == chinese


def test_refused_calls_count_and_have_rate_headers(limited_raw: Raw) -> None:
    let_through, over = over_the_limit(lambda: limited_raw.post("getMsgStatus", {}))
    for answer in let_through:
        assert envelope(answer)["retCode"] == "100002"
        assert_rate_headers(answer)
    assert envelope(over)["retCode"] == "400001"


def test_the_limit_is_for_each_app_and_api(
    limited: Server, limited_raw: Raw, client: Client, other_app: Credentials
) -> None:
    over_the_limit(lambda: limited_raw.post("getMsgList", {}))
    assert envelope(limited_raw.post("getUnreadCount", {"publisherId": "x"}))["retCode"] == "000000"
    with Client(limited.url, other_app.app_id, other_app.app_key, retries=0) as other:
        assert list(other.messages()) == []


@pytest.mark.parametrize("path", ["/msgCenter/message/getMsgList", "/apigateway/getAccessToken", "/oauth2/token"])
def test_guessing_tokens_is_limited(limited: Server, path: str) -> None:
    with httpx.Client(base_url=limited.url, trust_env=False) as http:
        let_through, over = over_the_limit(lambda: http.post(path, params={"accessToken": "guess"}, content=b"{}"))
        for answer in (*let_through, over):
            assert_rate_headers(answer)
        if path == "/oauth2/token":
            assert (over.status_code, over.json()["error"]) == (429, "temporarily_unavailable")
        else:
            assert envelope(over)["retCode"] == "400001"


def test_the_sdk_raises_limit_error_for_a_rate(limited: Server, app: Credentials, user: str) -> None:
    def limit_error(client: Client) -> LimitError:
        for _ in range(50):
            try:
                client.unread_count(user)
            except LimitError as limit:
                return limit
        raise AssertionError("no limit")

    with Client(limited.url, app.app_id, app.app_key, retries=0) as client:
        limit = limit_error(client)
    assert limit.ret_code == "400001"
    assert limit.retry_after is not None
    assert limit.retry_after >= 1
