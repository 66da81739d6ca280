"""The limits of message bodies."""

from typing import Any

import msgspec
import pytest

from msgcenter.domain.content import (
    Body,
    Link,
    Oa,
    OaBody,
    OaHead,
    Text,
    body_type,
    business_id_of,
    check_body,
    check_url,
    kind_of,
)
from msgcenter.domain.refusal import Reason, Refusal

URL = "https://a.example/x"
LINK: dict[str, Any] = {"pcUrl": URL, "appUrl": URL, "title": "t", "busiId": "1", "content": "c"}
OA: dict[str, Any] = {"busiId": "1", "pcUrl": URL, "appUrl": URL, "head": {"text": "h"}}


def link(**changed: Any) -> Link:
    return msgspec.convert(LINK | changed, Link)


def oa(**body: Any) -> Oa:
    return msgspec.convert(OA | {"body": body}, Oa)


def head(**fields: Any) -> OaHead:
    return msgspec.convert(fields, OaHead)


def long_url(length: int) -> str:
    return "https://a.example/".ljust(length, "x")


def accepts(build: Any, **fields: Any) -> bool:
    try:
        build(**fields)
    except msgspec.ValidationError:
        return False
    return True


@pytest.mark.parametrize(
    ("build", "field", "shortest", "longest"),
    [
        (lambda **fields: msgspec.convert(fields, Text), "content", 1, 4_096),
        (link, "title", 1, 255),
        (link, "content", 1, 4_096),
        (link, "busiId", 1, 64),
        (link, "pcUrl", 0, 2_048),
        (link, "appUrl", 0, 2_048),
        (link, "picUrl", 0, 2_048),
        (head, "text", 1, 255),
        (oa, "title", 0, 255),
        (oa, "content", 0, 4_096),
        (oa, "imageUrl", 0, 2_048),
        (oa, "author", 0, 64),
    ],
)
def test_the_lengths_of_texts_are_limited(build: Any, field: str, shortest: int, longest: int) -> None:
    assert accepts(build, **{field: "字" * longest})
    assert accepts(build, **{field: "字" * shortest})
    assert not accepts(build, **{field: "字" * (longest + 1)})
    if shortest:
        assert not accepts(build, **{field: ""})


def test_characters_are_counted_and_not_bytes() -> None:
    assert accepts(lambda **fields: msgspec.convert(fields, Text), content="😀" * 4_096)


@pytest.mark.parametrize(("rows", "allowed"), [(0, True), (6, True), (7, False)])
def test_a_form_has_up_to_six_rows(rows: int, allowed: bool) -> None:
    assert accepts(oa, form=[{"key": "k", "value": "v"}] * rows) is allowed


@pytest.mark.parametrize(
    ("row", "allowed"),
    [
        ({}, True),
        ({"key": "k" * 64, "value": "v" * 255}, True),
        ({"key": "k" * 65}, False),
        ({"value": "v" * 256}, False),
        ({"key": 1}, False),
        ("k", False),
    ],
)
def test_the_rows_of_a_form(row: Any, allowed: bool) -> None:
    assert accepts(oa, form=[row]) is allowed


@pytest.mark.parametrize("count", ["", "0", "007", "12", 12, 0, "9" * 10, 9_999_999_999])
def test_a_file_count_is_digits_or_an_integer(count: str | int) -> None:
    assert accepts(oa, fileCount=count)


@pytest.mark.parametrize("count", ["-1", -1, "1.0", 1.0, 1.5, True, None, [], "two", "１", "1\n", "9" * 11, 10**10])
def test_other_file_counts_are_refused(count: Any) -> None:
    assert not accepts(oa, fileCount=count)


@pytest.mark.parametrize("colour", ["FFCC0000", "ffcc0000", "00000000", "AbCdEf09"])
def test_a_colour_is_eight_hex_digits(colour: str) -> None:
    assert accepts(head, text="h", bgColor=colour)


@pytest.mark.parametrize(
    "colour", ["", "FFCC00", "FFCC00000", "#FFCC000", "#FFCC0000", "0xFFCC00", "GGCC0000", "FFCC0000\n", 0xFFCC0000]
)
def test_other_colours_are_refused(colour: Any) -> None:
    assert not accepts(head, text="h", bgColor=colour)


