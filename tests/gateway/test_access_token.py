"""getAccessToken in its three dialects (docs/protocol.md, "Access token")."""

import json
import time
from collections.abc import Iterator
from typing import Any

import asyncpg
import httpx
import pytest

from msgcenter.actions.apps.apps import Apps
from msgcenter.actions.apps.key_ring import KeyRing
from msgcenter.database.database import Database
from msgcenter_client import Client, ClockError, IdentityError
from tests.conftest import SECRET_KEY, Credentials, Raw, Server, running_server, wait_for
from tests.gateway.calls import Json, envelope, is_chinese, now_ms, proof, token_request

TOKEN = "/apigateway/getAccessToken"
LOWER_CASE = "/apigateway/getaccesstoken"
MINUTE = 60_000
TWO_HOURS = 7_200_000


def ask(http: httpx.Client, request: Json, path: str = TOKEN) -> Json:
    """Return the answer to a token request that must succeed."""
    answer = envelope(http.post(path, json=request))
    assert answer["retCode"] == "000000", answer
    return answer


def token_of(http: httpx.Client, app: Credentials, timestamp: object = None) -> str:
    """Return a token of an app."""
    token: str = ask(http, token_request(app, timestamp))["tokenInfo"]["accessToken"]
    return token


def refused(http: httpx.Client, request: object, ret_code: str, *named: str, path: str = TOKEN) -> None:
    """Check that a token request is refused in both languages."""
    content = request if isinstance(request, bytes) else json.dumps(request).encode()
    for language in ("zh", "en"):
        answer = envelope(http.post(path, content=content, headers={"accept-language": language}))
        assert answer["retCode"] == ret_code, answer
        assert all(name in answer["retDesc"] for name in named), answer
        assert is_chinese(answer["retDesc"]) == (language == "zh")


def call(http: httpx.Client, token: str) -> str:
    """Return the retCode of a call with a token."""
    answer = http.post(
        "/msgCenter/message/getUnreadCount", params={"accessToken": token}, json={"publisherId": "nobody"}
    )
    code: str = envelope(answer)["retCode"]
    return code


# --- Dialects -------------------------------------------------------------------------------------------------------


def test_the_answer_has_the_documented_keys(http: httpx.Client, app: Credentials) -> None:
    started_at = now_ms()
    answer = http.post(TOKEN, json=token_request(app))
    assert answer.text.startswith('{"retCode":"000000","retDesc":"获取Token成功。","tokenInfo":{"accessToken":"')
    body = envelope(answer)
    assert list(body) == ["retCode", "retDesc", "tokenInfo", "data"]
    info = body["tokenInfo"]
    assert list(info) == ["accessToken", "validTime", "appId", "appName", "platformCode", "userId", "token"]
    assert all(isinstance(value, str) for value in info.values())
    assert len(info["accessToken"]) == 32
    assert int(info["accessToken"], 16) >= 0
    assert info["token"] == info["accessToken"]
    assert started_at + TWO_HOURS <= int(info["validTime"]) <= now_ms() + TWO_HOURS
    assert (info["appId"], info["appName"], info["platformCode"]) == (app.app_id, "Test app", app.platform_code)
    assert info["userId"]
    assert body["data"] == info


def in_lower_case(request: Json) -> Json:
    return {name.lower(): value for name, value in request.items()}


@pytest.mark.parametrize("path", [TOKEN, LOWER_CASE])
@pytest.mark.parametrize("old_names", [False, True])
@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
@pytest.mark.parametrize("as_text", [False, True])
def test_every_dialect_gets_a_token_that_works(
    http: httpx.Client, shared_app: Credentials, path: str, *, old_names: bool, algorithm: str, as_text: bool
) -> None:
    at = now_ms()
    request = token_request(shared_app, str(at) if as_text else at, algorithm)
    answer = ask(http, in_lower_case(request) if old_names else request, path)
    assert call(http, answer["tokenInfo"]["accessToken"]) == "000000"
    assert call(http, answer["tokenInfo"]["token"]) == "000000"
    assert call(http, answer["data"]["accessToken"]) == "000000"


@pytest.mark.parametrize("path", [TOKEN, LOWER_CASE])
def test_every_dialect_may_send_seconds(http: httpx.Client, shared_app: Credentials, path: str) -> None:
    request = token_request(shared_app, int(time.time()))
    for names in (request, in_lower_case(request)):
        assert call(http, ask(http, names, path)["tokenInfo"]["token"]) == "000000"
    refused(http, token_request(shared_app, 99_999_999_999), "200005", "timeStamp", "10")


def test_extras_of_old_clients_are_ignored(http: httpx.Client, shared_app: Credentials) -> None:
    ask(http, {**token_request(shared_app), "appid": "another", "other": None})
    ask(http, {**in_lower_case(token_request(shared_app)), "appKey": "1"}, LOWER_CASE)


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
def test_the_case_of_a_proof_is_ignored(http: httpx.Client, shared_app: Credentials, algorithm: str) -> None:
    request = token_request(shared_app, algorithm=algorithm)
    upper = request["keyInfo"]
    assert upper == upper.upper()
    tokens = {
        ask(http, {**request, "keyInfo": proof})["tokenInfo"]["accessToken"]
        for proof in (upper, upper.lower(), upper.swapcase(), upper[:20].lower() + upper[20:])
    }
    assert len(tokens) == 1


