"""`sendMsg`: fields, bodies, receivers, times, idempotency (docs/protocol.md, "sendMsg")."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from msgcenter.database.database import Database
from msgcenter.store.apps.platforms import ensure_platform
from msgcenter_client import Client, InvalidRequestError, StateError, Topic
from tests.conftest import Credentials, Raw, Server, execute, new_app, wait_for
from tests.gateway.calls import (
    HEAD,
    LINK,
    PLACES,
    Json,
    accepted,
    link_to,
    now_ms,
    oa_to,
    refused,
    text_to,
    token_request,
    until,
    when_sent,
)

DAY = 86_400_000


def without(request: Json, *names: str) -> Json:
    return {name: value for name, value in request.items() if name not in names}


def oa_with(user: str, **body: object) -> Json:
    """Return a request for a card with these fields in its body."""
    return oa_to(user, {**HEAD, "body": body})


def stored_body(client: Client, message_id: str) -> Any:
    """Return a message's body as listed by getMsgList."""
    (message,) = [candidate for candidate in client.messages() if candidate.id == message_id]
    return message.body


# --- The answer -----------------------------------------------------------------------------------------------------


def test_the_answer_is_the_id_as_decimal_text(wire: Raw, user: str) -> None:
    answer = accepted(wire, "sendMsg", text_to(user))
    assert list(answer) == ["retCode", "retDesc", "msgId"]
    assert isinstance(answer["msgId"], str)
    assert answer["msgId"].isdigit()
    assert len(answer["msgId"]) <= 19


def test_a_message_is_in_the_inbox_when_the_answer_arrives(sdk: Client, user: str) -> None:
    message_id = sdk.send_text(user, "x")
    assert sdk.unread_count(user) == 1
    assert sdk.message_status(message_id).state == "sent"


# --- Bodies ---------------------------------------------------------------------------------------------------------

SAMPLES = {
    "text": b'{\n\t"msgtype": "text",\n\t"text": {\n\t\t"content": "zhxy msg text test 12"\n\t}\n}\n',
    "link": '{\n\t"msgtype": "link",\n\t"link": {\n\t\t"pcUrl": "http://www.baidu.com",\n'
    '\t\t"appUrl": "http://www.baidu.com",\n\t\t"picUrl": "http://xxx.yyy.com/zzz.jpg",\n'
    '\t\t"content": "百度一下",\n\t\t"title": "百度",\n\t\t"busiId":"AQWER1234"\n\t}\n}\n'.encode(),
}
"""The sample bodies of the protocol's source."""


@pytest.mark.parametrize("kind", SAMPLES)
def test_the_samples_of_the_protocols_source_are_accepted(raw: Raw, client: Client, user: str, kind: str) -> None:
    receivers = json.dumps([user]).encode()
    body = SAMPLES[kind].replace(b"{", b'{"receiverIds":' + receivers + b",", 1)
    message_id = accepted(raw, "sendMsg", body)["msgId"]
    assert stored_body(client, message_id) == json.loads(SAMPLES[kind])[kind]


def test_a_whole_oa_card_is_sent_and_kept(raw: Raw, client: Client, user: str) -> None:
    oa = {
        "head": {"text": "请假审批", "bgColor": "ff2F6fDE"},
        "body": {
            "title": "标题",
            "content": "正文\n第二行",
            "imageUrl": "https://oa.example/1.png",
            "fileCount": "3",
            "author": "李老师",
            "form": [{"key": "时间", "value": "周二"}] * 6,
        },
    }
    message_id = accepted(raw, "sendMsg", oa_to(user, oa))["msgId"]
    kept = stored_body(client, message_id)
    assert {name: kept[name] for name in oa} == oa
    assert {name: kept[name] for name in PLACES} == PLACES


@pytest.mark.parametrize("kind", ["text", "link", "oa"])
@pytest.mark.parametrize("body", ["absent", None])
def test_the_body_of_the_msgtype_is_required(wire: Raw, user: str, kind: str, body: object) -> None:
    request: Json = {"receiverIds": [user], "msgtype": kind, **PLACES}
    if body is None:
        request[kind] = None
    refused(wire, "sendMsg", request, "100002", kind)


@pytest.mark.parametrize("kind", ["text", "link", "oa"])
@pytest.mark.parametrize("body", ["x", 1, True, [], [{}]])
def test_a_body_is_an_object(wire: Raw, user: str, kind: str, body: object) -> None:
    refused(wire, "sendMsg", {"receiverIds": [user], "msgtype": kind, kind: body, **PLACES}, "100003", kind)


