"""What the calls answer after retCode and retDesc. The OpenAPI document is made from these very structs."""

from typing import Literal

import msgspec
from msgspec import UNSET, Struct, UnsetType

from msgcenter.domain.content import Kind


class TokenInfo(Struct, frozen=True, rename="camel"):
    """A token; `token` is `accessToken` once more, for the oldest clients. `validTime` is its end, ms since 1970."""

    access_token: str
    valid_time: str
    app_id: str
    app_name: str
    platform_code: str
    user_id: str
    token: str


class TokenAnswer(Struct, frozen=True, rename="camel"):
    """The token under both names that clients read it by."""

    token_info: TokenInfo
    data: TokenInfo


class LowerCaseTokenAnswer(Struct, frozen=True, rename="camel"):
    """The token for clients of the lower-case dialect: `result` is retCode and `desc` is retDesc once more."""

    result: str
    desc: str
    token_info: TokenInfo
    data: TokenInfo


class NationalTokenInfo(Struct, frozen=True, rename="camel"):
    """A token with just the keys that clients of the national gateway know. `sysCode` is the request's, as text."""

    access_token: str
    app_id: str
    app_name: str
    sys_code: str
    user_id: str
    valid_time: str
    app_lvl: str = "0"
    app_type: str = "0"


class NationalTokenAnswer(Struct, frozen=True):
    """The token for clients of the national gateway, some of which refuse a key that they do not know."""

    data: NationalTokenInfo


class InvalidIds(Struct, frozen=True, rename="camel"):
    """The message ids, in the order given, that changed nothing because the receiver has no such message.

    `invalidMsgId` is absent if all have changed.
    """

    invalid_msg_id: list[str] | UnsetType = UNSET


class Sent(Struct, frozen=True, rename="camel"):
    """The id of the message."""

    msg_id: str


class Detail(Struct, frozen=True, rename="camel"):
    """One receiver; `readTime` is ms since 1970, "" while unread."""

    user_id: str
    is_read: Literal[0, 1]
    read_time: str


class MsgStatus(Struct, frozen=True, rename="camel"):
    """Where a message stands. `nextCursor` is absent on the last page.

    `version` and `updateTime` are there once it was updated, `recallTime` once it is recalled, `remindTime` once there
    was a reminder, `closeTime` and `closedBy` while an approval is closed. Times are ms since 1970.
    """

    receivers: int
    delivered: int
    read: int
    unread: int
    state: str
    details: list[Detail]
    next_cursor: str | UnsetType = UNSET
    version: int | UnsetType = UNSET
    update_time: str | UnsetType = UNSET
    recall_time: str | UnsetType = UNSET
    remind_time: str | UnsetType = UNSET
    close_time: str | UnsetType = UNSET
    closed_by: str | UnsetType = UNSET


class ListedMsg(Struct, frozen=True, rename="camel"):
    """One message and its counts; `body` is what `msgtype` names. `createTime` is ms since 1970.

    `topic` or `toAll` are there if that is how it was addressed, `version` once it was updated.
    """

    msg_id: str
    msgtype: Kind
    body: msgspec.Raw
    create_time: str
    state: str
    receivers: int
    delivered: int
    read: int
    unread: int
    busi_id: str | UnsetType = UNSET
    topic: str | UnsetType = UNSET
    to_all: Literal[True] | UnsetType = UNSET
    version: int | UnsetType = UNSET


class MsgList(Struct, frozen=True, rename="camel"):
    """Messages, newest first. `nextCursor` is absent on the last page."""

    messages: list[ListedMsg]
    next_cursor: str | UnsetType = UNSET


class MsgVersion(Struct, frozen=True, rename="camel"):
    """What a message said from `createTime` (ms since 1970) on; `resetRead`: and was unread again."""

    version: int
    create_time: str
    reset_read: bool
    msgtype: Kind
    body: msgspec.Raw


class MsgVersions(Struct, frozen=True):
    """The versions of a message, the first one first and the present one last."""

    versions: list[MsgVersion]


class Reminded(Struct, frozen=True):
    """How many are reminded."""

    reminded: int


class Changed(Struct, frozen=True):
    """How many subscriptions have changed; the others were so already."""

    changed: int


class Subscribers(Struct, frozen=True, rename="camel"):
    """Subscribed users by id. `nextCursor` is absent on the last page."""

    user_ids: list[str]
    next_cursor: str | UnsetType = UNSET


class UnreadCount(Struct, frozen=True):
    """Unread messages."""

    unread: int


class UserTokenAnswer(Struct, frozen=True, rename="camel"):
    """A user token; `expireTime` is its end, ms since 1970."""

    user_token: str
    expire_time: str
