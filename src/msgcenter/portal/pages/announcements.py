"""Announcements: drafted by one operator, looked at and approved by another."""

import json
import secrets
from typing import Any, get_args

import msgspec
from starlette.responses import Response

from msgcenter.domain.announcement import AnnouncementVersion, State, fields_of, steps_open
from msgcenter.domain.content import DEFAULT_HEAD_COLOUR, MAX_FORM_ROWS, Kind, kind_of
from msgcenter.domain.message_id import now_ms
from msgcenter.domain.refusal import Reason, Refusal, malformed
from msgcenter.portal.portal import Portal, see_other
from msgcenter.portal.visitor import LARGEST_NUMBER, Form, Visitor, whole_number

_PAGE = 50
_HOME = "/operator/announcements"
_PARTS = {
    "text": ("content",),
    "link": ("title", "content", "pcUrl", "appUrl", "picUrl"),
    "oa": ("head.text", "head.bgColor", "body.title", "body.content", "body.imageUrl", "body.fileCount", "body.author"),
}
"""The form's fields of each kind, as they are named below `text`, `link` or `oa` of a sendMsg call."""


async def listing(portal: Portal, visitor: Visitor) -> Response:
    """List announcements, of a state or a platform if asked."""
    state = next((one for one in get_args(State) if one == visitor.query("state")), None)
    asked = whole_number(visitor.query("before"))
    before = LARGEST_NUMBER if asked is None else asked
    found, following = await portal.announcements.page(state, visitor.query("platform") or None, before, _PAGE)
    return portal.page(
        visitor,
        "operator_announcements.html",
        listed=[(one, _headline(one.version)) for one in found],
        following=following,
        states=get_args(State),
        reviewers=await portal.announcements.reviewers_beside(visitor.person),
        platforms={one.code: one.name for one in await portal.platforms.all()},
    )


def _headline(version: AnnouncementVersion) -> str:
    body: dict[str, Any] = msgspec.to_builtins(version.body)
    said = body.get("title") or body.get("head", {}).get("text") or body.get("content") or ""
    return str(said)[:80]


# --- Writing --------------------------------------------------------------------------------------------------------


async def new(portal: Portal, visitor: Visitor) -> Response:
    """Ask for a new announcement; `copy` of an earlier one, if asked."""
    number = visitor.query("copy")
    if number and not visitor.form:
        source = await portal.announcements.open(_number(number), visitor.person)
        visitor.form = Form({**_form_of(portal, source.version), "sendTime": "", "expireTime": ""})
    return await _form(portal, visitor, None)


async def create(portal: Portal, visitor: Visitor) -> Response:
    """Begin an announcement."""
    said = _said(portal, visitor)
    number = await portal.announcements.draft(said, visitor.person, visitor.actor)
    return await _saved(portal, visitor, number, 1)


async def edit(portal: Portal, visitor: Visitor) -> Response:
    """Ask what an announcement shall say instead."""
    opened = await portal.announcements.open(_asked(visitor), visitor.person)
    if not visitor.form:
        visitor.form = Form(_form_of(portal, opened.version))
        visitor.form["version"] = str(opened.version.number)
    return await _form(portal, visitor, opened.announcement.number)


async def save(portal: Portal, visitor: Visitor) -> Response:
    """Let an announcement say something else."""
    number = _asked(visitor)
    said = _said(portal, visitor)
    version = await portal.announcements.edit(number, _version(visitor), said, visitor.person, visitor.actor)
    return await _saved(portal, visitor, number, version)


async def _saved(portal: Portal, visitor: Visitor, number: int, version: int) -> Response:
    if visitor.form["then"] != "submit":
        return see_other(f"{_HOME}/{number}", "saved")
    try:
        await portal.announcements.submit(number, version, visitor.person, visitor.actor)
    except Refusal:  # it has moved on in between; what was written is kept, and its page says how it stands
        return see_other(f"{_HOME}/{number}", "saved")
    return see_other(f"{_HOME}/{number}", "drafted")


async def _form(portal: Portal, visitor: Visitor, number: int | None) -> Response:
    return portal.page(
        visitor,
        "operator_announcement_form.html",
        number=number,
        platforms=await portal.platforms.all(),
        rows=range(1, MAX_FORM_ROWS + 1),
        zone=portal.templates.zone.key,
    )


def _said(portal: Portal, visitor: Visitor) -> AnnouncementVersion:
    """Return what a form says, checked as the call sendMsg is. Refuses as it does, naming the field of the form."""
    form = visitor.form
    kind = next((one for one in _PARTS if one == form["kind"]), None)
    if kind is None:
        raise malformed("kind", "请选择类型", "must be chosen")
    form["busiId"] = form["busiId"] or f"announcement-{secrets.token_hex(6)}"
    body = portal.body_in(json.dumps(_request_of(form, kind)).encode())
    moment = portal.templates.moment
    return AnnouncementVersion(
        form["platform"], body, moment(form["sendTime"], "sendTime"), moment(form["expireTime"], "expireTime")
    )


