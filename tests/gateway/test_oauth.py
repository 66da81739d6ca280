"""OAuth 2.0 client credentials (docs/protocol.md, "Access token"; RFC 6749, sections 2.3.1, 4.4 and 5)."""

import base64
from typing import Any
from urllib.parse import quote_plus

import httpx
import pytest

from msgcenter.actions.apps.apps import Apps
from msgcenter.actions.apps.key_ring import KeyRing
from msgcenter.database.database import Database
from tests.conftest import PLATFORM, SECRET_KEY, Credentials, wait_for
from tests.gateway.calls import envelope

OAUTH = "/oauth2/token"
GRANT = {"grant_type": "client_credentials"}


def basic(client_id: str, secret: str) -> dict[str, str]:
    pair = f"{quote_plus(client_id)}:{quote_plus(secret)}"
    return {"authorization": "Basic " + base64.b64encode(pair.encode()).decode()}


def in_body(client_id: str, secret: str) -> dict[str, str]:
    return {**GRANT, "client_id": client_id, "client_secret": secret}


def error_of(answer: httpx.Response, status: int, error: str) -> None:
    """Check that an answer is an error as in section 5.2."""
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert body["error"] == error, body
    assert set(body) <= {"error", "error_description", "error_uri"}
    # Section 5.2 allows only these characters.
    assert all(0x20 <= ord(character) <= 0x7E and character not in '"\\' for character in body["error_description"])
    assert_no_store(answer)
    assert ("www-authenticate" in answer.headers) == (status == 401)


def assert_no_store(answer: httpx.Response) -> None:
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["pragma"] == "no-cache"
    assert answer.headers["x-request-id"]


def assert_token_works(http: httpx.Client, answer: httpx.Response) -> None:
    assert answer.status_code == 200, answer.text
    assert_no_store(answer)
    body = answer.json()
    assert set(body) == {"access_token", "token_type", "expires_in"}
    assert body["token_type"] == "Bearer"
    assert 7_190 <= body["expires_in"] <= 7_200
    called = http.post(
        "/msgCenter/message/getUnreadCount",
        headers={"authorization": f"Bearer {body['access_token']}"},
        json={"publisherId": "nobody"},
    )
    assert envelope(called)["retCode"] == "000000"


def test_credentials_in_the_header_get_a_token(http: httpx.Client, shared_app: Credentials) -> None:
    headers = basic(shared_app.app_id, shared_app.app_key)
    assert_token_works(http, http.post(OAUTH, data=GRANT, headers=headers))
    assert_token_works(http, http.post(OAUTH, data={**GRANT, "client_id": shared_app.app_id}, headers=headers))
    lower = {"authorization": headers["authorization"].replace("Basic", "basic")}
    assert_token_works(http, http.post(OAUTH, data={**GRANT, "scope": "", "other": "x"}, headers=lower))


def test_credentials_in_the_body_get_a_token(http: httpx.Client, shared_app: Credentials) -> None:
    assert_token_works(http, http.post(OAUTH, data=in_body(shared_app.app_id, shared_app.app_key)))


def test_each_request_gets_a_token_of_its_own(http: httpx.Client, shared_app: Credentials) -> None:
    body = in_body(shared_app.app_id, shared_app.app_key)
    tokens = {http.post(OAUTH, data=body).json()["access_token"] for _ in range(3)}
    assert len(tokens) == 3


def test_credentials_are_form_encoded_inside_the_header(http: httpx.Client, shared_database: str) -> None:
    odd_id, odd_key = "校园+app %:1", "key: +%&=é"

    async def register() -> None:
        async with Database(shared_database, connections=2) as database:
            await Apps(database, KeyRing(SECRET_KEY)).create("Odd", PLATFORM, app_id=odd_id, app_key=odd_key)

    wait_for(register())
    assert_token_works(http, http.post(OAUTH, data=GRANT, headers=basic(odd_id, odd_key)))
    assert_token_works(http, http.post(OAUTH, data=in_body(odd_id, odd_key)))


