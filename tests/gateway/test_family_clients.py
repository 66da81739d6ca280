"""The public clients of the gateway family, byte for byte: the bytes that each sends and how it reads the answer.

Requests are written as these clients write them (header order, content types, names and types of fields), and answers
are read as strictly as they read them.
"""

import hashlib
import hmac
import json
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.conftest import Credentials, Raw, Server, running_server
from tests.gateway.calls import accepted

TOKEN = "/apigateway/getAccessToken"
LOWER_CASE = "/apigateway/getaccesstoken"
NATIONAL_KEYS = {"accessToken", "appId", "appLvl", "appName", "appType", "sysCode", "userId", "validTime"}
JACKSON = (
    "User-Agent: Java/1.8.0_202",
    "Accept: application/json, application/*+json",
    "Content-Type: application/json;charset=UTF-8",
)
GUZZLE = ("User-Agent: GuzzleHttp/6.5.5 curl/7.68.0 PHP/7.4.3", "Content-Type: application/json")
CURL_OF_PHP = ("Accept: */*", "Content-Type: application/x-www-form-urlencoded")
OKHTTP = ("Content-Type: application/json; charset=utf-8", "Accept-Encoding: gzip", "User-Agent: okhttp/3.14.9")


def exchange(
    server: Server,
    path: str,
    headers: tuple[str, ...],
    body: str,
    *,
    chunked: bool = False,
    status: int = 200,
    method: str = "POST",
) -> Any:
    """Send a body over a raw socket and return the answer's JSON. The answer must have this status."""
    host = urlsplit(server.url).netloc
    content = body.encode()
    if chunked:
        length, content = "Transfer-Encoding: chunked", b"%x\r\n%b\r\n0\r\n\r\n" % (len(content), content)
    else:
        length = f"Content-Length: {len(content)}"
    head = "\r\n".join((f"{method} {path} HTTP/1.1", *headers, f"Host: {host}", "Connection: close", length, "", ""))
    name, _, port = host.rpartition(":")
    with socket.create_connection((name, int(port)), timeout=30) as connection:
        connection.sendall(head.encode() + content)
        answer = b""
        while data := connection.recv(65_536):
            answer += data
    first, _, rest = answer.partition(b"\r\n")
    assert first.startswith(b"HTTP/1.1 %d " % status), answer
    return json.loads(rest.partition(b"\r\n\r\n")[2])


def proof(app: Credentials, timestamp: object, *, upper: bool = True) -> str:
    """Return keyInfo as these clients compute it: HMAC-SHA1 over the timestamp as it is sent."""
    message = f"{app.app_id}{app.app_key}{timestamp}".encode()
    digest = hmac.new(app.app_key.encode(), message, hashlib.sha1).hexdigest()
    return digest.upper() if upper else digest


def sends(server: Server, token: str, user: str) -> None:
    """Check that a token which a client has read is valid."""
    raw = json.dumps({"receiverIds": [user], "msgtype": "text", "text": {"content": "x"}})
    answer = exchange(server, f"/msgCenter/message/sendMsg?accessToken={token}", GUZZLE, raw)
    assert answer["retCode"] == "000000", answer


def test_a_composer_package_for_the_national_gateway(server: Server, shared_app: Credentials, user: str) -> None:
    seconds = int(time.time())
    body = (
        f'{{"appId":"{shared_app.app_id}","appKey":"{shared_app.app_key}","timeStamp":{seconds},'
        f'"keyInfo":"{proof(shared_app, seconds, upper=False)}","sysCode":0}}'
    )
    for headers in (GUZZLE, CURL_OF_PHP):
        answer = exchange(server, TOKEN, headers, body)
        assert (answer["retCode"], answer["data"]["sysCode"]) == ("000000", "0")
        sends(server, answer["data"]["accessToken"], user)


@pytest.mark.parametrize("path", [LOWER_CASE, TOKEN])
@pytest.mark.parametrize("write", [int, str])
def test_an_sso_connector_of_the_lower_case_dialect(
    server: Server, shared_app: Credentials, user: str, path: str, write: Callable[[int], object]
) -> None:
    at = int(time.time() * 1_000)
    request = {"appid": shared_app.app_id, "timestamp": write(at), "keyinfo": proof(shared_app, at)}
    answer = exchange(server, path, CURL_OF_PHP, json.dumps(request))
    assert (answer["result"], answer["desc"]) == ("000000", answer["retDesc"])
    sends(server, answer["tokenInfo"]["token"], user)


