"""The form of an announcement: from its fields to a version, and back."""

import secrets
from collections.abc import Iterable
from typing import Any

import msgspec

from msgcenter.domain.announcement import AnnouncementVersion
from msgcenter.domain.audience import Organisations
from msgcenter.domain.content import (
    DEFAULT_HEAD_COLOUR,
    MAX_FORM_ROWS,
    Body,
    Kind,
    Link,
    Oa,
    OaBody,
    OaHead,
    OptionalUrl,
    Text,
    kind_of,
)
from msgcenter.domain.identifiers import Id
from msgcenter.domain.refusal import malformed
from msgcenter.portal.page_request import Form
from msgcenter.portal.pages import audience_picker
from msgcenter.portal.times import Times
from msgcenter.web.decode import convert


class _TextMessage(msgspec.Struct, frozen=True):
    text: Text


class _LinkMessage(msgspec.Struct, frozen=True):
    link: Link


class _Card(msgspec.Struct, frozen=True):
    head: OaHead
    body: OaBody | None = None


class _OaMessage(msgspec.Struct, frozen=True, rename="camel"):
    oa: _Card
    busi_id: Id
    pc_url: OptionalUrl
    app_url: OptionalUrl


_FIELDS: dict[Kind, tuple[str, ...]] = {
    "text": ("content",),
    "link": ("title", "content", "pcUrl", "appUrl", "picUrl"),
    "oa": ("head.text", "head.bgColor", "body.title", "body.content", "body.imageUrl", "body.fileCount", "body.author"),
}
"""The form's fields of each kind, named as below `text`, `link` or `oa` of a sendMsg call."""
_BODY_FIELDS = ("title", "content", "imageUrl", "fileCount", "author")
_ROWS = range(1, MAX_FORM_ROWS + 1)


class AnnouncementForm:
    """Reads and fills the form. Types and lengths are checked by the structs that sendMsg is checked by."""

    def __init__(self, times: Times) -> None:
        self.times = times

    def version_in(self, form: Form) -> AnnouncementVersion:
        """Return the version that a form describes.

        Refuses as sendMsg does, naming the field of the form. URLs and times are checked when the version is saved.
        """
        kind = next((kind for kind in _FIELDS if kind == form["kind"]), None)
        if kind is None:
            raise malformed("kind", "请选择类型", "must be chosen")
        body = _body(form, kind)
        send_at = self.times.moment(form["sendTime"], "sendTime")
        expires_at = self.times.moment(form["expireTime"], "expireTime")
        return AnnouncementVersion(form["platform"], body, send_at, expires_at, _audience(form))

    def fields_of(self, version: AnnouncementVersion) -> Form:
        """Return the fields that describe a version."""
        body: dict[str, Any] = msgspec.to_builtins(version.body)
        kind = kind_of(version.body)
        form = Form(
            platform=version.platform_code,
            kind=kind,
            sendTime=self.times.in_form(version.send_at),
            expireTime=self.times.in_form(version.expires_at),
        )
        if version.audience is not None:
            form |= audience_picker.fields_of(version.audience)
            form["audience"] = "organisations"
        for name in ("busiId", "pcUrl", "appUrl"):
            form[name] = str(body.get(name, ""))
        for name in _FIELDS[kind]:
            form[f"{kind}.{name}"] = _value_at(body, name)
        if kind == "oa":
            form["oa.head.bgColor"] = "#" + (form["oa.head.bgColor"] or DEFAULT_HEAD_COLOUR)[2:].lower()
        for number, row in enumerate((body.get("body") or {}).get("form", []), 1):
            form[f"row{number}.key"], form[f"row{number}.value"] = row.get("key", ""), row.get("value", "")
        return form


def _audience(form: Form) -> Organisations | None:
    if form["audience"] != "organisations":
        return None
    audience = audience_picker.audience_in(form)
    if audience is None:
        raise malformed("orgIds", "请选择至少一个组织", "must be one organisation at least")
    return audience


def _body(form: Form, kind: Kind) -> Body:
    if kind == "text":
        return convert({"text": _filled(form, "text", _FIELDS["text"])}, _TextMessage).text
    if kind == "link":
        link = _filled(form, "link", _FIELDS["link"])
        link.setdefault("appUrl", link.get("pcUrl", ""))
        return convert({"link": {**link, "busiId": _business_id(form)}}, _LinkMessage).link
    links = {"busiId": _business_id(form), "pcUrl": form["pcUrl"], "appUrl": form["appUrl"] or form["pcUrl"]}
    message = convert({"oa": _card(form), **links}, _OaMessage)
    return Oa(
        busi_id=message.busi_id,
        pc_url=message.pc_url,
        app_url=message.app_url,
        head=message.oa.head,
        body=message.oa.body,
    )


def _card(form: Form) -> dict[str, object]:
    """Return head and body of an oa card; fields and rows that were left empty are left out."""
    head = _filled(form, "oa.head", ("text", "bgColor"))
    if "bgColor" in head:  # browsers send colours as #rrggbb
        head["bgColor"] = head["bgColor"].upper().replace("#", "FF", 1)
    body: dict[str, object] = {**_filled(form, "oa.body", _BODY_FIELDS)}
    rows = [{"key": form[f"row{row}.key"], "value": form[f"row{row}.value"]} for row in _ROWS]
    if filled_rows := [row for row in rows if row["key"] or row["value"]]:
        body["form"] = filled_rows
    return {"head": head, "body": body} if body else {"head": head}


def _business_id(form: Form) -> str:
    return form["busiId"] or f"announcement-{secrets.token_hex(6)}"


def _filled(form: Form, prefix: str, names: Iterable[str]) -> dict[str, str]:
    """Return the fields below `prefix` that are not empty."""
    return {name: form[f"{prefix}.{name}"] for name in names if form[f"{prefix}.{name}"]}


def _value_at(body: dict[str, Any], path: str) -> str:
    value: Any = body
    for part in path.split("."):
        value = value.get(part, "") if isinstance(value, dict) else ""
    return str(value)


def request_of(version: AnnouncementVersion) -> dict[str, Any]:
    """Return the body of the sendMsg call that says the same, for the preview."""
    body: dict[str, Any] = msgspec.to_builtins(version.body)
    if version.kind != "oa":
        return {"msgtype": version.kind, version.kind: body}
    links = {name: body.pop(name, "") for name in ("busiId", "pcUrl", "appUrl")}
    return {"msgtype": "oa", "oa": body, **links}