def _request_of(form: Form, kind: str) -> dict[str, Any]:
    """Return the body of the sendMsg call that a form stands for; fields that were left empty are left out."""
    said: dict[str, Any] = {}
    for name in _PARTS[kind]:
        if value := form[f"{kind}.{name}"]:
            *outer, last = name.split(".")
            place = said
            for part in outer:
                place = place.setdefault(part, {})
            place[last] = value
    request: dict[str, Any] = {"msgtype": kind, kind: said}
    if kind == "link":
        said["busiId"] = form["busiId"]
        said.setdefault("appUrl", said.get("pcUrl", ""))
    if kind == "oa":
        said.setdefault("head", {})
        if "bgColor" in said["head"]:  # browsers give colours as #rrggbb
            said["head"]["bgColor"] = said["head"]["bgColor"].upper().replace("#", "FF", 1)
        request |= {"busiId": form["busiId"], "pcUrl": form["pcUrl"], "appUrl": form["appUrl"] or form["pcUrl"]}
        rows = [{"key": form[f"row{row}.key"], "value": form[f"row{row}.value"]} for row in range(1, MAX_FORM_ROWS + 1)]
        if filled := [row for row in rows if row["key"] or row["value"]]:
            said.setdefault("body", {})["form"] = filled
    return request


def _form_of(portal: Portal, version: AnnouncementVersion) -> dict[str, str]:
    """Return the fields of the form that says what a version says."""
    body: dict[str, Any] = msgspec.to_builtins(version.body)
    kind: Kind = kind_of(version.body)
    form = {
        "platform": version.platform_code,
        "kind": kind,
        "sendTime": portal.templates.form_moment(version.send_at),
        "expireTime": portal.templates.form_moment(version.expires_at),
    }
    for name in ("busiId", "pcUrl", "appUrl"):
        form[name] = str(body.get(name, ""))
    for name in _PARTS[kind]:
        value: Any = body
        for part in name.split("."):
            value = value.get(part, "") if isinstance(value, dict) else ""
        form[f"{kind}.{name}"] = str(value)
    if kind == "oa":
        form["oa.head.bgColor"] = "#" + (form["oa.head.bgColor"] or DEFAULT_HEAD_COLOUR)[2:].lower()
    for row, said in enumerate((body.get("body") or {}).get("form", []), 1):
        form[f"row{row}.key"], form[f"row{row}.value"] = said.get("key", ""), said.get("value", "")
    return form


# --- Looking and deciding -------------------------------------------------------------------------------------------


async def show(portal: Portal, visitor: Visitor) -> Response:
    """Show an announcement as its readers will see it, what has changed, and what can be done."""
    opened = await portal.announcements.open(_asked(visitor), visitor.person)
    announcement, version = opened.announcement, opened.version
    platforms = {one.code: one.name for one in await portal.platforms.all()}
    return portal.page(
        visitor,
        "operator_announcement.html",
        one=announcement,
        said=version,
        opened=opened,
        fields=fields_of(version),
        request=json.dumps(_as_request(version), ensure_ascii=False),
        platform=platforms.get(version.platform_code, version.platform_code),
        audience=await portal.announcements.audience(version.platform_code),
        report=await portal.announcements.message_status(announcement, version),
        open_steps=steps_open(announcement.state),
        reviewers=await portal.announcements.reviewers_beside(visitor.person),
        is_late=version.send_at is not None and version.send_at < now_ms(),
    )


def _as_request(version: AnnouncementVersion) -> dict[str, Any]:
    body: dict[str, Any] = msgspec.to_builtins(version.body)
    if version.kind != "oa":
        return {"msgtype": version.kind, version.kind: body}
    beside = {name: body.pop(name, "") for name in ("busiId", "pcUrl", "appUrl")}
    return {"msgtype": "oa", "oa": body, **beside}


async def submit(portal: Portal, visitor: Visitor) -> Response:
    """Ask for an approval."""
    number = _asked(visitor)
    await portal.announcements.submit(number, _version(visitor), visitor.person, visitor.actor)
    return see_other(f"{_HOME}/{number}", "drafted")


async def approve(portal: Portal, visitor: Visitor) -> Response:
    """Approve the version that was seen, which sends it."""
    number = _asked(visitor)
    await portal.announcements.approve(number, _version(visitor), visitor.person, visitor.actor)
    return see_other(f"{_HOME}/{number}", "approved")


async def send_back(portal: Portal, visitor: Visitor) -> Response:
    """Send it back with a reason."""
    number, reason = _asked(visitor), visitor.form["reason"]
    await portal.announcements.send_back(number, _version(visitor), reason, visitor.person, visitor.actor)
    return see_other(f"{_HOME}/{number}", "rejected")


async def withdraw(portal: Portal, visitor: Visitor) -> Response:
    """Give it up."""
    number = _asked(visitor)
    await portal.announcements.withdraw(number, _version(visitor), visitor.person, visitor.actor)
    return see_other(f"{_HOME}/{number}", "withdrawn")


async def recall(portal: Portal, visitor: Visitor) -> Response:
    """Take it back from every inbox."""
    number = _asked(visitor)
    await portal.announcements.recall(number, _version(visitor), visitor.person, visitor.actor)
    return see_other(f"{_HOME}/{number}", "recalled")


def _asked(visitor: Visitor) -> int:
    return _number(visitor.request.path_params["number"])


def _number(text: str) -> int:
    number = whole_number(text)
    if number is None:
        raise Refusal(Reason.MESSAGE_UNKNOWN)
    return number


def _version(visitor: Visitor) -> int:
    version = whole_number(visitor.form["version"])
    if version is None:
        raise malformed("version", "请刷新页面后重试", "is missing; reload the page")
    return version