@pytest.mark.parametrize(
    ("change", "code", "named"),
    [
        ({"keyinfo": "0" * 40}, "200004", "keyinfo"),
        ({"appid": "nobody"}, "200003", "appid"),
        ({"timestamp": 1_000_000_000_000}, "200005", "timestamp"),
        ({"timestamp": "now"}, "100003", "timestamp"),
        ({"keyinfo": None}, "100002", "keyinfo"),
        ({"appid": None}, "100002", "appid"),
    ],
)
def test_refusals_use_the_lower_case_dialect(
    server: Server, shared_app: Credentials, change: dict[str, object], code: str, named: str
) -> None:
    at = int(time.time() * 1_000)
    request = {"appid": shared_app.app_id, "timestamp": at, "keyinfo": proof(shared_app, at), **change}
    for path in (LOWER_CASE, TOKEN):
        answer = exchange(server, path, CURL_OF_PHP, json.dumps(request))
        assert list(answer) == ["retCode", "retDesc", "result", "desc"]
        assert (answer["retCode"], answer["result"]) == (code, code)
        assert named in answer["desc"]
        assert answer["desc"] == answer["retDesc"]
        assert not any(name in answer["desc"] for name in ("appId", "timeStamp", "keyInfo"))


@pytest.mark.parametrize("body", ["", "{", "[]", "{}", "appid=1&keyinfo=2"])
def test_the_lower_case_path_decides_if_the_body_shows_no_dialect(server: Server, body: str) -> None:
    answer = exchange(server, LOWER_CASE, CURL_OF_PHP, body)
    assert answer["result"] == answer["retCode"]
    assert answer["result"] in {"100001", "100002"}
    assert "appId" not in answer["desc"]


def test_other_statuses_use_the_lower_case_dialect(server: Server) -> None:
    for answer in (
        exchange(server, LOWER_CASE, CURL_OF_PHP, "", method="GET", status=405),
        exchange(server, LOWER_CASE, CURL_OF_PHP, " " * ((1 << 20) + 1), status=413),
    ):
        assert list(answer) == ["retCode", "retDesc", "result", "desc"]
        assert (answer["result"], answer["desc"]) == (answer["retCode"], answer["retDesc"])


@pytest.mark.parametrize("path", [LOWER_CASE, TOKEN])
def test_a_rate_limit_uses_the_lower_case_dialect(
    shared_database: str, shared_app: Credentials, tmp_path: Path, path: str
) -> None:
    at = int(time.time() * 1_000)
    body = json.dumps({"appid": shared_app.app_id, "timestamp": at, "keyinfo": proof(shared_app, at)})
    with running_server(shared_database, tmp_path, RATE_LIMIT="1") as limited:
        answers = [exchange(limited, path, CURL_OF_PHP, body) for _ in range(10)]
    codes = [answer["result"] for answer in answers]
    assert set(codes) == {"000000", "400001"}
    assert codes == [answer["retCode"] for answer in answers]


def test_a_request_without_an_app_id_is_refused_with_its_own_field_names(server: Server) -> None:
    lower = exchange(server, TOKEN, CURL_OF_PHP, json.dumps({"timestamp": 1795477200, "keyinfo": "0" * 40}))
    assert (lower["result"], "appid" in lower["desc"]) == ("100002", True)
    camel = exchange(server, LOWER_CASE, CURL_OF_PHP, json.dumps({"timeStamp": 1795477200, "keyInfo": "0" * 40}))
    assert (camel["retCode"], "appId" in camel["retDesc"]) == ("100002", True)


@pytest.mark.parametrize("names", [("appid", "timestamp", "keyinfo"), ("appId", "timeStamp", "keyInfo")])
@pytest.mark.parametrize("path", [LOWER_CASE, TOKEN])
def test_a_sys_code_decides_about_the_keys_in_every_spelling(
    server: Server, shared_app: Credentials, path: str, names: tuple[str, str, str]
) -> None:
    at = int(time.time())
    sent: dict[str, object] = dict(zip(names, (shared_app.app_id, at, proof(shared_app, at)), strict=True))
    answer = exchange(server, path, JACKSON, json.dumps({**sent, "sysCode": "s"}))
    assert (set(answer), set(answer["data"])) == ({"retCode", "retDesc", "data"}, NATIONAL_KEYS)
    refusal = exchange(server, path, JACKSON, json.dumps({**sent, names[0]: "nobody", "sysCode": None}))
    assert set(refusal) == {"retCode", "retDesc"}
    assert names[0] in refusal["retDesc"]