def test_a_head_without_colour_is_red() -> None:
    assert head(text="h").bg_color == "FFCC0000"


@pytest.mark.parametrize(
    ("text", "colour", "allowed"),
    [(255, "FFCC0000", True), (247, "FF000000", True), (248, "FF000000", False)],
)
def test_a_heads_text_and_colour_share_255_characters(text: int, colour: str, allowed: bool) -> None:
    card = Oa(busi_id="1", pc_url=URL, app_url=URL, head=head(text="字" * text, bgColor=colour))
    if allowed:
        check_body(card)
    else:
        with pytest.raises(Refusal) as refused:
            check_body(card)
        assert refused.value.data["field"] == "oa.head"


@pytest.mark.parametrize(
    "url",
    [
        "http://a",
        "https://a.example",
        "https://a.example:8443/x?y=1&z=%20#f",
        "http://127.0.0.1/",
        "http://a/%E5%BC%A0",
        "http://学校.example/路径?问=答",
        "HTTPS://A.EXAMPLE/",
        "http://[::1]:8080/",
        "https://例子.中国/路径",
        long_url(2_048),
    ],
)
def test_urls_that_are_allowed(url: str) -> None:
    check_url(url, "pcUrl")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "x",
        "/a",
        "a.example/x",
        "//a.example/x",
        "http:",
        "http:a",
        "http:/a",
        "http://",
        "http:///x",
        "https://:80/",
        "http://a:port/",
        "http://a:99999/",
        "http://[::1/",
        "javascript:alert(1)",
        " javascript:alert(1)",
        "java\nscript:alert(1)",
        "data:text/html,x",
        "ftp://a.example/",
        "file:///etc/passwd",
        "http://a.example/ x",
        "http://a.example/\n",
        "http://a.example\t/",
        "http://a.example/\x7f",
        " http://a.example/",
        "http://a.example/<script>",
        'http://a.example/"',
        "http://a.example\\@b.example/",
        "schoolapp://x",
    ],
)
def test_urls_that_are_refused(url: str) -> None:
    with pytest.raises(Refusal) as refused:
        check_url(url, "pcUrl")
    assert refused.value.reason is Reason.FIELD_MALFORMED
    assert refused.value.data["field"] == "pcUrl"


def test_an_app_scheme_is_for_app_urls_and_of_the_platforms_list_only() -> None:
    schemes = frozenset({"schoolapp"})
    check_body(link(appUrl="schoolapp://homework/3"), schemes)
    for body, allowed in (
        (link(pcUrl="schoolapp://homework/3"), schemes),
        (link(picUrl="schoolapp://homework/3"), schemes),
        (link(appUrl="otherapp://homework/3"), schemes),
        (link(appUrl="schoolapp://homework/3"), frozenset[str]()),
    ):
        with pytest.raises(Refusal):
            check_body(body, allowed)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (link(pcUrl="x"), "link.pcUrl"),
        (link(appUrl="x"), "link.appUrl"),
        (link(picUrl="x"), "link.picUrl"),
        (Oa(busi_id="1", pc_url="x", app_url=URL, head=OaHead("h")), "pcUrl"),
        (Oa(busi_id="1", pc_url=URL, app_url="x", head=OaHead("h")), "appUrl"),
        (Oa(busi_id="1", pc_url=URL, app_url=URL, head=OaHead("h"), body=OaBody(image_url="x")), "oa.body.imageUrl"),
    ],
)
def test_a_wrong_url_is_named_as_in_the_request(body: Body, field: str) -> None:
    with pytest.raises(Refusal) as refused:
        check_body(body)
    assert refused.value.data["field"] == field


def test_an_empty_picture_is_none() -> None:
    check_body(link(picUrl=""))
    assert msgspec.json.encode(link(picUrl="")) == msgspec.json.encode(link())


@pytest.mark.parametrize(
    ("body", "kind", "business_id"),
    [(Text("t"), "text", None), (link(busiId=7), "link", "7"), (oa(), "oa", "1")],
)
def test_kinds_and_business_ids(body: Body, kind: str, business_id: str | None) -> None:
    assert kind_of(body) == kind
    assert body_type(kind_of(body)) is type(body)
    assert business_id_of(body) == business_id
