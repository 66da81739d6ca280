"""What calls return: frozen, typed, in the field's terms."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Generic, Literal, TypeAlias, TypeVar

from msgspec import Struct

Item = TypeVar("Item")

Kind: TypeAlias = Literal["text", "link", "oa"]
"""The kinds of message."""


class StatusResult(Struct, frozen=True):
    """The outcome of `set_status`: all given ids have the wanted state now, except `invalid_ids`.

    invalid_ids: ids, in the order given, that are no message of this app to this recipient, or have expired.
    """

    invalid_ids: tuple[str, ...] = ()


class UserToken(Struct, frozen=True):
    """What opens one user's inbox in a browser, and when it ends (UTC)."""

    token: str
    expires_at: datetime


class Receipt(Struct, frozen=True):
    """Whether one recipient has read a message, and when first (UTC)."""

    recipient: str
    read: bool
    read_at: datetime | None = None


class MessageStatus(Struct, frozen=True):
    """How far a message got, and one page of its receipts.

    receivers, delivered, read, unread: numbers of recipients.
    state: scheduled, sending, sent, recalled or expired.
    details: the receipts of this page.
    next_cursor: asks for the next page; None on the last one.
    version: 1, and one more for every update.
    updated_at, recalled_at, reminded_at: when it last was, in UTC; None if never.
    closed_at, closed_by: when an approval was closed, and in whose name; None while it is open.
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


class Message(Struct, frozen=True):
    """A message that this app sent.

    id: the message id, a decimal string.
    kind: text, link or oa.
    body: the body as it stands on the wire (protocol, "sendMsg").
    business_id: the id in the sender's own system; None for a text.
    created_at: in UTC.
    state: scheduled, sending, sent, recalled or expired.
    receivers, delivered, read, unread: numbers of recipients.
    topic: the topic that it went to, or None. to_all: whether it went to everyone.
    version: 1, and one more for every update.
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


class Version(Struct, frozen=True):
    """What a message said from a moment on.

    number: from 1. created_at: the moment, in UTC. reset_read: whether it was unread again from then on.
    kind: text, link or oa. body: as it stands on the wire (protocol, "sendMsg").
    """

    number: int
    created_at: datetime
    reset_read: bool
    kind: str
    body: Mapping[str, Any]


class Page(Struct, Generic[Item], frozen=True):
    """Some items of a long list, and the cursor of the next ones (None: there are no more)."""

    items: tuple[Item, ...]
    next_cursor: str | None
