"""`senderName`: who sends a message, from `sendMsg` to the inbox (docs/protocol.md, "sendMsg")."""

from typing import Any

import pytest

from msgcenter_client import Client
from tests.conftest import Raw, Server
from tests.gateway.calls import Json, accepted, now_ms, refused, text_to
from tests.inbox.conftest import Browser, opened_stream

NAME = "宋文萍"


def sent(raw: Raw, request: Json) -> str:
    message_id: str = accepted(raw, "sendMsg", request)["msgId"]
    return message_id


def named(raw: Raw, message_id: str) -> list[Any]:
    """Return the sender's name of a message as getMsgStatus and getMsgList have it, None where it is absent."""
    (listed,) = [message for message in accepted(raw, "getMsgList", {})["messages"] if message["msgId"] == message_id]
    return [accepted(raw, "getMsgStatus", {"msgId": message_id}).get("senderName"), listed.get("senderName")]


def test_the_app_and_the_reader_see_the_name(server: Server, raw: Raw, browser: Browser, user: str) -> None:
    with opened_stream(server, browser.token) as stream:
        message_id = sent(raw, text_to(user, senderName=NAME))
        _, shown = stream.next("message")
    assert (shown["id"], shown["senderName"]) == (message_id, NAME)
    assert named(raw, message_id) == [NAME, NAME]
    assert browser.get("/messages")["messages"][0]["senderName"] == NAME
    assert browser.get(f"/messages/{message_id}")["senderName"] == NAME


@pytest.mark.parametrize("nothing", [{}, {"senderName": None}, {"senderName": ""}])
def test_a_message_needs_no_name(raw: Raw, browser: Browser, user: str, nothing: Json) -> None:
    message_id = sent(raw, text_to(user, **nothing))
    assert named(raw, message_id) == [None, None]
    assert browser.get(f"/messages/{message_id}")["senderName"] is None


@pytest.mark.parametrize(
    "name", ["x", "名" * 64, "张　三", "O'Brien & Söhne <b>", "محمد", "👩‍🏫 李老师", "3(2)班 · 班主任"]
)
def test_names_are_kept_as_they_are(raw: Raw, user: str, name: str) -> None:
    assert named(raw, sent(raw, text_to(user, senderName=name))) == [name, name]


@pytest.mark.parametrize(
    "name",
    [
        *("名" * 65, 1, True, ["a"], {"a": 1}, " ", "\u3000", "\u200b", "\u3164", "a\nb", "a\tb", "a\x00b", "a\u2028b"),
        *("\u202egnos", "a\u2067b", "官方公告", "市教育局 平台公告", "系统消息", "MsgCenter"),
    ],
)
def test_other_names_are_refused(raw: Raw, client: Client, user: str, name: object) -> None:
    refused(raw, "sendMsg", text_to(user, senderName=name), "100003", "senderName")
    assert client.unread_count(user) == 0


def test_a_repeated_request_has_the_same_name(raw: Raw, user: str) -> None:
    request = text_to(user, senderName=NAME, requestId=f"r-{user}")
    assert sent(raw, request) == sent(raw, request)
    for other in ("another", "", None):
        refused(raw, "sendMsg", {**request, "senderName": other}, "300003")


def test_an_update_keeps_the_name(raw: Raw, browser: Browser, user: str) -> None:
    message_id = sent(raw, text_to(user, senderName=NAME))
    update = {"msgId": message_id, "msgtype": "text", "text": {"content": "later"}, "senderName": "another"}
    accepted(raw, "updateMsg", update)
    assert named(raw, message_id) == [NAME, NAME]
    shown = browser.get(f"/messages/{message_id}")
    assert (shown["senderName"], shown["body"]) == (NAME, {"content": "later"})


def test_a_scheduled_message_has_the_name(raw: Raw, user: str) -> None:
    message_id = sent(raw, text_to(user, senderName=NAME, sendTime=now_ms() + 3_600_000))
    assert named(raw, message_id) == [NAME, NAME]


def test_a_search_finds_the_name(raw: Raw, browser: Browser, user: str) -> None:
    matching = sent(raw, text_to(user, senderName="ＬＩＵ 文"))
    sent(raw, text_to(user))
    assert browser.ids(q="liu 文") == [matching]
    assert browser.post("/messages/read-all", {"upTo": matching, "q": "liu"})["changed"] == [matching]