def test_bodies_of_other_types_are_ignored(wire: Raw, user: str) -> None:
    accepted(wire, "sendMsg", text_to(user, link={"pcUrl": 1}, oa=None, busiId=[], pcUrl=None, appUrl="x"))
    accepted(wire, "sendMsg", {**link_to(user), "text": "\0", "oa": 1})
    accepted(wire, "sendMsg", {**oa_to(user), "text": [], "link": None})


def test_msgtype_is_required(wire: Raw, user: str) -> None:
    refused(wire, "sendMsg", without(text_to(user), "msgtype"), "100002", "msgtype")


@pytest.mark.parametrize("wrong", ["", "TEXT", "markdown", 1, True, ["text"]])
@pytest.mark.parametrize("name", ["msgtype", "msgType"])
def test_msgtype_is_one_of_three(wire: Raw, user: str, name: str, wrong: object) -> None:
    request = {**without(text_to(user), "msgtype"), name: wrong}
    refused(wire, "sendMsg", request, "100003", name, "text", "link", "oa")


# --- Limits of the fields -------------------------------------------------------------------------------------------


def url_of(length: int) -> str:
    return "https://a.example/".ljust(length, "x")


def at_edge(user: str, field: str, length: int) -> Json:
    """Return a request in which `field` (the dotted name on the wire) has this many characters."""
    text = "张" * length
    match field:
        case "text.content":
            return text_to(user, text={"content": text})
        case "link.pcUrl" | "link.appUrl" | "link.picUrl":
            return link_to(user, **{field.removeprefix("link."): url_of(length)})
        case "link.title" | "link.content" | "link.busiId":
            return link_to(user, **{field.removeprefix("link."): text})
        case "pcUrl" | "appUrl":
            return oa_to(user) | {field: url_of(length)}
        case "busiId":
            return oa_to(user, busiId=text)
        case "oa.head.text":
            return oa_to(user, {"head": {"text": text}})
        case "oa.body.imageUrl":
            return oa_with(user, imageUrl=url_of(length))
        case "oa.body.fileCount":
            return oa_with(user, fileCount="9" * length)
        case "oa.body.form[0].key":
            return oa_with(user, form=[{"key": text}])
        case "oa.body.form[0].value":
            return oa_with(user, form=[{"value": text}])
        case "receiverIds[0]":
            return text_to(text)
        case "requestId":
            return text_to(user, requestId=(user + text)[:length] if length <= 64 else text)
        case _:
            return oa_with(user, **{field.removeprefix("oa.body."): text})


LIMITS = {
    "text.content": (1, 4_096),
    "link.title": (1, 255),
    "link.content": (1, 4_096),
    "link.busiId": (1, 64),
    "link.pcUrl": (19, 2_048),
    "link.appUrl": (19, 2_048),
    "link.picUrl": (19, 2_048),
    "busiId": (1, 64),
    "pcUrl": (19, 2_048),
    "appUrl": (19, 2_048),
    "oa.head.text": (1, 255),
    "oa.body.title": (0, 255),
    "oa.body.content": (0, 4_096),
    "oa.body.imageUrl": (19, 2_048),
    "oa.body.fileCount": (0, 10),
    "oa.body.author": (0, 64),
    "oa.body.form[0].key": (0, 64),
    "oa.body.form[0].value": (0, 255),
    "receiverIds[0]": (1, 64),
    "requestId": (18, 64),
}


@pytest.mark.parametrize("field", LIMITS)
def test_a_field_accepts_its_minimum_and_maximum_length(wire: Raw, user: str, field: str) -> None:
    for length in LIMITS[field]:
        accepted(wire, "sendMsg", at_edge(user, field, length))


@pytest.mark.parametrize("field", LIMITS)
def test_a_longer_field_is_refused_with_its_name_and_limit(wire: Raw, user: str, field: str) -> None:
    limit = LIMITS[field][1]
    refused(wire, "sendMsg", at_edge(user, field, limit + 1), "100003", field, str(limit))


@pytest.mark.parametrize("field", [name for name, (least, _) in LIMITS.items() if least == 1])
def test_an_empty_field_that_must_have_text_is_refused(wire: Raw, user: str, field: str) -> None:
    refused(wire, "sendMsg", at_edge(user, field, 0), "100003", field)


def test_a_form_has_up_to_six_rows(wire: Raw, user: str) -> None:
    for rows in (0, 1, 6):
        accepted(wire, "sendMsg", oa_with(user, form=[{"key": "k", "value": "v"}] * rows))
    refused(wire, "sendMsg", oa_with(user, form=[{"key": "k", "value": "v"}] * 7), "100004", "oa.body.form", "6")


@pytest.mark.parametrize("field", ["title", "busiId", "content"])
def test_a_link_has_three_required_fields(wire: Raw, user: str, field: str) -> None:
    for link in (without(LINK, field), {**LINK, field: None}):
        refused(wire, "sendMsg", {**link_to(user), "link": link}, "100002", f"link.{field}")
    wrongs: list[object] = ["", [], True]
    for wrong in wrongs:
        refused(wire, "sendMsg", link_to(user, **{field: wrong}), "100003", f"link.{field}")


