"""The requests of the calls, with the wire's field names and limits. OpenAPI and reference are made from them."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType, field

from msgcenter.domain.audience import MAX_SUBSCRIPTIONS
from msgcenter.domain.channels.codes import CHANNELS, MAX_DELAY_MINUTES, Channel
from msgcenter.domain.channels.template import MAX_VARIABLES, TemplateReference
from msgcenter.domain.content import Kind, Link, OaBody, OaHead, OptionalUrl, Text
from msgcenter.domain.directory import MAX_ORG_IDS, MAX_ROLES
from msgcenter.domain.identifiers import (
    Id,
    NewTopic,
    OldUserId,
    OrgId,
    PlatformCode,
    RoleCode,
    SenderName,
    TypeCode,
    UserId,
)
from msgcenter.domain.language import Language
from msgcenter.domain.message import MAX_RECEIVERS, MAX_STATUS_IDS
from msgcenter.domain.rule import RULE, must_be

Flag: TypeAlias = Literal[0, 1, "0", "1"]
MessageId: TypeAlias = str | int
_MS = {RULE: must_be("毫秒数(整数或数字字符串)", "milliseconds since 1970, a number or a string of digits")}
_MS_OR_SECONDS = {
    RULE: must_be(
        "毫秒数或秒数(最多11位),整数或数字字符串",
        "milliseconds, or seconds (at most 11 digits), since 1970, a number or a string of digits",
    )
}
Moment: TypeAlias = (
    Annotated[str, Meta(pattern="^[0-9]{1,15}$(?!\\n)", extra=_MS)] | Annotated[int, Meta(ge=0, le=10**15 - 1)]
)
"""Milliseconds since 1970."""
PAGE_SIZE = 50
_HEX = {RULE: must_be("40或64位十六进制", "40 (SHA-1) or 64 (SHA-256) hex digits")}
KeyInfo: TypeAlias = Annotated[
    str, Meta(pattern="^([0-9A-Fa-f]{40}|[0-9A-Fa-f]{64})$(?!\\n)", max_length=64, extra=_HEX)
]
"""The proof that a caller has the appKey."""


TimeStamp: TypeAlias = (
    Annotated[str, Meta(pattern="^[0-9]{1,15}$(?!\\n)", extra=_MS_OR_SECONDS)]
    | Annotated[int, Meta(ge=0, le=10**15 - 1)]
)
"""Milliseconds since 1970; at most 11 digits are seconds."""


_SYS_CODE = {RULE: must_be("字符串、数字或null", "a string, a number or null")}
SysCode: TypeAlias = Annotated[str, Meta(extra=_SYS_CODE)] | int | float
"""A field of the national gateway's clients; the answer repeats it as text."""


class GetAccessToken(Struct, frozen=True):
    """Get an access token. `keyInfo` proves that the caller has the appKey; `sysCode` asks for the national answer."""

    app_id: Id = field(name="appId")
    time_stamp: TimeStamp = field(name="timeStamp")
    key_info: KeyInfo = field(name="keyInfo")
    sys_code: SysCode | UnsetType | None = field(name="sysCode", default=UNSET)


class GetAccessTokenLowerCase(Struct, frozen=True):
    """The same request with the field names of the oldest clients."""

    app_id: Id = field(name="appid")
    time_stamp: TimeStamp = field(name="timestamp")
    key_info: KeyInfo = field(name="keyinfo")
    sys_code: SysCode | UnsetType | None = field(name="sysCode", default=UNSET)


class ModMsgStatus(Struct, frozen=True):
    """Set messages of one receiver read or unread."""

    message_ids: Annotated[list[MessageId], Meta(min_length=1, max_length=MAX_STATUS_IDS)] = field(name="msgId")
    publisher_id: OldUserId | UnsetType = field(name="publisherId", default=UNSET)
    is_read: Flag = field(name="isRead", default=1)
    platform_code: PlatformCode | UnsetType = field(name="platformCode", default=UNSET)
    approver_id: UserId | UnsetType = field(name="approverId", default=UNSET)


class NestedOa(Struct, frozen=True, rename="camel"):
    """The `oa` object. Some clients put three fields inside it that belong next to it."""

    head: OaHead
    body: OaBody | None = None
    busi_id: Id | UnsetType = UNSET
    pc_url: OptionalUrl = ""
    app_url: OptionalUrl = ""


