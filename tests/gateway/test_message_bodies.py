"""The bodies of `sendMsg`: fields, limits and URLs (docs/protocol.md, "Message bodies")."""

import json

import pytest

from msgcenter_client import Client
from tests.conftest import Raw
from tests.gateway.calls import (
    HEAD,
    LINK,
    PLACES,
    Json,
    accepted,
    link_to,
    oa_to,
    oa_with,
    refused,
    stored_body,
    text_to,
    without,
)

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