def test_a_link_needs_no_picture(raw: Raw, client: Client, user: str) -> None:
    for link in (LINK, {**LINK, "picUrl": ""}, {**LINK, "picUrl": None}):
        message_id = accepted(raw, "sendMsg", {**link_to(user), "link": link})["msgId"]
        assert not stored_body(client, message_id).get("picUrl")


@pytest.mark.parametrize(("kept", "left_out"), [("pcUrl", "appUrl"), ("appUrl", "pcUrl")])
def test_links_and_cards_need_one_of_two_addresses(
    raw: Raw, client: Client, user: str, kept: str, left_out: str
) -> None:
    for empty in ("", None):
        for request in (link_to(user, **{left_out: empty}), oa_to(user) | {left_out: empty}):
            body = stored_body(client, accepted(raw, "sendMsg", request)["msgId"])
            assert (kept in body, left_out in body) == (True, False)
        refused(raw, "sendMsg", link_to(user, pcUrl="", appUrl=empty), "100002", "link.pcUrl/link.appUrl")
        refused(raw, "sendMsg", oa_to(user) | {kept: "", left_out: empty}, "100002", "pcUrl/appUrl")
    refused(raw, "sendMsg", {**link_to(user), "link": without(LINK, kept, left_out)}, "100002", "link.pcUrl")


def test_a_text_needs_its_content(wire: Raw, user: str) -> None:
    for text in ({}, {"content": None}):
        refused(wire, "sendMsg", text_to(user, text=text), "100002", "text.content")
    wrongs: list[object] = [1, [], ""]
    for wrong in wrongs:
        refused(wire, "sendMsg", text_to(user, text={"content": wrong}), "100003", "text.content")


def test_a_card_needs_its_head(wire: Raw, user: str) -> None:
    for card in ({}, {"head": None}):
        refused(wire, "sendMsg", oa_to(user, card), "100002", "oa.head")
    refused(wire, "sendMsg", oa_to(user, {"head": {}}), "100002", "oa.head.text")
    wrongs: list[object] = ["x", []]
    for wrong in wrongs:
        refused(wire, "sendMsg", oa_to(user, {"head": wrong}), "100003", "oa.head")


def test_a_card_needs_no_body(wire: Raw, user: str) -> None:
    for oa in (HEAD, {**HEAD, "body": None}, {**HEAD, "body": {}}):
        accepted(wire, "sendMsg", oa_to(user, oa))
    refused(wire, "sendMsg", oa_to(user, {**HEAD, "body": "x"}), "100003", "oa.body")


@pytest.mark.parametrize("colour", ["FFCC0000", "00aBcDeF"])
def test_a_colour_is_kept_as_it_was_sent(raw: Raw, client: Client, user: str, colour: str) -> None:
    message_id = accepted(raw, "sendMsg", oa_to(user, {"head": {"text": "x", "bgColor": colour}}))["msgId"]
    assert stored_body(client, message_id)["head"].get("bgColor", "FFCC0000") == colour


@pytest.mark.parametrize("colour", ["", "#FFCC000", 1])
def test_a_wrong_colour_is_refused_with_the_name_of_its_field(wire: Raw, user: str, colour: object) -> None:
    oa = {"head": {"text": "x", "bgColor": colour}}
    refused(wire, "sendMsg", oa_to(user, oa), "100003", "oa.head.bgColor", "AARRGGBB")


def test_a_heads_text_and_given_colour_have_255_characters_together(wire: Raw, user: str) -> None:
    for length, head in ((247, {"bgColor": "FF000000"}), (255, {}), (255, {"bgColor": "FFCC0000"})):
        accepted(wire, "sendMsg", oa_to(user, {"head": {"text": "张" * length, **head}}))
    refused(
        wire, "sendMsg", oa_to(user, {"head": {"text": "张" * 248, "bgColor": "FF000000"}}), "100003", "oa.head", "255"
    )


@pytest.mark.parametrize("count", [3, "007"])
def test_a_file_count_is_a_number_or_digits(wire: Raw, user: str, count: object) -> None:
    accepted(wire, "sendMsg", oa_with(user, fileCount=count))


@pytest.mark.parametrize("count", [-1, "three"])
def test_a_wrong_file_count_is_refused_with_the_name_of_its_field(wire: Raw, user: str, count: object) -> None:
    refused(wire, "sendMsg", oa_with(user, fileCount=count), "100003", "oa.body.fileCount")