@pytest.mark.parametrize("wrong", ["true", "[]", "{}"])
def test_a_sys_code_is_a_string_a_number_or_null(server: Server, shared_app: Credentials, wrong: str) -> None:
    at = int(time.time() * 1_000)
    request = {"appId": shared_app.app_id, "timeStamp": at, "keyInfo": proof(shared_app, at)}
    answer = exchange(server, TOKEN, JACKSON, json.dumps(request)[:-1] + f',"sysCode":{wrong}}}')
    assert (answer["retCode"], "sysCode" in answer["retDesc"]) == ("100003", True)


@pytest.mark.parametrize(("sys_code", "answered"), [('"1"', "1"), ("0", "0"), ("1.5", "1.5"), ("null", ""), ('""', "")])
@pytest.mark.parametrize("chunked", [False, True])
def test_the_national_gateways_demo_app(
    server: Server, shared_app: Credentials, user: str, sys_code: str, answered: str, *, chunked: bool
) -> None:
    at = int(time.time() * 1_000)
    body = (
        f'{{"appId":"{shared_app.app_id}","timeStamp":"{at}","keyInfo":"{proof(shared_app, at)}","sysCode":{sys_code}}}'
    )
    answer = exchange(server, TOKEN, JACKSON, body, chunked=chunked)
    # Jackson fails on a key that is not in its class.
    assert set(answer) == {"retCode", "retDesc", "data"}
    assert set(answer["data"]) == NATIONAL_KEYS
    assert all(isinstance(value, str) for value in answer["data"].values())
    assert answer["data"]["sysCode"] == answered
    sends(server, answer["data"]["accessToken"], user)

    refusal = exchange(server, TOKEN, JACKSON, body.replace(proof(shared_app, at), "0" * 40))
    assert set(refusal) == {"retCode", "retDesc"}
    assert refusal["retCode"] == "200004"


def test_the_answer_without_sys_code_keeps_its_keys(server: Server, shared_app: Credentials) -> None:
    at = int(time.time() * 1_000)
    request = {"appId": shared_app.app_id, "timeStamp": at, "keyInfo": proof(shared_app, at)}
    answer = exchange(server, TOKEN, OKHTTP, json.dumps(request))
    assert list(answer) == ["retCode", "retDesc", "tokenInfo", "data"]
    assert list(answer["tokenInfo"]) == [
        "accessToken",
        "validTime",
        "appId",
        "appName",
        "platformCode",
        "userId",
        "token",
    ]
    assert answer["data"] == answer["tokenInfo"]


def test_nulls_of_a_default_jackson_writer_count_as_left_out(wire: Raw, user: str) -> None:
    message = {
        "receiverIds": [user],
        "topic": None,
        "toAll": None,
        "platformCode": "",
        "msgtype": "text",
        "msgType": None,
        "text": {"content": "x"},
        "link": None,
        "oa": None,
        "busiId": None,
        "pcUrl": None,
        "appUrl": None,
        "approval": None,
        "requestId": None,
        "sendTime": None,
        "expireTime": None,
    }
    message_id = accepted(wire, "sendMsg", message)["msgId"]
    status = {"publisherId": user, "msgId": [message_id], "isRead": None, "platformCode": None, "approverId": None}
    assert list(accepted(wire, "modMsgStatus", status)) == ["retCode", "retDesc"]
    assert accepted(wire, "getMsgStatus", {"msgId": message_id, "isRead": None, "cursor": None})["read"] == 1


def test_a_sender_with_empty_addresses(wire: Raw, user: str) -> None:
    link = {
        "pcUrl": "",
        "appUrl": "http://m.example.com/1",
        "picUrl": "",
        "title": "t",
        "content": "c",
        "busiId": "AQWER1234",
    }
    accepted(wire, "sendMsg", {"receiverIds": [user], "msgtype": "link", "link": link})
