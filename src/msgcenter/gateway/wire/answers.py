"""The answers of the calls, after retCode and retDesc. OpenAPI and reference are made from these structs."""

from typing import Literal

import msgspec
from msgspec import UNSET, Struct, UnsetType

from msgcenter.domain.channels.codes import Channel
from msgcenter.domain.channels.outcome import StateWord
from msgcenter.domain.content import Kind


class TokenInfo(Struct, frozen=True, rename="camel"):
    """An access token; `token` repeats it for the oldest clients. `validTime` is the expiry time, ms since 1970."""

    access_token: str
    valid_time: str
    app_id: str
    app_name: str
    platform_code: str
    user_id: str
    token: str


class TokenAnswer(Struct, frozen=True, rename="camel"):
    """The token under both names that clients know."""

    token_info: TokenInfo
    data: TokenInfo


class LowerCaseTokenAnswer(Struct, frozen=True, rename="camel"):
    """The token for clients of the lower-case dialect; `result` repeats retCode and `desc` repeats retDesc."""

    result: str
    desc: str
    token_info: TokenInfo
    data: TokenInfo


class NationalTokenInfo(Struct, frozen=True, rename="camel"):
    """A token with only the keys that clients of the national gateway know. `sysCode` is the request's, as text."""

    access_token: str
    app_id: str
    app_name: str
    sys_code: str
    user_id: str
    valid_time: str
    app_lvl: str = "0"
    app_type: str = "0"


class NationalTokenAnswer(Struct, frozen=True):
    """The token for clients of the national gateway, some of which reject unknown keys."""

    data: NationalTokenInfo


class InvalidIds(Struct, frozen=True, rename="camel"):
    """The message ids, in the order of the request, that the receiver has no message for.

    `invalidMsgId` is absent if there are none.
    """

    invalid_msg_id: list[str] | UnsetType = UNSET


class Sent(Struct, frozen=True, rename="camel"):
    """The id of the message."""

    msg_id: str


class DetailChannel(Struct, frozen=True, rename="camel"):
    """What became of a message to one receiver by a channel.

    `time` (ms since 1970) is when it was sent, has failed or was skipped, or when it is due. `reason` is present after
    a failure or a skip.
    """

    channel: Channel
    state: StateWord
    time: str
    reason: str | UnsetType = UNSET


class Detail(Struct, frozen=True, rename="camel"):
    """The receipt of one receiver; `readTime` is ms since 1970, "" while unread.

    `channels` is present if the message is on its way to the receiver by channels, or was.
    """

    user_id: str
    is_read: Literal[0, 1]
    read_time: str
    channels: list[DetailChannel] | UnsetType = UNSET


class SkippedSums(Struct, frozen=True, rename="camel"):
    """The numbers of receivers whom a channel was not used for, by reason; those that are 0 are absent."""

    read: int | UnsetType = UNSET
    gone: int | UnsetType = UNSET
    muted: int | UnsetType = UNSET
    off: int | UnsetType = UNSET
    no_address: int | UnsetType = UNSET
    over_quota: int | UnsetType = UNSET
    no_gateway: int | UnsetType = UNSET


class ChannelSums(Struct, frozen=True, rename="camel"):
    """The numbers of receivers whom a channel will reach, has reached, has failed to reach, or was not used for."""

    waiting: int
    sent: int
    failed: int
    skipped: SkippedSums


class SumsByChannel(Struct, frozen=True, rename="camel"):
    """The sums of the message's channels."""

    email: ChannelSums | UnsetType = UNSET
    sms: ChannelSums | UnsetType = UNSET
    wecom: ChannelSums | UnsetType = UNSET
    dingtalk: ChannelSums | UnsetType = UNSET
    feishu: ChannelSums | UnsetType = UNSET
    push: ChannelSums | UnsetType = UNSET
    apprise: ChannelSums | UnsetType = UNSET


class OrgStatus(Struct, frozen=True, rename="camel"):
    """The counts of a message among the members of an organisation and of those below it, each user once."""

    org_id: str
    name: str
    receivers: int
    read: int
    unread: int


class MsgStatus(Struct, frozen=True, rename="camel"):
    """The status of a message, and a page of its receipts. `nextCursor` is absent on the last page.

    `version` and `updateTime` are present after an update, `recallTime` after a recall, `remindTime` after a reminder,
    `closeTime` and `closedBy` while an approval is closed, `senderName` if the send had one, `channels` on the first
    page if the message is sent by channels. Times are ms since 1970.
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
    org_ids: list[str] | UnsetType = UNSET
    roles: list[str] | UnsetType = UNSET
    include_sub: bool | UnsetType = UNSET
    orgs: list[OrgStatus] | UnsetType = UNSET
    sender_name: str | UnsetType = UNSET
    channels: SumsByChannel | UnsetType = UNSET


class ListedMsg(Struct, frozen=True, rename="camel"):
    """One message and its counts; `body` is its content as `msgtype` says. `createTime` is ms since 1970.

    `topic`, `toAll` or `orgIds` (with `includeSub` and perhaps `roles`) are present if the message was addressed that
    way, `version` after an update, `senderName` if the send named one.
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
    org_ids: list[str] | UnsetType = UNSET
    roles: list[str] | UnsetType = UNSET
    include_sub: bool | UnsetType = UNSET
    version: int | UnsetType = UNSET
    sender_name: str | UnsetType = UNSET


class MsgList(Struct, frozen=True, rename="camel"):
    """Messages, newest first. `nextCursor` is absent on the last page."""

    messages: list[ListedMsg]
    next_cursor: str | UnsetType = UNSET


class MsgVersion(Struct, frozen=True, rename="camel"):
    """A version of a message, current from `createTime` (ms since 1970); `resetRead`: it made the message unread."""

    version: int
    create_time: str
    reset_read: bool
    msgtype: Kind
    body: msgspec.Raw


class MsgVersions(Struct, frozen=True):
    """The versions of a message, current one last."""

    versions: list[MsgVersion]


class Reminded(Struct, frozen=True):
    """The number of reminded users."""

    reminded: int


class Changed(Struct, frozen=True):
    """The number of subscriptions that changed; the others were in that state already."""

    changed: int


class Subscribers(Struct, frozen=True, rename="camel"):
    """Subscribed users in the order of their ids. `nextCursor` is absent on the last page."""

    user_ids: list[str]
    next_cursor: str | UnsetType = UNSET


class UnreadCount(Struct, frozen=True):
    """The number of unread messages."""

    unread: int


class UserTokenAnswer(Struct, frozen=True, rename="camel"):
    """A user token and its expiry time, ms since 1970."""

    user_token: str
    expire_time: str
