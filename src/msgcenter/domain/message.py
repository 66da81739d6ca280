"""Messages: stored messages with their states, and drafts that are about to be stored."""

from enum import StrEnum
from hashlib import sha256
from typing import Literal, NamedTuple

import msgspec
from msgspec import Struct

from msgcenter.domain.account import Platform
from msgcenter.domain.audience import OrgAudience
from msgcenter.domain.channels.policy import NO_WISH, Route, Wish
from msgcenter.domain.channels.template import UsedTemplate
from msgcenter.domain.content import Body, Kind, kind_of
from msgcenter.domain.quota import DailyQuota
from msgcenter.domain.refusal import contradiction, malformed

MAX_RECEIVERS = 10_000
IMMEDIATE_RECEIVERS = 1_000
"""Up to this many receivers get a message with the call; the background fan-out reaches larger audiences."""
MAX_USER_ID = 64
MAX_PLATFORM_CODE = 32
MAX_REQUEST_ID = 64
MAX_STATUS_IDS = 50
REMINDER_PAUSE_MS = 3_600_000
"""Minimum time between two reminders of a message (docs/protocol.md, remindUnread)."""

_MINUTE_MS = 60_000
_DAY_MS = 86_400_000
SCHEDULE_AHEAD_MS = 90 * _DAY_MS
SCHEDULE_TOLERANCE_MS = _MINUTE_MS
IDEMPOTENCY_MS = _DAY_MS
LAST_MOMENT_MS = 4_102_444_800_000
"""2100-01-01T00:00:00Z. Later times are typing errors, and they would not fit a message id."""


SendCall = Literal["sendMsg", "sendAppMsg"]
"""The calls of the app API that send messages."""
SEND_MSG: SendCall = "sendMsg"
SEND_APP_MSG: SendCall = "sendAppMsg"


class State(StrEnum):
    """The state of a message, as in the answer of getMsgStatus."""

    SCHEDULED = "scheduled"
    SENDING = "sending"
    SENT = "sent"
    RECALLED = "recalled"
    EXPIRED = "expired"


class AudienceChunk(NamedTuple):
    """A part of a message's receivers: the cell of its users, and the digest of their ids."""

    cell: int
    digest: bytes


class Message(Struct, frozen=True):
    """A stored message. Times are ms since 1970.

    A pushed message has the chunks of its receivers in `audience`; `delivered_chunks` of them are in mailboxes. A
    message to a topic, to organisations (`domain.audience.is_org_audience`) or to everyone (`domain.audience.EVERYONE`)
    has a `topic_number` instead, and, after the send, its `positions` in the feeds of the platform's cells;
    `reset_positions` and `reset_at` are the feed positions and the time of its last reset to unread. `request_id` is
    the app's id of the request that sent it; `sender_name` says in words who sends it; `type_code` is the code of its
    message type.
    """

    id: int
    app_number: int
    platform: Platform
    kind: Kind
    business_id: str | None
    content: str
    approval: bool
    receivers: int
    audience: tuple[AudienceChunk, ...]
    delivered_chunks: int
    created_at: int
    send_at: int | None
    expires_at: int | None
    recalled_at: int | None
    closed_at: int | None
    topic_number: int | None = None
    positions: tuple[int, ...] | None = None
    version: int = 1
    updated_at: int | None = None
    reset_read: bool = False
    reminded_at: int | None = None
    closed_by: str | None = None
    reset_positions: tuple[int, ...] | None = None
    reset_at: int | None = None
    request_id: str | None = None
    sender_name: str | None = None
    type_code: str | None = None

    @property
    def platform_code(self) -> str:
        """The code of its platform."""
        return self.platform.code

    @property
    def is_sent(self) -> bool:
        """Whether its whole audience has it."""
        if self.topic_number is not None:
            return self.positions is not None
        return self.delivered_chunks >= len(self.audience)

    def state_at(self, now: int) -> State:
        """Return the state of the message at `now` (ms since 1970)."""
        if self.recalled_at is not None:
            return State.RECALLED
        if self.expires_at is not None and self.expires_at <= now:
            return State.EXPIRED
        if self.is_sent:
            return State.SENT
        return State.SCHEDULED if self.send_at is not None and self.send_at > now else State.SENDING


class Draft(Struct, frozen=True):
    """A checked message that is about to be stored; its receivers are sorted and distinct.

    It has either receivers or a `topic_number` (`domain.audience.EVERYONE` for everyone), which for `organisations` is
    the number of this audience. `send_at` None means now.
    `digest` is a hash of the request, to distinguish a repeated `request_id` from a reused one. `message_id` is only
    for messages imported from another system. `quota` is None for an app without a quota. `app_cell` is the cell of the
    app's own platform that has its request ids and quotas. `call` is for statistics only. `wish` is what the request
    says about channels, and `route` what follows from it; None: the message is sent nowhere else. `template` has
    made the body; None if the app wrote it.
    """

    app_number: int
    app_cell: int
    platform: Platform
    body: Body
    receivers: tuple[str, ...]
    approval: bool = False
    request_id: str | None = None
    digest: bytes = b""
    send_at: int | None = None
    expires_at: int | None = None
    message_id: int | None = None
    topic_number: int | None = None
    organisations: OrgAudience | None = None
    quota: DailyQuota | None = None
    sender_name: str | None = None
    call: SendCall = SEND_MSG
    wish: Wish = NO_WISH
    route: Route | None = None
    template: UsedTemplate | None = None

    @property
    def kind(self) -> Kind:
        """The message's msgtype."""
        return kind_of(self.body)

    @property
    def is_immediate(self) -> bool:
        """Whether the transaction that stores the message also adds it to the mailboxes or to the feed."""
        return self.send_at is None and len(self.receivers) <= IMMEDIATE_RECEIVERS

    def fingerprint(self) -> bytes:
        """Return a hash of the whole request except its request id."""
        audience = self.receivers if self.topic_number is None else self.topic_number
        content = (self.platform.code, audience, self.kind, self.body, self.approval, self.send_at, self.expires_at)
        # Only if present, so that requests without them keep their hash from before there were names and channels.
        names = () if self.sender_name is None else (self.sender_name,)
        wishes = (self.wish.fields(),) if self.wish != NO_WISH else ()
        return sha256(msgspec.json.encode((*content, *names, *wishes))).digest()


def check_times(send_at: int | None, expires_at: int | None, now: int) -> int | None:
    """Check the send time and the expiry time of a message; return the send time, None for now.

    All times are ms since 1970. Refuses with FIELD_MALFORMED or FIELDS_CONTRADICT (docs/protocol.md, sendMsg).
    """
    if send_at is not None:
        if send_at < now - SCHEDULE_TOLERANCE_MS:
            raise malformed("sendTime", "已是过去的时间,单位为毫秒", "is in the past; the unit is milliseconds")
        if send_at > now + SCHEDULE_AHEAD_MS:
            raise malformed("sendTime", "最多提前90天,单位为毫秒", "at most 90 days ahead, in milliseconds")
    scheduled = send_at if send_at is not None and send_at > now else None
    if expires_at is not None:
        if expires_at <= now:
            raise malformed("expireTime", "须为将来的时间,单位为毫秒", "must be in the future, in milliseconds")
        if expires_at > LAST_MOMENT_MS:
            raise malformed("expireTime", "须早于2100年,单位为毫秒", "must be before 2100, in milliseconds")
        if scheduled is not None and expires_at <= scheduled:
            raise contradiction("expireTime/sendTime", "expireTime须晚于sendTime", "expireTime must be after sendTime")
    return scheduled
