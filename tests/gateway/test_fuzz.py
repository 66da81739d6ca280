"""Random bodies to every call: always an envelope, never an internal error."""

import json
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from msgcenter.domain.refusal import SUCCESS_CODE, Reason
from msgcenter.gateway.calls.tokens import LOWER_CASE_TOKEN_PATH, TOKEN_PATH
from tests.conftest import Credentials, Raw, examples
from tests.gateway.calls import HEAD, LINK, PLACES, Json, envelope, text_to, token_request
from tests.gateway.samples import FIELDS, FULL_SAMPLES

TOKEN_FIELDS = ["appId", "appid", "timeStamp", "timestamp", "keyInfo", "keyinfo", "sysCode"]
ALL_FIELDS = {**FIELDS, TOKEN_PATH: TOKEN_FIELDS, LOWER_CASE_TOKEN_PATH: TOKEN_FIELDS}
CODES = {SUCCESS_CODE, *(reason.ret_code for reason in Reason if reason is not Reason.INTERNAL)}

EDGES: st.SearchStrategy[Any] = st.sampled_from(
    [
        *(0, 1, -1, 50, 51, 200, 201, 2**31, 2**53, 2**63 - 1, 2**63, 2**64, 10**15 - 1, 10**100, 0.0, -0.0, 1e308),
        *("", "0", "1", "\0", "\n", "x" * 64, "x" * 65, "9" * 19, "9" * 20, str(2**63 - 1), "text", "link", "oa"),
        *("http://a", "http://[", "\ud800", "😀", "１", "null", "420100", "330100", [], {}, [[]], [{}], None, True),
    ]
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=80) | EDGES
INNER = ["content", "title", "pcUrl", "appUrl", "busiId", "picUrl", "head", "body", "text", "bgColor", "form", "key"]
NAMES = st.sampled_from([*INNER, "value", "fileCount", "author", "imageUrl"]) | st.text(max_size=5)
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4), max_leaves=12
)
BOUNDED = settings(
    max_examples=examples(40), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def check(answer: httpx.Response) -> None:
    assert envelope(answer)["retCode"] in CODES, (answer.request.content, answer.text)


def spelled(body: object) -> bytes:
    """Return a body as JSON, with lone surrogates escaped."""
    return json.dumps(body).encode()


@pytest.mark.parametrize("call", ALL_FIELDS)
def test_any_json_gets_an_envelope(wire: Raw, call: str) -> None:
    names = st.sampled_from(ALL_FIELDS[call] or ["webhookId"]) | st.text(max_size=5)
    known = st.dictionaries(names, VALUES, max_size=8)

    @BOUNDED
    @given(known | VALUES)
    def run(body: object) -> None:
        check(wire.post(call, spelled(body)))

    run()


@pytest.mark.parametrize("call", [path for path, fields in FIELDS.items() if fields])
def test_a_valid_request_with_one_wrong_value_gets_an_envelope(wire: Raw, call: str) -> None:
    @BOUNDED
    @given(st.sampled_from(FIELDS[call]), VALUES)
    def run(field: str, value: object) -> None:
        check(wire.post(call, spelled({**FULL_SAMPLES[call], field: value})))

    run()


@pytest.mark.parametrize("kind", ["text", "link", "oa"])
def test_a_message_with_one_wrong_value_gets_an_envelope(wire: Raw, kind: str) -> None:
    bodies: dict[str, Json] = {
        "text": {"content": "x"},
        "link": LINK,
        "oa": {**HEAD, **PLACES, "body": {"title": "t", "form": [{"key": "k", "value": "v"}]}},
    }

    @BOUNDED
    @given(NAMES, VALUES)
    def run(field: str, value: object) -> None:
        body = {**bodies[kind], field: value}
        check(wire.post("sendMsg", spelled({"receiverIds": ["fuzz"], "msgtype": kind, kind: body})))

    run()


def test_a_token_request_with_one_wrong_value_gets_an_envelope(http: httpx.Client, shared_app: Credentials) -> None:
    @BOUNDED
    @given(st.sampled_from(["appId", "timeStamp", "keyInfo"]), VALUES)
    def run(field: str, value: object) -> None:
        request = {**token_request(shared_app), field: value}
        check(http.post("/apigateway/getAccessToken", content=spelled(request)))

    run()


@pytest.mark.parametrize("call", ALL_FIELDS)
def test_any_bytes_get_an_envelope(wire: Raw, call: str) -> None:
    valid = spelled(FULL_SAMPLES.get(call, {"appId": "x", "timeStamp": 1, "keyInfo": "0" * 40}))

    @BOUNDED
    @given(st.binary(max_size=40), st.integers(0, len(valid)), st.integers(0, 3))
    def run(junk: bytes, at: int, dropped: int) -> None:
        check(wire.post(call, valid[:at] + junk + valid[at + dropped :]))

    run()


@pytest.mark.parametrize("path", ["/msgCenter/message/getUnreadCount", "/apigateway/getAccessToken"])
def test_any_query_and_headers_get_an_envelope(http: httpx.Client, path: str) -> None:
    printable = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=20)

    queries = st.text("accessToken=&%+;:@/?.~-0f", max_size=30)

    @BOUNDED
    @given(queries, printable, printable, printable)
    def run(query: str, authorization: str, language: str, request_id: str) -> None:
        headers = {"authorization": authorization, "accept-language": language, "x-request-id": request_id}
        stripped = {name: value.strip() for name, value in headers.items()}
        address = httpx.URL(path, query=query.encode())
        check(http.post(address, content=b"{}", headers=stripped))

    run()


@pytest.mark.parametrize("key", ["x", "x" * 64, "x" * 65, "a b", "\xe9", "\xad", "键".encode(), b"\xff" * 64])
def test_any_idempotency_key_gets_an_envelope(wire: Raw, key: str | bytes) -> None:
    given_key = key.encode("latin-1") if isinstance(key, str) else key
    check(wire.post("sendMsg", text_to("fuzz"), headers={"idempotency-key": given_key}))
