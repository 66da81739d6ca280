"""Shared by the tests of the protocol: checked envelopes, refusals in both languages, waiting for a state."""

import hmac
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any, cast

import httpx

from msgcenter.gateway.call_actions import CallActions
from msgcenter_client import Client, MessageStatus
from tests.conftest import Credentials, Raw

Json = dict[str, Any]
_PATIENCE_SECONDS = 60.0
_TRACES = ("Traceback", "asyncpg", "msgspec", 'File "', "Error(", "object at 0x", "select ", "$.")

TEXT: Json = {"msgtype": "text", "text": {"content": "开会"}}
LINK: Json = {
    "title": "第三单元作业",
    "content": "周五前完成",
    "busiId": "homework-3",
    "pcUrl": "https://school.example/3",
    "appUrl": "https://school.example/m/3",
}
PLACES: Json = {"busiId": "leave-17", "pcUrl": "https://oa.example/17", "appUrl": "https://oa.example/m/17"}
NO_ACTIONS = CallActions(*[cast(Any, None)] * len(fields(CallActions)))
"""For tests that list the routes and never send a request."""
HEAD: Json = {"head": {"text": "请假审批"}}


def text_to(*user_ids: object, **more: object) -> Json:
    """A sendMsg request for a text."""
    return {"receiverIds": list(user_ids), **TEXT, **more}


def link_to(user: str, **more: object) -> Json:
    """Return a sendMsg request for a link; `more` replaces fields of the link."""
    return {"receiverIds": [user], "msgtype": "link", "link": {**LINK, **more}}


def oa_to(user: str, oa: Json | None = None, **outer_fields: object) -> Json:
    """A sendMsg request for an oa card; `outer_fields` replace the fields outside `oa`."""
    return {"receiverIds": [user], "msgtype": "oa", **PLACES, "oa": HEAD if oa is None else oa, **outer_fields}


def crowd(user: str, count: int) -> list[str]:
    """Return that many user ids, made from one."""
    return [f"{user}-{number:05}" for number in range(count)]


def without(request: Json, *names: str) -> Json:
    """Return a request without these fields."""
    return {name: value for name, value in request.items() if name not in names}


def oa_with(user: str, **body: object) -> Json:
    """Return a request for a card with these fields in its body."""
    return oa_to(user, {**HEAD, "body": body})


def stored_body(client: Client, message_id: str) -> Any:
    """Return a message's body as listed by getMsgList."""
    (message,) = [candidate for candidate in client.messages() if candidate.id == message_id]
    return message.body


def envelope(answer: httpx.Response, status: int = 200) -> Json:
    """Return the JSON of an answer, which must be an envelope."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.headers["x-request-id"]
    body: Json = answer.json()
    assert list(body)[:2] == ["retCode", "retDesc"]
    assert isinstance(body["retCode"], str)
    assert re.fullmatch("[0-9]{6}", body["retCode"])
    assert isinstance(body["retDesc"], str)
    assert 0 < len(body["retDesc"]) <= 100
    assert not any(trace in answer.text for trace in _TRACES), answer.text
    return body


def accepted(raw: Raw, call: str, body: object, **headers: str) -> Json:
    """Return the answer to a call that must succeed."""
    answer = envelope(raw.post(call, body, headers=_names(headers)))
    assert answer["retCode"] == "000000", answer
    return answer


def refused(raw: Raw, call: str, body: object, ret_code: str, *named: str, **headers: str) -> Json:
    """Check that a call is refused in both languages and that both texts contain all of `named`; return the answer."""
    answers = {}
    for language in ("zh", "en"):
        answer = envelope(raw.post(call, body, headers={"accept-language": language, **_names(headers)}))
        assert answer["retCode"] == ret_code, answer
        for name in named:
            assert name in answer["retDesc"], answer
        assert not answer["retDesc"].endswith("…"), answer
        answers[language] = answer
    assert is_chinese(answers["zh"]["retDesc"])
    assert answers["en"]["retDesc"].replace("–", "-").isascii(), answers["en"]
    return answers["en"]


def is_chinese(text: str) -> bool:
    """Return whether a text has Chinese characters."""
    return any("\u4e00" <= character <= "\u9fff" for character in text)


def _names(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


def now_ms() -> int:
    """Return the time in milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def until(holds: Callable[[], bool], seconds: float = _PATIENCE_SECONDS, *, pause: float = 0.05) -> None:
    """Wait until a condition holds. It is checked after each `pause` in seconds."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "the condition never held"
        time.sleep(pause)


def when_sent(client: Client, message_id: str) -> MessageStatus:
    """Wait until a message has reached all receivers and return its status."""
    until(lambda: client.message_status(message_id, page_size=1).state == "sent")
    return client.message_status(message_id, page_size=1)


def proof(app: Credentials, timestamp: object, algorithm: str = "sha1", key: str | None = None) -> str:
    """Return the keyInfo of a getAccessToken request, computed as the protocol describes."""
    app_key = app.app_key if key is None else key
    return hmac.new(app_key.encode(), f"{app.app_id}{app_key}{timestamp}".encode(), algorithm).hexdigest().upper()


def token_request(app: Credentials, timestamp: object = None, algorithm: str = "sha1") -> Json:
    """Return a getAccessToken request with the current field names."""
    at = now_ms() if timestamp is None else timestamp
    return {"appId": app.app_id, "timeStamp": at, "keyInfo": proof(app, at, algorithm)}
