"""What inboxes show: messages, counts and pages of lists."""

from typing import NamedTuple

from msgspec import Struct

from msgcenter.actions.mailboxes.user_tokens import AppName
from msgcenter.domain.content import Kind
from msgcenter.domain.list_page import ListPage
from msgcenter.domain.message_id import MAX_ID
from msgcenter.store.mailboxes.mailbox_reads import EntryMessage
from msgcenter.store.mailboxes.reading import Filter


class InboxMessage(Struct, frozen=True, gc=False):
    """A message in one mailbox, and the app that sent it."""

    message: EntryMessage
    app: AppName


class AppUnread(Struct, frozen=True, gc=False):
    """An app and how many of its messages are unread (at least one)."""

    app: AppName
    unread: int


class InboxCounts(Struct, frozen=True, gc=False):
    """How many messages are unread and how many approvals are open, and the unread messages by app."""

    unread: int
    todo: int
    apps: list[AppUnread]


class InboxQuery(NamedTuple):
    """What to list. `before_id` is the bound of the last page.

    `text` is searched in senders' names, titles, heads and contents. `Inbox.read_all` reads what all pages of
    the list show together and ignores `limit`.
    """

    filter: Filter = "all"
    app_id: str | None = None
    kind: Kind | None = None
    text: str | None = None
    before_id: int = MAX_ID
    limit: int = 30


class InboxList(Struct, frozen=True, gc=False):
    """A page of a list and the counts of the same moment. `has_content` is whether the messages have their contents."""

    page: ListPage[InboxMessage, int]
    counts: InboxCounts
    has_content: bool