def test_a_proof_covers_the_timestamp_as_it_was_sent(http: httpx.Client, shared_app: Credentials) -> None:
    at = f"0{now_ms()}"
    assert call(http, token_of(http, shared_app, at)) == "000000"
    refused(http, {**token_request(shared_app, at), "timeStamp": at[1:]}, "200004", "keyInfo")


# --- Repeats --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def second_server(shared_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Another server process on the database of `server`."""
    with running_server(shared_database, tmp_path_factory.mktemp("second")) as started:
        yield started


@pytest.fixture(scope="module")
def second_http(second_server: Server) -> Iterator[httpx.Client]:
    """HTTP to the other process."""
    with httpx.Client(base_url=second_server.url, trust_env=False) as opened:
        yield opened


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
def test_a_repeat_gets_the_same_token_from_every_process(
    http: httpx.Client, second_http: httpx.Client, shared_app: Credentials, algorithm: str
) -> None:
    request = token_request(shared_app, algorithm=algorithm)
    first = ask(http, request)
    assert ask(http, request) == first
    assert ask(second_http, request) == first
    again = ask(second_http, in_lower_case(request), LOWER_CASE)
    assert again["tokenInfo"] == again["data"] == first["tokenInfo"]


def test_another_request_gets_a_new_token_and_the_old_one_stays_valid(
    http: httpx.Client, shared_app: Credentials
) -> None:
    at = now_ms()
    tokens = [token_of(http, shared_app, at + number) for number in range(3)]
    assert len(set(tokens)) == 3
    assert [call(http, token) for token in tokens] == ["000000"] * 3


def test_a_token_works_in_every_process(http: httpx.Client, second_http: httpx.Client, shared_app: Credentials) -> None:
    assert call(second_http, token_of(http, shared_app)) == "000000"
    assert call(http, token_of(second_http, shared_app)) == "000000"


# --- The window -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("minutes", [-9.9, 9.9])
def test_a_clock_may_be_off_by_ten_minutes(http: httpx.Client, shared_app: Credentials, minutes: float) -> None:
    token_of(http, shared_app, now_ms() + int(minutes * MINUTE))


@pytest.mark.parametrize("minutes", [-10.1, 10.1, -60 * 24 * 365])
def test_a_clock_off_by_more_is_200005(http: httpx.Client, shared_app: Credentials, minutes: float) -> None:
    refused(http, token_request(shared_app, now_ms() + int(minutes * MINUTE)), "200005", "timeStamp", "10")


@pytest.mark.parametrize("timestamp", [0, "0", 1, 10**15 - 1])
def test_an_absurd_time_is_200005(http: httpx.Client, shared_app: Credentials, timestamp: object) -> None:
    refused(http, token_request(shared_app, timestamp), "200005")
    refused(http, in_lower_case(token_request(shared_app, timestamp)), "200005", path=LOWER_CASE)


def test_the_window_and_the_life_are_settings(
    shared_database: str, shared_app: Credentials, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("settings")
    with (
        running_server(shared_database, folder, CLOCK_WINDOW="30", TOKEN_TTL="60") as server,
        httpx.Client(base_url=server.url, trust_env=False) as http,
    ):
        refused(http, token_request(shared_app, now_ms() - 31_000), "200005")
        info = ask(http, token_request(shared_app, now_ms() - 25_000))["tokenInfo"]
        assert now_ms() < int(info["validTime"]) <= now_ms() + 60_000


# --- Refusals -------------------------------------------------------------------------------------------------------


def test_an_unknown_app_is_200003(http: httpx.Client, shared_app: Credentials) -> None:
    for app_id in ("nobody", 42, "张" * 64):
        refused(http, {**token_request(shared_app), "appId": app_id}, "200003", "appId")


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
def test_a_wrong_proof_is_200004(http: httpx.Client, shared_app: Credentials, algorithm: str) -> None:
    request = token_request(shared_app, algorithm=algorithm)
    at = request["timeStamp"]
    for wrong in (proof(shared_app, at, algorithm, key="another"), proof(shared_app, at - 1, algorithm), "0" * 40):
        refused(http, {**request, "keyInfo": wrong}, "200004", "keyInfo", "HMAC")


@pytest.mark.parametrize("missing", ["appId", "timeStamp", "keyInfo"])
def test_a_missing_field_is_100002(http: httpx.Client, shared_app: Credentials, missing: str) -> None:
    request = token_request(shared_app)
    del request[missing]
    refused(http, request, "100002", missing)
    if missing != "appId":
        refused(http, in_lower_case(request), "100002", missing.lower(), path=LOWER_CASE)


MALFORMED: dict[str, list[object]] = {
    "appId": ["", "x" * 65, "a\0", "a\n", True, 1.5, [], {}],
    "timeStamp": ["", "x", "1.0", " 1", "1\n", "-1", -1, 1.5, 10**15, "9" * 16, "１", True, []],
    "keyInfo": ["", "x", "0" * 39, "0" * 41, "0" * 65, "g" * 40, "0" * 40 + "\n", 1, []],
}


@pytest.mark.parametrize(("field", "wrong"), [(field, wrong) for field, all_ in MALFORMED.items() for wrong in all_])
def test_a_malformed_field_is_100003(http: httpx.Client, shared_app: Credentials, field: str, wrong: object) -> None:
    request = {**token_request(shared_app), field: wrong}
    refused(http, request, "100003", field)


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"{", b"appId=x", b'"\xff"'])
@pytest.mark.parametrize("path", [TOKEN, LOWER_CASE])
def test_a_body_that_is_not_an_object_is_100001(http: httpx.Client, path: str, body: bytes) -> None:
    refused(http, body, "100001", path=path)


