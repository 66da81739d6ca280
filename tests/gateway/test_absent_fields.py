"""Fields that count as absent: null anywhere, "" for platformCode and optional URLs, and bodies of other msgtypes."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from msgspec import Struct, inspect

from msgcenter.domain.content import Link, Text
from msgcenter.domain.refusal import Refusal
from msgcenter.gateway.api_calls import ENDPOINTS
from msgcenter.gateway.wire.app_message import AppLink
from msgcenter.gateway.wire.bodies import body_of
from msgcenter.gateway.wire.requests import GetAccessToken, GetAccessTokenLowerCase, MessageBody, NestedOa
from msgcenter.web.decode import decode

STRUCTS: list[type[Struct]] = [
    *(endpoint.request for endpoint in ENDPOINTS),
    GetAccessToken,
    GetAccessTokenLowerCase,
    Text,
    Link,
    NestedOa,
    AppLink,
]
REQUIRED: dict[str, Any] = {
    "appId": "a",
    "appid": "a",
    "timeStamp": 1,
    "timestamp": 1,
    "keyInfo": "0" * 40,
    "keyinfo": "0" * 40,
    "msgId": "1",
    "topic": "t",
    "userIds": ["u"],
    "publisherId": "u",
    "webhookId": "w",
    "deliveryId": "d",
    "url": "https://a.example/",
    "events": ["message.read"],
    "title": "t",
    "busiId": "b",
    "content": "c",
    "head": {"text": "h"},
    "sendeeId": "u",
    "orgs": [{"orgId": "o", "name": "O"}],
    "users": [{"userId": "u"}],
    "members": [{"orgId": "o", "userId": "u", "role": "stu"}],
    "orgId": "o",
}


def fields_of(struct: type[Struct]) -> tuple[inspect.Field, ...]:
    info = inspect.type_info(struct)
    assert isinstance(info, inspect.StructType)
    return info.fields


def whole(struct: type[Struct]) -> dict[str, Any]:
    """Return a request with the required fields only."""
    request = {field.encode_name: REQUIRED[field.encode_name] for field in fields_of(struct) if field.required}
    return request | ({"msgId": ["1"]} if struct.__name__ == "ModMsgStatus" else {})


def cases() -> Iterator[Any]:
    for struct in STRUCTS:
        for field in fields_of(struct):
            yield pytest.param(struct, field, id=f"{struct.__name__}.{field.encode_name}")


@pytest.mark.parametrize(("struct", "field"), list(cases()))
def test_null_is_the_same_as_left_out(struct: type[Struct], field: inspect.Field) -> None:
    request = whole(struct)
    with_null = json.dumps({**request, field.encode_name: None}).encode()
    if field.required:
        with pytest.raises(Refusal) as refused:
            decode(with_null, struct)
        assert refused.value.reason.ret_code == "100002"
        assert refused.value.data["field"] == field.encode_name
    elif field.encode_name == "sysCode":
        assert decode(with_null, struct).sys_code is None  # type: ignore[attr-defined]  # this struct has it
    else:
        assert decode(with_null, struct) == decode(json.dumps(request).encode(), struct)


CARD = {"head": {"text": "h"}, "body": {"title": "t", "form": [{"key": "k", "value": "v"}]}}


def card(**changes: object) -> bytes:
    """Return a request for a card with changes of its outer fields."""
    places = {"busiId": "b", "pcUrl": "https://a.example/", "appUrl": "https://a.example/"}
    return json.dumps({"msgtype": "oa", "oa": CARD, **places, **changes}).encode()


def test_null_deep_in_a_body_is_the_same_as_left_out() -> None:
    nulls = {
        "head": {"text": "h", "bgColor": None},
        "body": {
            "title": "t",
            "content": None,
            "imageUrl": None,
            "fileCount": None,
            "author": None,
            "form": [{"key": "k", "value": "v"}],
        },
        "busiId": None,
        "pcUrl": None,
        "appUrl": None,
    }
    others = {"msgType": None, "text": None, "link": None}
    assert body_of(decode(card(oa=nulls, **others), MessageBody)) == body_of(decode(card(), MessageBody))
    without_row = {**CARD, "body": {"title": "t", "form": [{"key": None, "value": None}]}}
    rows = {**CARD, "body": {"title": "t", "form": [{}]}}
    assert body_of(decode(card(oa=without_row), MessageBody)) == body_of(decode(card(oa=rows), MessageBody))
    bare = {"head": CARD["head"], "body": None}
    assert body_of(decode(card(oa=bare), MessageBody)) == body_of(decode(card(oa={"head": CARD["head"]}), MessageBody))


@pytest.mark.parametrize("content", ["1", '"x"', "[]", '{"content":7}', '{"content":"\\u0000"}', "null"])
def test_only_the_body_that_msgtype_names_is_read(content: str) -> None:
    text = '"text":{"content":"hello"}'
    link = f'"link":{content},"oa":{content},"busiId":{content},"pcUrl":{content},"appUrl":{content}'
    for msgtype in ('"msgtype":"text"', '"msgType":"text"', '"msgtype":"text","msgType":"text"'):
        assert body_of(decode(f"{{{msgtype},{text},{link}}}".encode(), MessageBody)) == Text("hello")
    with pytest.raises(Refusal) as refused:
        body_of(decode(f"{{{link}}}".encode(), MessageBody))
    assert (refused.value.reason.ret_code, refused.value.data["field"]) == ("100002", "msgtype")


@pytest.mark.parametrize("empty", ["", None])
def test_an_empty_url_or_platform_is_left_out(empty: str | None) -> None:
    for struct in STRUCTS:
        for field in fields_of(struct):
            name = field.encode_name
            if field.required or name not in {"platformCode", "url", "pcUrl", "appUrl", "picUrl"}:
                continue
            sent = json.dumps({**whole(struct), name: empty}).encode()
            assert decode(sent, struct) == decode(json.dumps(whole(struct)).encode(), struct), (struct, name)
    assert body_of(decode(card(appUrl=empty), MessageBody)).app_url == ""  # type: ignore[union-attr]


def test_an_error_next_to_a_null_is_named() -> None:
    with pytest.raises(Refusal) as refused:
        decode(b'{"msgId":["1"],"platformCode":null,"isRead":7}', ENDPOINTS[0].request)
    assert refused.value.data["field"] == "isRead"


@pytest.mark.parametrize("other", ["1e400", "123456789012345678901234567890", "1.0", '{"a":null}', "[null]", '""'])
def test_unknown_fields_are_ignored_next_to_a_null(other: str) -> None:
    sent = f'{{"publisherId":"u","platformCode": null ,"unknown":{other}}}'.encode()
    request = next(endpoint.request for endpoint in ENDPOINTS if endpoint.name == "getUnreadCount")
    assert decode(sent, request) == decode(b'{"publisherId":"u"}', request)


def test_a_null_in_an_array_is_refused() -> None:
    for sent, name in (
        (b'{"publisherId":null,"msgId":[null]}', "msgId[0]"),
        (b'{"publisherId":null,"msgId":["1",null]}', "msgId[1]"),
    ):
        with pytest.raises(Refusal) as refused:
            decode(sent, ENDPOINTS[0].request)
        assert (refused.value.reason.ret_code, refused.value.data["field"]) == ("100003", name)
