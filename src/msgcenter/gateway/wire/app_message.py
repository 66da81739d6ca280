"""The family's own call for sending (docs/protocol.md, sendAppMsg): its request, and what it says in our words."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, TypeAlias
from zoneinfo import ZoneInfo

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType, field

from msgcenter.domain.content import MAX_TITLE, Body, Content, Link, OptionalUrl
from msgcenter.domain.identifiers import (
    EDGE,
    EMPTY_IS_ABSENT,
    TRIMMED,
    Id,
    Integer,
    OldUserId,
    PlatformCode,
    SenderName,
    trimmed,
)
from msgcenter.domain.refusal import Reason, Refusal, malformed
from msgcenter.domain.rule import RULE, must_be
from msgcenter.gateway.wire.bodies import body_of, outside_or_inside
from msgcenter.gateway.wire.fields import requested_kind
from msgcenter.gateway.wire.requests import MessageBody

_ROLE = "@[A-Za-z0-9_-]{1,16}"
_USER = f"(?!@|{EDGE})[^\\u0000-\\u001f\\u007f,]+(?<!{EDGE})"
_SENDEE = must_be(
    "一个用户id,或@加一个角色代码(如@tea);多个请逐个调用",
    "one user id, or @ and one role code (@tea); call once for each",
)
Sendee: TypeAlias = (
    Annotated[str, Meta(min_length=1, max_length=64, pattern=f"^({_ROLE}|{_USER})$(?!\\n)", extra={RULE: _SENDEE})]
    | Integer
)
"""Whom a message is for: a user id without a comma, or `@` and the code of a role."""

SendeeOrg: TypeAlias = (
    Annotated[str, Meta(min_length=1, max_length=64, pattern=TRIMMED, extra={RULE: trimmed(64), EMPTY_IS_ABSENT: True})]
    | Integer
)
"""The id of an organisation, as a user id; "" means left out."""

_DEADLINE = must_be("yyyyMMddHHmmss形式的将来时间", "a future time as yyyyMMddHHmmss")
_DEADLINE_FORMAT = "%Y%m%d%H%M%S"
Deadline: TypeAlias = (
    Annotated[str, Meta(pattern="^([0-9]{14})?$(?!\\n)", max_length=14, extra={RULE: _DEADLINE})]
    | Annotated[int, Meta(ge=10**13, le=10**14 - 1)]
)
"""A time as 14 digits, yyyyMMddHHmmss, in the installation's time zone. "" means left out."""


class AppLink(Struct, frozen=True, rename="camel", kw_only=True):
    """A link as public senders write it: its `busiId` may stand outside, and some have no title."""

    pc_url: OptionalUrl = ""
    app_url: OptionalUrl = ""
    title: Annotated[str, Meta(max_length=MAX_TITLE)] = ""
    busi_id: Id | UnsetType = UNSET
    content: Content
    pic_url: OptionalUrl = ""


class SendAppMsg(MessageBody, frozen=True, kw_only=True):
    """Send a message as public senders of the family do. `publisherId` is the sender here, and is not stored."""

    link: AppLink | UnsetType = UNSET  # type: ignore[assignment]  # read by `app_body_of` alone
    publisher_id: OldUserId | UnsetType = field(name="publisherId", default=UNSET)
    publisher_name: SenderName | UnsetType = field(name="publisherName", default=UNSET)
    sendee_id: Sendee = field(name="sendeeId")
    sendee_org_id: SendeeOrg | UnsetType = field(name="sendeeOrgId", default=UNSET)
    platform_code: PlatformCode | UnsetType = field(name="platformCode", default=UNSET)
    deadline: Deadline = ""
    request_id: Id | UnsetType = field(name="requestId", default=UNSET)

    @staticmethod
    def unread_fields(members: Mapping[str, msgspec.Raw]) -> frozenset[str]:
        """Return the body fields of the other msgtypes. `busiId` stands outside of links, too."""
        return MessageBody.unread_fields(members) - {"busiId"}


def app_body_of(request: SendAppMsg) -> Body:
    """Return the message body that msgType names. Refuses with FIELD_MISSING or FIELDS_CONTRADICT."""
    link = request.link
    if requested_kind(request.msgtype, request.msg_type) != "link" or isinstance(link, UnsetType):
        return body_of(request)
    business_id = outside_or_inside("busiId", "link", request.busi_id, link.busi_id)
    if not business_id:
        raise Refusal(Reason.FIELD_MISSING, field="busiId")
    return Link(
        pc_url=link.pc_url,
        app_url=link.app_url,
        title=link.title or _first_line(link.content),
        busi_id=business_id,
        content=link.content,
        pic_url=link.pic_url,
    )


def _first_line(content: str) -> str:
    return (content.strip().splitlines() or [content])[0][:MAX_TITLE]


def expiry_of(deadline: str | int, zone: ZoneInfo) -> int | None:
    """Return a deadline in ms since 1970, None if it was left out. Refuses with FIELD_MALFORMED what is no time."""
    if not deadline:
        return None
    try:
        at = datetime.strptime(str(deadline), _DEADLINE_FORMAT).replace(tzinfo=zone)
    except ValueError:
        raise Refusal(Reason.FIELD_MALFORMED, field="deadline", rule=_DEADLINE.long) from None
    return int(at.timestamp()) * 1_000


_NAMES = {"senderName": "publisherName", "receiverIds": "sendeeId", "orgIds": "sendeeOrgId", "msgtype": "msgType"}


def in_family_words(refusal: Refusal) -> Refusal:
    """Return a refusal of a send with the field names of this call."""
    name = refusal.data.get("field")
    if name == "expireTime":
        return malformed("deadline", _DEADLINE.long.zh, _DEADLINE.long.en)
    if name not in _NAMES:
        return refusal
    return Refusal(refusal.reason, result=refusal.result, **{**refusal.data, "field": _NAMES[name]})