_BODY_FIELDS = {"text": {"text"}, "link": {"link"}, "oa": {"oa", "busiId", "pcUrl", "appUrl"}}
"""The fields that are read for each msgtype."""
_ALL_BODY_FIELDS = frozenset().union(*_BODY_FIELDS.values())


class MessageBody(Struct, frozen=True):
    """The content of a message. Only the fields of its msgtype are read."""

    msgtype: Kind | UnsetType = UNSET
    msg_type: Kind | UnsetType = field(name="msgType", default=UNSET)
    text: Text | UnsetType = UNSET
    link: Link | UnsetType = UNSET
    oa: NestedOa | UnsetType = UNSET
    busi_id: Id | UnsetType = field(name="busiId", default=UNSET)
    pc_url: OptionalUrl = field(name="pcUrl", default="")
    app_url: OptionalUrl = field(name="appUrl", default="")

    @staticmethod
    def unread_fields(members: Mapping[str, msgspec.Raw]) -> frozenset[str]:
        """Return the body fields of the other msgtypes, which may contain anything; all if there is no msgtype."""
        read: set[str] = set()
        for name in ("msgtype", "msgType"):
            read |= _BODY_FIELDS.get(bytes(members.get(name, b"")).decode("ascii", "replace").strip('"'), set())
        return _ALL_BODY_FIELDS - read


_PARAMS = {RULE: must_be("对象,每项为模板变量的值", "an object with the values of the template's variables")}


class TemplatedBody(MessageBody, frozen=True):
    """The content of a message: a body, or a template with the values of its variables."""

    template: TemplateReference | UnsetType = UNSET
    params: Annotated[dict[str, Any], Meta(max_length=MAX_VARIABLES, extra=_PARAMS)] | UnsetType = UNSET
    language: Language | UnsetType = UNSET

    @staticmethod
    def unread_fields(members: Mapping[str, msgspec.Raw]) -> frozenset[str]:
        """Return the body fields of the other msgtypes. `busiId` stands beside a template, too."""
        unread = MessageBody.unread_fields(members)
        return unread - {"busiId"} if "template" in members else unread


class SendMsg(TemplatedBody, frozen=True):
    """Send a message to receivers, to a topic, to members of organisations or to everyone of the platform."""

    receiver_ids: Annotated[list[UserId], Meta(min_length=1, max_length=MAX_RECEIVERS)] | UnsetType = field(
        name="receiverIds", default=UNSET
    )
    topic: Id | UnsetType = UNSET
    to_all: bool | UnsetType = field(name="toAll", default=UNSET)
    org_ids: Annotated[list[OrgId], Meta(min_length=1, max_length=MAX_ORG_IDS)] | UnsetType = field(
        name="orgIds", default=UNSET
    )
    roles: Annotated[list[RoleCode], Meta(min_length=1, max_length=MAX_ROLES)] | UnsetType = UNSET
    include_sub: bool | UnsetType = field(name="includeSub", default=UNSET)
    platform_code: PlatformCode | UnsetType = field(name="platformCode", default=UNSET)
    approval: bool = False
    request_id: Id | UnsetType = field(name="requestId", default=UNSET)
    send_time: Moment | UnsetType = field(name="sendTime", default=UNSET)
    expire_time: Moment | UnsetType = field(name="expireTime", default=UNSET)
    sender_name: SenderName | UnsetType = field(name="senderName", default=UNSET)
    category: TypeCode | UnsetType = UNSET
    channels: Annotated[list[Channel], Meta(max_length=len(CHANNELS))] | UnsetType = UNSET
    channel_delay: Annotated[int, Meta(ge=0, le=MAX_DELAY_MINUTES)] | UnsetType = field(
        name="channelDelay", default=UNSET
    )

    def user_ids(self) -> Iterable[str]:
        """Return the receivers as texts; none if there is another audience."""
        return () if isinstance(self.receiver_ids, UnsetType) else map(str, self.receiver_ids)

    @staticmethod
    def quick_kind() -> "type[SendMsg]":
        """Return a type that decodes most requests to thousands of receivers in a third of the time."""
        return _QuickSendMsg


_VISIBLE = bytes(range(ord("!"), ord("~") + 1))
_ShortText: TypeAlias = Annotated[str, Meta(min_length=1, max_length=64)]