def test_an_expired_token_is_200002(http: httpx.Client, app: Credentials, shared_database: str) -> None:
    token = token_of(http, app)

    async def expire() -> None:
        connection = await asyncpg.connect(shared_database)
        await connection.execute("update access_token set expires_at = $1 where app_number = $2", now_ms(), app.number)
        await connection.close()

    wait_for(expire())
    assert call(http, token) == "200002"


# --- Ending tokens --------------------------------------------------------------------------------------------------


def operate(database_url: str, action: str, app: Credentials) -> str:
    """Rotate, disable or enable an app as an operator does; return its key."""

    async def act() -> str:
        async with Database(database_url, connections=2) as database:
            apps = Apps(database, KeyRing(SECRET_KEY))
            if action == "rotate":
                return (await apps.rotate_key(app.app_id)).app_key
            await apps.set_disabled(app.app_id, disabled=action == "disable")
            return app.app_key

    return wait_for(act())


def with_key(app: Credentials, key: str) -> Credentials:
    return Credentials(app.app_id, key, app.platform_code, app.number)


def test_a_rotated_key_ends_all_tokens_at_once_in_every_process(
    http: httpx.Client, second_http: httpx.Client, app: Credentials, shared_database: str
) -> None:
    request = token_request(app)
    tokens = [ask(http, request)["tokenInfo"]["accessToken"], token_of(second_http, app, now_ms() - 1)]
    for client in (http, second_http):
        assert [call(client, token) for token in tokens] == ["000000"] * 2
    renewed = with_key(app, operate(shared_database, "rotate", app))
    for client in (http, second_http):
        assert [call(client, token) for token in tokens] == ["200002"] * 2
        refused(client, request, "200004")
        assert call(client, token_of(client, renewed)) == "000000"


def test_disabling_ends_all_tokens_at_once_in_every_process(
    http: httpx.Client, second_http: httpx.Client, app: Credentials, shared_database: str
) -> None:
    request = token_request(app)
    token = ask(http, request)["tokenInfo"]["accessToken"]
    assert call(second_http, token) == "000000"
    operate(shared_database, "disable", app)
    for client in (http, second_http):
        assert call(client, token) == "200006"
        refused(client, request, "200006")
    operate(shared_database, "enable", app)
    for client in (http, second_http):
        assert call(client, token) == "200002", "an ended token stays ended"
        assert call(client, token_of(client, app)) == "000000"


# --- What is stored -------------------------------------------------------------------------------------------------


def test_the_database_holds_hashes_of_tokens_and_sealed_keys(
    http: httpx.Client, app: Credentials, raw: Raw, shared_database: str
) -> None:
    request = token_request(app)
    tokens = [ask(http, request)["tokenInfo"]["accessToken"], raw.token]

    async def everything() -> str:
        connection = await asyncpg.connect(shared_database)
        tables = await connection.fetch("select tablename from pg_tables where schemaname = 'public'")
        rows: list[Any] = []
        for (table,) in tables:
            rows += await connection.fetch(f'select t::text from "{table}" t')
        await connection.close()
        return "\n".join(row[0] for row in rows).lower()

    stored = wait_for(everything())
    assert app.app_id in stored
    for secret in (*tokens, app.app_key, request["keyInfo"].lower()):
        assert secret not in stored
        assert secret.encode().hex() not in stored
        assert bytes.fromhex(secret).hex() not in stored


# --- The SDK --------------------------------------------------------------------------------------------------------


def test_the_sdk_raises_identity_error_for_wrong_credentials(
    server: Server, app: Credentials, shared_database: str
) -> None:
    for app_id, key, code in ((app.app_id, "another", "200004"), ("nobody", app.app_key, "200003")):
        with Client(server.url, app_id, key, retries=0) as client, pytest.raises(IdentityError) as raised:
            client.unread_count("nobody")
        assert raised.value.ret_code == code
        assert not isinstance(raised.value, ClockError)


def test_the_sdk_fetches_a_new_token_when_one_has_ended(client: Client, app: Credentials, shared_database: str) -> None:
    assert client.unread_count("nobody") == 0

    async def end() -> None:
        connection = await asyncpg.connect(shared_database)
        await connection.execute("delete from access_token where app_number = $1", app.number)
        await connection.close()

    wait_for(end())
    assert client.unread_count("nobody") == 0
