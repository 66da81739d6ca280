"""The results of calls."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Generic, Literal, TypeAlias, TypeVar

from msgspec import Struct

from msgcenter_client.audience import Organisations

Item = TypeVar("Item")

Kind: TypeAlias = Literal["text", "link", "oa"]
"""The kinds of message."""


class StatusResult(Struct, frozen=True):
    """The result of `set_status`: all messages have the new state, except `invalid_ids`.

    invalid_ids: the ids, in request order, that are not messages of this app to this recipient, or have expired.
    """

    invalid_ids: tuple[str, ...] = ()


class UserToken(Struct, frozen=True):
    """A token that opens one user's inbox in a browser, and its expiry time (UTC)."""

    token: str
    expires_at: datetime


class ChannelOutcome(Struct, frozen=True):
    """What became of a message to one recipient by a channel.

    state: waiting, sent, failed or skipped.
    at: when it was sent, has failed or was skipped, or when it is due (UTC). reason: of a failure or a skip.
    """

    channel: str
    state: str
    at: datetime | None
    reason: str | None = None


class ChannelSum(Struct, frozen=True):
    """The numbers of recipients whom a channel will reach, has reached, or has failed to reach.

    skipped: the numbers of those whom it was not used for, by reason: `read`, `gone`, `muted`, `off`, `noAddress`,
    `overQuota`, `noGateway`.
    """

    waiting: int
    sent: int
    failed: int
    skipped: Mapping[str, int]


class Receipt(Struct, frozen=True):
    """The read state of a message for one recipient. read_at: when the message was first read (UTC).

    channels: what became of it by channels.
    """

    recipient: str
    read: bool
    read_at: datetime | None = None
    channels: tuple[ChannelOutcome, ...] = ()


class OrgStatus(Struct, frozen=True):
    """The counts of a message among the members of an organisation and of those below it, each user once.

    name: the organisation's name now.
    """

    org_id: str
    name: str
    receivers: int
    read: int
    unread: int


class MessageStatus(Struct, frozen=True):
    """A message's delivery and read counts, and one page of its receipts.

    receivers, delivered, read, unread: numbers of recipients.
    state: scheduled, sending, sent, recalled or expired.
    details: the receipts of this page.
    next_cursor: the cursor of the next page; None on the last page.
    version: 1, plus one for every update.
    updated_at, recalled_at, reminded_at: the last time of each, in UTC; None if it never happened.
    closed_at, closed_by: when an approval was closed (UTC), and the approver's user id; None while it is open.
    sender_name: who sends it, in words; None if the send named nobody.
    organisations: the organisations it was sent to, or None. orgs: the counts by organisation, if asked for.
    channels: the sums of the channels by which it is sent to those who do not read it.
    """

    receivers: int
    delivered: int
    read: int
    unread: int
    state: str
    details: tuple[Receipt, ...] = ()
    next_cursor: str | None = None
    version: int = 1
    updated_at: datetime | None = None
    recalled_at: datetime | None = None
    reminded_at: datetime | None = None
    closed_at: datetime | None = None
    closed_by: str | None = None
    sender_name: str | None = None
    organisations: Organisations | None = None
    orgs: tuple[OrgStatus, ...] = ()
    channels: Mapping[str, ChannelSum] = {}


class Message(Struct, frozen=True):
    """A message that this app sent.

    id: the message id, a decimal string.
    kind: text, link or oa.
    body: the content as in the request (protocol, "sendMsg").
    business_id: the id of the business object in the sender's system; None for a text.
    created_at: the creation time, in UTC.
    state: scheduled, sending, sent, recalled or expired.
    receivers, delivered, read, unread: numbers of recipients.
    topic: the topic it was sent to, or None. to_all: whether it was sent to everyone.
    organisations: the organisations it was sent to, or None.
    version: 1, plus one for every update.
    sender_name: who sends it, in words; None if the send named nobody.
    """

    id: str
    kind: str
    body: Mapping[str, Any]
    business_id: str | None
    created_at: datetime
    state: str
    receivers: int
    delivered: int
    read: int
    unread: int
    topic: str | None = None
    to_all: bool = False
    version: int = 1
    sender_name: str | None = None
    organisations: Organisations | None = None


class Version(Struct, frozen=True):
    """One version of a message's content.

    number: from 1. created_at: the creation time, in UTC. reset_read: whether it set the message unread again.
    kind: text, link or oa. body: the content as in the request (protocol, "sendMsg").
    """

    number: int
    created_at: datetime
    reset_read: bool
    kind: str
    body: Mapping[str, Any]


class Page(Struct, Generic[Item], frozen=True):
    """One page of a list, and the cursor of the next page (None: this is the last)."""

    items: tuple[Item, ...]
    next_cursor: str | None