# --- Places of a card's id and addresses ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", PLACES)
def test_a_field_of_a_card_may_be_inside_or_outside_of_oa(raw: Raw, client: Client, user: str, name: str) -> None:
    inside = without(oa_to(user, {**HEAD, name: PLACES[name]}), name)
    both = oa_to(user, {**HEAD, name: PLACES[name]})
    for request in (oa_to(user), inside, both, without(oa_to(user, {**HEAD, **PLACES}), *PLACES)):
        message_id = accepted(raw, "sendMsg", request)["msgId"]
        assert stored_body(client, message_id)[name] == PLACES[name]
    if name == "busiId":
        refused(raw, "sendMsg", without(oa_to(user), name), "100002", name)
    other = {"busiId": "another"}.get(name, "https://other.example/")
    refused(raw, "sendMsg", oa_to(user, {**HEAD, name: other}), "100005", f"{name}/oa.{name}")


def test_an_id_at_both_places_may_be_text_and_a_number(wire: Raw, user: str) -> None:
    accepted(wire, "sendMsg", oa_to(user, {**HEAD, "busiId": "17"}, busiId=17))
    refused(wire, "sendMsg", oa_to(user, {**HEAD, "busiId": "18"}, busiId=17), "100005", "busiId/oa.busiId")


@pytest.mark.parametrize("name", PLACES)
@pytest.mark.parametrize("wrong", [[], True, 1.5])
def test_a_malformed_field_of_a_card_is_named_by_its_place(wire: Raw, user: str, name: str, wrong: object) -> None:
    refused(wire, "sendMsg", oa_to(user) | {name: wrong}, "100003", name)
    refused(wire, "sendMsg", without(oa_to(user, {**HEAD, name: wrong}), name), "100003", f"oa.{name}")


# --- URLs -----------------------------------------------------------------------------------------------------------

# tests/domain/test_content.py tests all kinds of URLs.


@pytest.mark.parametrize("url", ["http://a", "https://学校.example:8080/路径?x=y#f"])
def test_an_http_url_is_accepted_in_every_field(wire: Raw, user: str, url: str) -> None:
    accepted(wire, "sendMsg", link_to(user, pcUrl=url, appUrl=url, picUrl=url))
    accepted(wire, "sendMsg", oa_to(user, {**HEAD, "body": {"imageUrl": url}}, pcUrl=url, appUrl=url))


@pytest.mark.parametrize("url", ["x", "javascript:alert(1)", "http://a\n"])
def test_another_url_is_refused_with_the_name_of_its_field(wire: Raw, user: str, url: str) -> None:
    for name in ("pcUrl", "appUrl", "picUrl"):
        refused(wire, "sendMsg", link_to(user, **{name: url}), "100003", f"link.{name}", "http")
    refused(wire, "sendMsg", oa_to(user, pcUrl=url), "100003", "pcUrl", "http")
    refused(wire, "sendMsg", oa_to(user, appUrl=url), "100003", "appUrl", "http")
    refused(wire, "sendMsg", oa_with(user, imageUrl=url), "100003", "oa.body.imageUrl", "http")


# --- Receivers ------------------------------------------------------------------------------------------------------


def crowd(user: str, count: int) -> list[str]:
    return [f"{user}-{number:05}" for number in range(count)]


@pytest.mark.parametrize("count", [1, 2, 1_000])
def test_up_to_a_thousand_receivers_get_the_message_at_once(sdk: Client, user: str, count: int) -> None:
    receivers = crowd(user, count)
    message_id = sdk.send_text(receivers, "x")
    status = sdk.message_status(message_id)
    assert (status.state, status.receivers, status.delivered, status.unread) == ("sent", count, count, count)
    assert sdk.unread_count(receivers[-1]) == 1


