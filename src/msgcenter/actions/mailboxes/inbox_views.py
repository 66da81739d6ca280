"""What inboxes show: messages, counts and pages of lists."""

from typing import NamedTuple, Self

from msgspec import Struct

from msgcenter.actions.mailboxes.user_tokens import AppName
from msgcenter.domain.content import Kind
from msgcenter.domain.list_page import ListPage
from msgcenter.domain.message_id import MAX_ID
from msgcenter.store.mailboxes.mailbox_reads import EntryMessage
from msgcenter.store.mailboxes.reading import WOKEN_FIRST, Filter


class InboxMessage(Struct, frozen=True, gc=False):
    """A message in one mailbox, and the app that sent it. `silent` is whether the user has muted the app."""

    message: EntryMessage
    app: AppName
    silent: bool


class AppUnread(Struct, frozen=True, gc=False):
    """An app and how many of its messages are unread: at least one, unless the user has muted it."""

    app: AppName
    unread: int
    muted: bool


class InboxCounts(Struct, frozen=True, gc=False):
    """How many messages are unread and how many approvals are open, without muted apps; and the unread ones by app."""

    unread: int
    todo: int
    apps: list[AppUnread]


class ListCursor(NamedTuple):
    """Where a page of a list continues: below these ids, as `InboxQuery` has them."""

    before_id: int
    woken_before_id: int = 0

    @classmethod
    def after(cls, filter_: Filter, message_id: int, *, woken: bool) -> Self:
        """Return the cursor after a message of a list with this filter; `woken` is as in an `EntryMessage`."""
        return cls(MAX_ID, message_id) if woken and filter_ in WOKEN_FIRST else cls(message_id)


class InboxQuery(NamedTuple):
    """What to list: messages with ids below `before_id`.

    Of those that have woken, which come first in lists of all and of unread messages: with ids below `woken_before_id`.
    `text` is searched in senders' names, titles, heads and contents. `Inbox.read_all` reads what all pages of
    the list show together and ignores `limit`.
    """

    filter: Filter = "all"
    app_id: str | None = None
    kind: Kind | None = None
    text: str | None = None
    before_id: int = MAX_ID
    limit: int = 30
    woken_before_id: int = MAX_ID

    def at(self, cursor: ListCursor) -> "InboxQuery":
        """Return the query for the page that begins at a cursor."""
        return self._replace(before_id=cursor.before_id, woken_before_id=cursor.woken_before_id)


class InboxList(Struct, frozen=True, gc=False):
    """A page of a list and the counts of the same moment. `has_content` is whether the messages have their contents.

    `woken_ids` are the unread messages that have woken, in the viewer's part of the mailbox.
    """

    page: ListPage[InboxMessage, ListCursor]
    counts: InboxCounts
    has_content: bool
    woken_ids: frozenset[int]