class _QuickSendMsg(SendMsg, frozen=True):
    """A request whose receivers are not compared with the pattern of a user id one by one, but checked together."""

    receiver_ids: Annotated[list[_ShortText], Meta(min_length=1, max_length=MAX_RECEIVERS)] | UnsetType = field(  # type: ignore[assignment]  # a list of texts is only read
        name="receiverIds", default=UNSET
    )

    def is_plain(self) -> bool:
        """Return whether all receivers are of printable ASCII without spaces, which every user id may be."""
        if isinstance(self.receiver_ids, UnsetType):
            return True
        text = "".join(self.receiver_ids)
        return text.isascii() and not text.encode().translate(None, delete=_VISIBLE)

    def user_ids(self) -> Iterable[str]:
        """Return the receivers, which are texts already."""
        return () if isinstance(self.receiver_ids, UnsetType) else self.receiver_ids


class GetMsgStatus(Struct, frozen=True):
    """Get a message's delivery and read status."""

    message_id: MessageId = field(name="msgId")
    is_read: Flag | UnsetType = field(name="isRead", default=UNSET)
    group_by: Literal["org"] | UnsetType = field(name="groupBy", default=UNSET)
    org_id: OrgId | UnsetType = field(name="orgId", default=UNSET)
    cursor: str | UnsetType = UNSET
    page_size: Annotated[int, Meta(ge=1, le=200)] = field(name="pageSize", default=PAGE_SIZE)


class GetMsgList(Struct, frozen=True):
    """List the app's messages, newest first."""

    busi_id: Id | UnsetType = field(name="busiId", default=UNSET)
    msgtype: Kind | UnsetType = UNSET
    msg_type: Kind | UnsetType = field(name="msgType", default=UNSET)
    start_time: Moment | UnsetType = field(name="startTime", default=UNSET)
    end_time: Moment | UnsetType = field(name="endTime", default=UNSET)
    cursor: str | UnsetType = UNSET
    page_size: Annotated[int, Meta(ge=1, le=200)] = field(name="pageSize", default=PAGE_SIZE)


class RecallMsg(Struct, frozen=True):
    """Recall a message from every inbox, or cancel a scheduled one."""

    message_id: MessageId = field(name="msgId")


class UpdateMsg(TemplatedBody, frozen=True, kw_only=True):
    """Update a message's content; `resetRead` makes it unread again."""

    message_id: MessageId = field(name="msgId")
    reset_read: bool = field(name="resetRead", default=False)


class RemindUnread(Struct, frozen=True):
    """Remind the receivers who have not read a message."""

    message_id: MessageId = field(name="msgId")


class GetMsgVersions(Struct, frozen=True):
    """List the versions of a message."""

    message_id: MessageId = field(name="msgId")


UserIds: TypeAlias = Annotated[list[UserId], Meta(min_length=1, max_length=MAX_SUBSCRIPTIONS)]


OldUserIds: TypeAlias = Annotated[list[OldUserId], Meta(min_length=1, max_length=MAX_SUBSCRIPTIONS)]


class Subscribe(Struct, frozen=True):
    """Subscribe users to a topic from now on; a new topic is created."""

    topic: NewTopic
    user_ids: UserIds = field(name="userIds")
    platform_code: PlatformCode | UnsetType = field(name="platformCode", default=UNSET)


class Unsubscribe(Struct, frozen=True):
    """Unsubscribe users from a topic."""

    topic: Id
    user_ids: OldUserIds = field(name="userIds")
    platform_code: PlatformCode | UnsetType = field(name="platformCode", default=UNSET)


class GetSubscribers(Struct, frozen=True):
    """List the subscribers of a topic."""

    topic: Id
    platform_code: PlatformCode | UnsetType = field(name="platformCode", default=UNSET)
    cursor: str | UnsetType = UNSET
    page_size: Annotated[int, Meta(ge=1, le=200)] = field(name="pageSize", default=PAGE_SIZE)


class GetUnreadCount(Struct, frozen=True):
    """Count the app's messages that a user has not read."""

    publisher_id: OldUserId = field(name="publisherId")
    platform_code: PlatformCode | UnsetType = field(name="platformCode", default=UNSET)


class GetUserToken(Struct, frozen=True):
    """Get a token with which one user's browser opens the inbox; `ttl` is in seconds."""

    publisher_id: OldUserId = field(name="publisherId")
    platform_code: PlatformCode | UnsetType = field(name="platformCode", default=UNSET)
    ttl: Annotated[int, Meta(ge=60, le=86_400)] | UnsetType = UNSET