@pytest.mark.parametrize("count", [1_001, 10_000])
def test_more_receivers_get_the_message_in_the_background(sdk: Client, user: str, count: int) -> None:
    receivers = crowd(user, count)
    message_id = sdk.send_text(receivers, "x")
    assert sdk.message_status(message_id, page_size=1).receivers == count
    status = when_sent(sdk, message_id)
    assert (status.delivered, status.read, status.unread) == (count, 0, count)
    for receiver in (receivers[0], receivers[count // 2], receivers[-1]):
        assert sdk.unread_count(receiver) == 1
    assert sum(1 for _ in sdk.receipts(message_id)) == count


def test_zero_and_more_than_ten_thousand_receivers_are_refused(wire: Raw, user: str) -> None:
    refused(wire, "sendMsg", text_to(), "100003", "receiverIds", "10000")
    refused(wire, "sendMsg", text_to(*crowd(user, 10_001)), "100004", "receiverIds", "10000")
    refused(wire, "sendMsg", text_to(*[user] * 10_001), "100004", "receiverIds", "10000")


def test_duplicate_receivers_collapse(wire: Raw, sdk: Client, user: str) -> None:
    number = now_ms()
    message_id = accepted(wire, "sendMsg", text_to(user, user, number, str(number), user))["msgId"]
    assert sdk.message_status(message_id).receivers == 2
    assert (sdk.unread_count(user), sdk.unread_count(str(number))) == (1, 1)


@pytest.mark.parametrize("wrong", ["someone", 1, {}, True])
def test_receivers_are_an_array(wire: Raw, wrong: object) -> None:
    refused(wire, "sendMsg", {**text_to(), "receiverIds": wrong}, "100003", "receiverIds")


@pytest.mark.parametrize("wrong", ["", "x" * 65, "a\0", "a\n", "\x1f", "\x7f", None, True, 1.5, 10**64, [], {}])
def test_a_wrong_receiver_is_named_by_its_index(wire: Raw, sdk: Client, user: str, wrong: object) -> None:
    refused(wire, "sendMsg", text_to(user, user, wrong), "100003", "receiverIds[2]")
    refused(wire, "sendMsg", text_to(*[user] * 9_999, wrong), "100003", "receiverIds[9999]")
    assert sdk.unread_count(user) == 0


@pytest.mark.parametrize(
    "odd", ["张三", "😀" * 64, "a b", "a/b?c=d&e", "'; drop table app; --", "\u202e", "İ", "a\u0301"]
)
def test_unusual_user_ids_are_accepted_as_receivers(wire: Raw, sdk: Client, odd: str) -> None:
    before = sdk.unread_count(odd)
    accepted(wire, "sendMsg", text_to(odd))
    assert sdk.unread_count(odd) == before + 1


def test_ids_that_only_look_alike_are_different_users(sdk: Client, user: str) -> None:
    sdk.send_text(user, "x")
    for other in (user.upper(), user.replace("-", "\N{EN DASH}")):
        assert sdk.unread_count(other) == 0


@pytest.mark.parametrize("space", [" ", "\u3000", "\xa0", "\u2028", "\ufeff", "\u200b"])
def test_a_user_id_has_no_white_space_at_its_ends(wire: Raw, user: str, space: str) -> None:
    for wrong in (space, space + user, user + space):
        refused(wire, "sendMsg", text_to(user, wrong), "100003", "receiverIds[1]")
        refused(wire, "modMsgStatus", {"publisherId": wrong, "msgId": ["1"]}, "100003", "publisherId")
        refused(wire, "getUnreadCount", {"publisherId": wrong}, "100003", "publisherId")
        refused(wire, "/msgCenter/user/getUserToken", {"publisherId": wrong}, "100003", "publisherId")
        refused(wire, "/msgCenter/topic/subscribe", {"topic": "t", "userIds": [wrong]}, "100003", "userIds[0]")


# --- Ways of addressing ---------------------------------------------------------------------------------------------


def test_exactly_one_way_of_addressing_must_be_used(wire: Raw, user: str) -> None:
    without_receivers = without(text_to(user), "receiverIds")
    refused(wire, "sendMsg", without_receivers, "100002", "receiverIds")
    refused(wire, "sendMsg", text_to(user, topic="t"), "100005", "receiverIds/topic")
    refused(wire, "sendMsg", text_to(user, toAll=True), "100005", "receiverIds/toAll")
    refused(wire, "sendMsg", {**without_receivers, "topic": "t", "toAll": True}, "100005", "topic/toAll")
    refused(wire, "sendMsg", text_to(user, topic="t", toAll=True), "100005", "receiverIds/topic/toAll")


def test_a_topic_that_never_had_users_is_300005(sdk: Client, wire: Raw, user: str) -> None:
    with pytest.raises(StateError) as no_topic:
        sdk.send_text(Topic("t"), "x")
    assert no_topic.value.ret_code == "300005"
    refused(wire, "sendMsg", {**without(text_to(user), "receiverIds"), "topic": "t"}, "300005")


@pytest.mark.parametrize("wrong", [False, 1, "true", {}])
def test_to_all_is_true_or_absent(wire: Raw, user: str, wrong: object) -> None:
    refused(wire, "sendMsg", {**without(text_to(user), "receiverIds"), "toAll": wrong}, "100003", "toAll", "true")


@pytest.mark.parametrize("wrong", ["", "x" * 65, "a\0", True, []])
def test_a_topic_is_an_id(wire: Raw, user: str, wrong: object) -> None:
    refused(wire, "sendMsg", {**without(text_to(user), "receiverIds"), "topic": wrong}, "100003", "topic")


def test_an_approval_needs_a_list_of_receivers(wire: Raw, user: str) -> None:
    without_receivers = without(text_to(user, approval=True), "receiverIds")
    refused(wire, "sendMsg", {**without_receivers, "topic": "t"}, "100005", "approval/topic", "receiverIds")
    refused(wire, "sendMsg", {**without_receivers, "toAll": True}, "100005", "approval/toAll", "receiverIds")


@pytest.mark.parametrize("wrong", [1, 0, "true", "1", []])
def test_approval_is_true_or_false(wire: Raw, user: str, wrong: object) -> None:
    refused(wire, "sendMsg", text_to(user, approval=wrong), "100003", "approval", "true")


def test_only_messages_with_the_approval_flag_are_approvals(wire: Raw, user: str) -> None:
    plain = [accepted(wire, "sendMsg", text_to(user, **more))["msgId"] for more in ({}, {"approval": False})]
    for message_id in plain:
        refused(wire, "modMsgStatus", {"msgId": [message_id]}, "300002", message_id)
    for request in (text_to(user), link_to(user), oa_to(user)):
        approval = accepted(wire, "sendMsg", {**request, "approval": True})["msgId"]
        accepted(wire, "modMsgStatus", {"msgId": [approval]})


# --- Sending once ---------------------------------------------------------------------------------------------------


def test_a_repeated_request_id_sends_nothing_twice(wire: Raw, sdk: Client, user: str) -> None:
    request = text_to(user, requestId=user)
    first = accepted(wire, "sendMsg", request)
    for _ in range(3):
        assert accepted(wire, "sendMsg", request) == first
    assert sdk.unread_count(user) == 1
    assert accepted(wire, "sendMsg", text_to(user))["msgId"] != first["msgId"]
    assert accepted(wire, "sendMsg", text_to(user, requestId=f"{user}+"))["msgId"] != first["msgId"]


def test_the_header_is_the_same_as_the_field(wire: Raw, sdk: Client, user: str) -> None:
    first = accepted(wire, "sendMsg", text_to(user, requestId=user))
    assert accepted(wire, "sendMsg", text_to(user), idempotency_key=user) == first
    assert accepted(wire, "sendMsg", text_to(user, requestId=user), idempotency_key=user) == first
    assert sdk.unread_count(user) == 1
    refused(
        wire,
        "sendMsg",
        text_to(user, requestId=user),
        "100005",
        "requestId/Idempotency-Key",
        idempotency_key=f"{user}+",
    )
    refused(wire, "sendMsg", text_to(user), "100003", "Idempotency-Key", "64", idempotency_key="x" * 65)
    assert sdk.send_text(user, "开会", idempotency_key=user) == first["msgId"]


def test_another_spelling_of_a_request_is_a_repeat(wire: Raw, user: str) -> None:
    number = now_ms()
    first = accepted(wire, "sendMsg", text_to(user, number, requestId=user))
    for same in (
        text_to(str(number), user, user, requestId=user, approval=False),
        {**without(text_to(number, user, requestId=user), "msgtype"), "msgType": "text", "link": None, "sysCode": "1"},
        text_to(user, number, requestId=user, platformCode="420100"),
    ):
        assert accepted(wire, "sendMsg", same) == first


def test_a_reused_request_id_is_refused(wire: Raw, sdk: Client, user: str) -> None:
    accepted(wire, "sendMsg", text_to(user, requestId=user))
    for other in (
        text_to(user, requestId=user, text={"content": "another"}),
        text_to(user, f"{user}-2", requestId=user),
        text_to(user, requestId=user, approval=True),
        text_to(user, requestId=user, expireTime=now_ms() + DAY),
        text_to(user, requestId=user, sendTime=now_ms() + DAY),
        {**link_to(user), "requestId": user},
    ):
        refused(wire, "sendMsg", other, "300003", "requestId")
    assert sdk.unread_count(user) == 1


def test_request_ids_are_separate_per_app(sdk: Client, other_client: Client, user: str) -> None:
    mine = sdk.send_text(user, "x", idempotency_key=user)
    assert other_client.send_text(user, "another", idempotency_key=user) != mine


def test_concurrent_repeats_make_one_message(wire: Raw, sdk: Client, user: str) -> None:
    request = text_to(user, f"{user}-2", requestId=user)
    with ThreadPoolExecutor(12) as threads:
        answers = list(threads.map(lambda _: accepted(wire, "sendMsg", request)["msgId"], range(36)))
    assert len(set(answers)) == 1
    assert (sdk.unread_count(user), sdk.unread_count(f"{user}-2")) == (1, 1)


def test_a_refused_request_leaves_its_request_id_free(wire: Raw, user: str) -> None:
    refused(wire, "sendMsg", text_to(user, requestId=user, text={"content": ""}), "100003", "text.content")
    accepted(wire, "sendMsg", text_to(user, requestId=user))


@pytest.mark.parametrize("wrong", ["", "a\0", "a\n", True, 1.5, []])
def test_a_malformed_request_id_is_refused(wire: Raw, user: str, wrong: object) -> None:
    refused(wire, "sendMsg", text_to(user, requestId=wrong), "100003", "requestId")


def test_a_repeat_of_a_large_send_gets_the_same_id(wire: Raw, sdk: Client, user: str) -> None:
    request = text_to(*crowd(user, 1_001), requestId=user)
    message_id = accepted(wire, "sendMsg", request)["msgId"]
    assert accepted(wire, "sendMsg", request)["msgId"] == message_id
    when_sent(sdk, message_id)
    assert accepted(wire, "sendMsg", request)["msgId"] == message_id
    assert sdk.unread_count(f"{user}-00000") == 1


def test_a_request_id_is_kept_for_a_day(raw: Raw, app: Credentials, shared_database: str, user: str) -> None:
    request = text_to(user, requestId=user)
    first = accepted(raw, "sendMsg", request)

    def age(milliseconds: int) -> None:
        statement = f"update idempotency_key set created_at = {now_ms() - milliseconds} where app_number = {app.number}"
        wait_for(execute(shared_database, statement))

    age(DAY - 60_000)
    assert accepted(raw, "sendMsg", request) == first
    refused(raw, "sendMsg", text_to(user, f"{user}-2", requestId=user), "300003")
    age(DAY + 1)
    assert accepted(raw, "sendMsg", request) != first


def test_a_repeat_is_answered_after_its_times_have_passed(wire: Raw, sdk: Client, user: str) -> None:
    request = text_to(user, requestId=user, expireTime=now_ms() + 1_000)
    first = accepted(wire, "sendMsg", request)
    until(lambda: sdk.message_status(first["msgId"]).state == "expired")
    assert accepted(wire, "sendMsg", request) == first
    refused(wire, "sendMsg", {**request, "requestId": f"{user}+"}, "100003", "expireTime")
    refused(wire, "sendMsg", {**request, "receiverIds": [f"{user}-2"]}, "300003", "requestId")


# --- Platforms ------------------------------------------------------------------------------------------------------


async def _authorise(database_url: str, app: Credentials, platform_code: str) -> None:
    """Create a platform unless it exists, and let an app send on it."""
    async with Database(database_url, connections=2) as database:
        await database.in_transaction(ensure_platform, platform_code, platform_code, 0)
    await execute(database_url, f"update app set platforms = array['{platform_code}'] where number = {app.number}")


def test_another_platform_needs_an_authorisation(
    raw: Raw, client: Client, app: Credentials, shared_database: str, user: str
) -> None:
    refused(raw, "sendMsg", text_to(user, platformCode="330100"), "200007", "330100")
    wait_for(_authorise(shared_database, app, "330100"))
    message_id = client.send_text(user, "x", platform_code="330100")
    assert (client.unread_count(user), client.unread_count(user, platform_code="330100")) == (0, 1)
    refused(raw, "modMsgStatus", {"publisherId": user, "msgId": [message_id]}, "300001")
    client.set_status(user, message_id, platform_code="330100")
    assert client.unread_count(user, platform_code="330100") == 0
    assert client.message_status(message_id).read == 1
    refused(raw, "sendMsg", text_to(user, platformCode="110000"), "200007", "110000")


def test_a_platform_may_allow_app_schemes_in_app_url_alone(shared_database: str, server: Server, user: str) -> None:
    app = wait_for(new_app(shared_database, f"p-{user}"))
    wait_for(execute(shared_database, f"update platform set app_schemes = '{{myapp}}' where code = 'p-{user}'"))
    with httpx.Client(base_url=server.url, trust_env=False) as http:
        answer = http.post("/apigateway/getAccessToken", json=token_request(app))
    raw = Raw(server, answer.json()["tokenInfo"]["accessToken"])
    for url in ("myapp://open/3?x=y", "MyApp://open", "myapp:open"):
        accepted(raw, "sendMsg", link_to(user, appUrl=url))
        accepted(raw, "sendMsg", oa_to(user, appUrl=url))
        refused(raw, "sendMsg", link_to(user, pcUrl=url), "100003", "link.pcUrl")
        refused(raw, "sendMsg", oa_to(user) | {"pcUrl": url}, "100003", "pcUrl")
    refused(raw, "sendMsg", link_to(user, appUrl="other://open"), "100003", "link.appUrl", "http")
    raw.http.close()


# --- Times ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("as_text", [False, True])
def test_a_scheduled_message_arrives_at_its_time_and_not_before(
    wire: Raw, sdk: Client, user: str, *, as_text: bool
) -> None:
    at = now_ms() + 1_500
    request = text_to(user, sendTime=str(at) if as_text else at, requestId=user)
    message_id = accepted(wire, "sendMsg", request)["msgId"]
    status = sdk.message_status(message_id)
    unread = sdk.unread_count(user)
    if now_ms() < at:
        assert (status.state, status.receivers, status.delivered, status.details) == ("scheduled", 1, 0, ())
        assert unread == 0
    until(lambda: sdk.unread_count(user) == 1)
    assert now_ms() >= at
    assert sdk.message_status(message_id).state == "sent"
    assert accepted(wire, "sendMsg", request)["msgId"] == message_id, "a late repeat gets the first answer"


def test_a_scheduled_message_cannot_be_read_before_its_time(wire: Raw, user: str) -> None:
    message_id = accepted(wire, "sendMsg", text_to(user, sendTime=now_ms() + DAY))["msgId"]
    refused(wire, "modMsgStatus", {"publisherId": user, "msgId": [message_id]}, "300001")


def test_a_send_time_up_to_a_minute_in_the_past_is_accepted(wire: Raw, sdk: Client, user: str) -> None:
    accepted(wire, "sendMsg", text_to(user, sendTime=now_ms() - 50_000))
    assert sdk.unread_count(user) == 1


def test_a_send_time_has_bounds(wire: Raw, user: str) -> None:
    for past in (now_ms() - 61_000, now_ms() // 1_000, 0, "0"):
        refused(wire, "sendMsg", text_to(user, sendTime=past), "100003", "sendTime")
    accepted(wire, "sendMsg", text_to(user, sendTime=now_ms() + 90 * DAY - 5_000))
    for far in (now_ms() + 90 * DAY + 5_000, 10**15 - 1):
        refused(wire, "sendMsg", text_to(user, sendTime=far), "100003", "sendTime", "90")


def test_an_expire_time_has_bounds(wire: Raw, user: str) -> None:
    for past in (now_ms() - 1, now_ms() // 1_000, 0, "1"):
        refused(wire, "sendMsg", text_to(user, expireTime=past), "100003", "expireTime")
    refused(wire, "sendMsg", text_to(user, expireTime=10**15 - 1), "100003", "expireTime", "2100")
    at = now_ms() + DAY
    for expiry in (at, at - 1):
        refused(wire, "sendMsg", text_to(user, sendTime=at, expireTime=expiry), "100005", "expireTime", "sendTime")
    accepted(wire, "sendMsg", text_to(user, sendTime=at, expireTime=at + 1))


@pytest.mark.parametrize("name", ["sendTime", "expireTime"])
@pytest.mark.parametrize("wrong", ["", "tomorrow", "2030-01-01", 1.5, -1, 10**15, "1\n", True, []])
def test_a_time_is_milliseconds(wire: Raw, user: str, name: str, wrong: object) -> None:
    refused(wire, "sendMsg", text_to(user, **{name: wrong}), "100003", name)


def test_an_expired_message_leaves_every_count(wire: Raw, sdk: Client, user: str) -> None:
    kept = sdk.send_text(user, "x")
    short = accepted(wire, "sendMsg", text_to(user, expireTime=now_ms() + 1_200))["msgId"]
    assert sdk.message_status(short).state == "sent"
    until(lambda: sdk.message_status(short).state == "expired")
    assert sdk.unread_count(user) == 1
    assert sdk.message_status(kept).state == "sent"


def test_an_expired_message_that_was_read_changes_no_count(wire: Raw, sdk: Client, user: str) -> None:
    sdk.send_text(user, "x")
    short = accepted(wire, "sendMsg", text_to(user, expireTime=str(now_ms() + 1_200)))["msgId"]
    sdk.set_status(user, short)
    until(lambda: sdk.message_status(short).state == "expired")
    assert sdk.unread_count(user) == 1


# --- Text -----------------------------------------------------------------------------------------------------------


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


# --- Through the SDK ------------------------------------------------------------------------------------------------


def test_the_sdk_sends_all_three_bodies(client: Client, user: str) -> None:
    pc_url, app_url = "https://a.example", "https://a.example/m"
    ids = [
        client.send_text(user, "x"),
        client.send_link(user, title="t", content="c", business_id="b", pc_url=pc_url, app_url=app_url),
        client.send_oa(user, "h", business_id="b", pc_url=pc_url, app_url=app_url, file_count=3, form=[("k", "v")]),
    ]
    assert [(message.id, message.kind) for message in client.messages()] == list(
        zip(reversed(ids), ("oa", "link", "text"), strict=True)
    )
    assert client.unread_count(user) == 3


def test_the_sdk_error_names_the_wrong_field(sdk: Client, user: str) -> None:
    with pytest.raises(InvalidRequestError) as raised:
        sdk.send_text(user, "")
    assert raised.value.ret_code == "100003"
    assert "text.content" in raised.value.text
