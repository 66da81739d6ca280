"""The three message bodies (text, link, oa card) and their limits (docs/protocol.md, "Message bodies").

Field names on the wire are the camel-case forms of the attributes (`pc_url` is `pcUrl`).
"""

import re
from typing import Annotated, Literal, TypeAlias
from urllib.parse import urlsplit

from msgspec import Meta, Struct

from msgcenter.domain.identifiers import EMPTY_IS_ABSENT, Id
from msgcenter.domain.refusal import Reason, Refusal, malformed
from msgcenter.domain.rule import RULE, must_be
from msgcenter.domain.visible import shows_nothing

Kind = Literal["text", "link", "oa"]

MAX_CONTENT = 4_096
MAX_TITLE = 255
MAX_URL = 2_048
MAX_FORM_ROWS = 6
DEFAULT_HEAD_COLOUR = "FFCC0000"
_HEAD_LIMIT = 255
"""Maximum length of an oa head in characters: text and colour together (docs/protocol.md, "Message bodies")."""

Content: TypeAlias = Annotated[str, Meta(min_length=1, max_length=MAX_CONTENT)]
Title: TypeAlias = Annotated[str, Meta(min_length=1, max_length=MAX_TITLE)]
Url: TypeAlias = Annotated[str, Meta(min_length=1, max_length=MAX_URL, extra={EMPTY_IS_ABSENT: True})]
OptionalUrl: TypeAlias = Annotated[str, Meta(max_length=MAX_URL)]


_COLOUR_RULE = {RULE: must_be("8位十六进制AARRGGBB,不带0x或#", "8 hex digits AARRGGBB without 0x or #")}
_COUNT_RULE = {RULE: must_be("最多10位数字的字符串或非负整数", "a string of up to 10 digits or an integer")}


class Text(Struct, frozen=True, rename="camel"):
    """A plain text message."""

    content: Content


class Link(Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """A titled link with a description and, if `pic_url` is not empty, a picture.

    One of `pc_url` and `app_url` may be empty; the other one then opens on every device.
    """

    pc_url: OptionalUrl = ""
    app_url: OptionalUrl = ""
    title: Title
    busi_id: Id
    content: Content
    pic_url: OptionalUrl = ""


class OaHead(Struct, frozen=True, rename="camel", omit_defaults=True):
    """The head of an oa card; its background `bg_color` is AARRGGBB in hex, without 0x or #."""

    text: Title
    bg_color: Annotated[str, Meta(pattern="^[0-9A-Fa-f]{8}$", max_length=8, extra=_COLOUR_RULE)] = DEFAULT_HEAD_COLOUR


class FormRow(Struct, frozen=True, rename="camel", omit_defaults=True):
    """One row of an oa card's form."""

    key: Annotated[str, Meta(max_length=64)] = ""
    value: Annotated[str, Meta(max_length=255)] = ""


class OaBody(Struct, frozen=True, rename="camel", omit_defaults=True):
    """The body of an oa card; all fields are optional. `file_count` is only displayed."""

    title: Annotated[str, Meta(max_length=MAX_TITLE)] = ""
    content: Annotated[str, Meta(max_length=MAX_CONTENT)] = ""
    image_url: OptionalUrl = ""
    file_count: (
        Annotated[str, Meta(pattern="^[0-9]{0,10}$(?!\\n)", extra=_COUNT_RULE)]
        | Annotated[int, Meta(ge=0, le=9_999_999_999)]
    ) = ""
    author: Annotated[str, Meta(max_length=64)] = ""
    form: Annotated[tuple[FormRow, ...], Meta(max_length=MAX_FORM_ROWS)] = ()


class Oa(Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """An oa card: a head, an optional body, and the URLs to open (`pc_url` and `app_url` as in `Link`)."""

    busi_id: Id
    pc_url: OptionalUrl = ""
    app_url: OptionalUrl = ""
    head: OaHead
    body: OaBody | None = None


Body = Text | Link | Oa

_BODY_TYPES: dict[Kind, type[Body]] = {"text": Text, "link": Link, "oa": Oa}


def kind_of(body: Body) -> Kind:
    """Return the msgtype of a body."""
    return "text" if isinstance(body, Text) else "link" if isinstance(body, Link) else "oa"


def body_type(kind: Kind) -> type[Body]:
    """Return the struct for bodies of `kind`."""
    return _BODY_TYPES[kind]


def business_id_of(body: Body) -> str | None:
    """Return the id that the business system gave the message (`busiId`), if its kind has one."""
    return None if isinstance(body, Text) else str(body.busi_id)


def check_body(body: Body, app_schemes: frozenset[str] = frozenset()) -> None:
    """Check the rules that field types cannot express: URLs, the length of an oa head, visible texts.

    `app_schemes` are the platform's allowed URL schemes of native apps, for appUrl only.
    Refuses with FIELD_MISSING (neither pcUrl nor appUrl) or FIELD_MALFORMED.
    """
    for field, text in _required_texts(body):
        if shows_nothing(text):
            raise malformed(field, "须含有可见字符", "must contain a visible character")
    if isinstance(body, Text):
        return
    prefix = "link." if isinstance(body, Link) else ""
    if not body.pc_url and not body.app_url:
        raise Refusal(Reason.FIELD_MISSING, field=f"{prefix}pcUrl/{prefix}appUrl")
    if body.pc_url:
        check_url(body.pc_url, f"{prefix}pcUrl")
    if body.app_url:
        check_url(body.app_url, f"{prefix}appUrl", app_schemes)
    if isinstance(body, Link):
        if body.pic_url:
            check_url(body.pic_url, "link.picUrl")
        return
    if body.body is not None and body.body.image_url:
        check_url(body.body.image_url, "oa.body.imageUrl")
    colour = body.head.bg_color
    shown_colour = 0 if colour == DEFAULT_HEAD_COLOUR else len(colour)
    if len(body.head.text) + shown_colour > _HEAD_LIMIT:
        raise malformed(
            "oa.head",
            f"text与bgColor合计最多{_HEAD_LIMIT}个字符",
            f"text and bgColor together are at most {_HEAD_LIMIT} characters",
        )


def _required_texts(body: Body) -> tuple[tuple[str, str], ...]:
    """Return the texts that must not look empty, each with its field name."""
    if isinstance(body, Text):
        return (("text.content", body.content),)
    if isinstance(body, Link):
        return (("link.content", body.content), ("link.title", body.title))
    return (("oa.head.text", body.head.text),)


_FORBIDDEN_IN_URL = re.compile(r"[\x00-\x20\x7f\\<>\"]")


def check_url(url: str, field: str, app_schemes: frozenset[str] = frozenset()) -> None:
    """Refuse with FIELD_MALFORMED a URL that is neither absolute http(s) nor of an allowed app scheme."""
    try:
        parts = urlsplit(url)
        has_host = bool(parts.hostname)
        _ = parts.port  # raises ValueError if the port is not a number
    except ValueError:
        parts, has_host = urlsplit(""), False
    allowed = (parts.scheme in {"http", "https"} and has_host) or parts.scheme in app_schemes
    if not allowed or _FORBIDDEN_IN_URL.search(url):
        raise malformed(
            field,
            "须为http或https开头的完整网址" + ("(或平台允许的应用协议)" if field.endswith("appUrl") else ""),
            "must be a full http or https URL" + (" or an allowed app scheme" if field.endswith("appUrl") else ""),
        )