@pytest.mark.parametrize("place", ["header", "body"])
@pytest.mark.parametrize("wrong", ["id", "key", "nul"])
def test_a_wrong_client_is_401(http: httpx.Client, shared_app: Credentials, place: str, wrong: str) -> None:
    client_id = {"id": "nobody", "nul": "a\0b"}.get(wrong, shared_app.app_id)
    secret = "another" if wrong == "key" else shared_app.app_key
    if place == "header":
        answer = http.post(OAUTH, data=GRANT, headers=basic(client_id, secret))
    else:
        answer = http.post(OAUTH, data=in_body(client_id, secret))
    error_of(answer, 401, "invalid_client")
    assert answer.headers["www-authenticate"].startswith("Basic ")


def test_a_disabled_client_is_401(http: httpx.Client, app: Credentials, shared_database: str) -> None:
    async def disable() -> None:
        async with Database(shared_database, connections=2) as database:
            await Apps(database, KeyRing(SECRET_KEY)).set_disabled(app.app_id, disabled=True)

    wait_for(disable())
    error_of(http.post(OAUTH, data=in_body(app.app_id, app.app_key)), 401, "invalid_client")


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": "Bearer x"},
        {"authorization": "Basic"},
        {"authorization": "Basic %"},
        {"authorization": "Basic " + base64.b64encode(b"no colon").decode()},
        {"authorization": "Basic " + base64.b64encode(b"\xff:\xff").decode()},
    ],
)
def test_another_authorization_is_401(http: httpx.Client, headers: dict[str, str]) -> None:
    error_of(http.post(OAUTH, data=GRANT, headers=headers), 401, "invalid_client")


@pytest.mark.parametrize(
    "missing",
    [{}, {"client_id": "x"}, {"client_secret": "x"}, {"client_id": "", "client_secret": ""}],
)
def test_missing_credentials_are_401(http: httpx.Client, missing: dict[str, str]) -> None:
    error_of(http.post(OAUTH, data={**GRANT, **missing}), 401, "invalid_client")


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": ""}, "unsupported_grant_type"),
        ({"grant_type": ["client_credentials", "client_credentials"]}, "invalid_request"),
    ],
)
def test_a_wrong_grant_is_400(http: httpx.Client, shared_app: Credentials, body: dict[str, Any], error: str) -> None:
    answer = http.post(OAUTH, data=body, headers=basic(shared_app.app_id, shared_app.app_key))
    error_of(answer, 400, error)


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff", b'{"grant_type":"client_credentials"}', b"&&&", b"\0"])
def test_a_body_that_is_not_a_form_is_400(http: httpx.Client, content: bytes) -> None:
    error_of(http.post(OAUTH, content=content), 400, "invalid_request")


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"grant_type=client_credentials" + b"&a=1" * 20, 400),
        (b"&" * 20, 400),
        (b"grant_type=client_credentials&client_id=" + b"x" * (16 << 10), 413),
        (b"&".join(b"k%d=1" % number for number in range(110_000)), 413),
        (b"x" * (2 << 20), 413),
    ],
)
def test_a_form_has_at_most_20_parameters_and_16_kib(http: httpx.Client, content: bytes, status: int) -> None:
    error_of(http.post(OAUTH, content=content), status, "invalid_request")


def test_a_form_of_20_parameters_gets_a_token(http: httpx.Client, shared_app: Credentials) -> None:
    more = {f"other{number}": "x" for number in range(17)}
    assert_token_works(http, http.post(OAUTH, data={**in_body(shared_app.app_id, shared_app.app_key), **more}))


def test_the_secret_may_be_sent_only_once(http: httpx.Client, shared_app: Credentials) -> None:
    body = in_body(shared_app.app_id, shared_app.app_key)
    answer = http.post(OAUTH, data=body, headers=basic(shared_app.app_id, shared_app.app_key))
    error_of(answer, 400, "invalid_request")


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_another_method_is_405(http: httpx.Client, method: str) -> None:
    answer = http.request(method, OAUTH)
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
