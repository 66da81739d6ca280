"""Which texts `sendMsg` takes: any Unicode text that can be seen (docs/protocol.md, "Fields and values")."""

import pytest

from msgcenter_client import Client
from tests.conftest import Raw
from tests.gateway.calls import HEAD, accepted, link_to, oa_to, oa_with, refused, stored_body, text_to


@pytest.mark.parametrize(
    "text", ["😀👨‍👩‍👧", "a\tb\r\nc", "a\x01\x1f\x7f", "\u2028\u202e\ufeff\uffff", "𝄞", '"\\/', "' or 1=1", "%s{0}"]
)
def test_any_text_arrives_unchanged(raw: Raw, client: Client, user: str, text: str) -> None:
    message_id = accepted(raw, "sendMsg", text_to(user, text={"content": text}))["msgId"]
    assert stored_body(client, message_id) == {"content": text}


def test_a_surrogate_pair_is_one_character(raw: Raw, client: Client, user: str) -> None:
    body = b'{"receiverIds":["%b"],"msgtype":"text","text":{"content":"\\ud83d\\ude00"}}' % user.encode()
    assert stored_body(client, accepted(raw, "sendMsg", body)["msgId"]) == {"content": "😀"}


@pytest.mark.parametrize("lone", [b"\\ud83d", b"\\ude00", b"\\ude00\\ud83d", b"\xed\xa0\xbd"])
def test_half_a_surrogate_pair_is_refused_with_its_field(wire: Raw, user: str, lone: bytes) -> None:
    body = b'{"receiverIds":["%b"],"msgtype":"text","text":{"content":"%b"}}' % (user.encode(), lone)
    if lone[:1] == b"\\":
        refused(wire, "sendMsg", body, "100003", "text.content")
    else:
        refused(wire, "sendMsg", body, "100001")


INVISIBLE = [" ", "\u3000\t\n", "\u200b\u200d", "\x01\x1f", "\u202e", "\u3164", "\u2800", "\U000e0041", "\ufe0f"]


@pytest.mark.parametrize("blank", INVISIBLE)
def test_an_invisible_text_is_refused(wire: Raw, user: str, blank: str) -> None:
    for request, field in (
        (text_to(user, text={"content": blank}), "text.content"),
        (link_to(user, title=blank), "link.title"),
        (link_to(user, content=blank), "link.content"),
        (oa_to(user, {"head": {"text": blank}}), "oa.head.text"),
    ):
        refused(wire, "sendMsg", request, "100003", field)
    message_id = accepted(wire, "sendMsg", text_to(user, text={"content": f"{blank}a{blank}"}))["msgId"]
    refused(wire, "updateMsg", {"msgId": message_id, "msgtype": "text", "text": {"content": blank}}, "100003")


@pytest.mark.parametrize("nul", ["\0", "a\0b"])
def test_u_0000_is_refused_with_its_field(wire: Raw, user: str, nul: str) -> None:
    for request, field in (
        (text_to(user, text={"content": nul}), "text.content"),
        (link_to(user, title=nul), "link.title"),
        (link_to(user, content=nul), "link.content"),
        (oa_to(user, {"head": {"text": nul}}), "oa.head.text"),
        (oa_with(user, author=nul), "oa.body.author"),
        (oa_with(user, form=[{"key": "k"}, {"value": nul}]), "oa.body.form[1].value"),
    ):
        refused(wire, "sendMsg", request, "100003", field, "U+0000")
    for request, field in (
        (link_to(user, busiId=nul), "link.busiId"),
        (link_to(user, pcUrl=f"http://a/{nul}"), "link.pcUrl"),
        (oa_to(user, busiId=nul), "busiId"),
        (oa_to(user, {**HEAD, "appUrl": f"http://a/{nul}"}), "appUrl"),
    ):
        refused(wire, "sendMsg", request, "100003", field)


def test_an_escaped_u_0000_is_ordinary_text(raw: Raw, client: Client, user: str) -> None:
    message_id = accepted(raw, "sendMsg", text_to(user, text={"content": "\\u0000"}))["msgId"]
    assert stored_body(client, message_id) == {"content": "\\u0000"}
