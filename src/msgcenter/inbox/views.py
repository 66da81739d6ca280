"""Messages and counts as the inbox API returns them (docs/inbox.md)."""

from collections.abc import Iterable, Sequence

import msgspec
from msgspec import Raw, Struct

from msgcenter.actions.mailboxes.inbox_views import InboxCounts, InboxList, InboxMessage, ListCursor
from msgcenter.domain.content import Kind

WOKEN_CURSOR = "w"
"""Begins a cursor among the messages that have woken, which come first."""


class AppView(Struct, frozen=True, gc=False):
    """The app that sent a message."""

    id: str
    name: str


class ApprovalView(Struct, frozen=True, rename="camel"):
    """A pending approval. `closedAt` is when it was decided (ms since 1970), `closedBy` in whose name."""

    closed_at: int | None
    closed_by: str | None


class MessageView(Struct, frozen=True, rename="camel", gc=False):
    """A message in the user's inbox. Times are ms since 1970.

    `updatedAt` is the last update of its content, `remindedAt` its last reminder, `expiresAt` when it leaves the inbox.
    `snoozedUntil` is when it comes back, null unless it is hidden; `woken` is true while it has come back and
    is unread. `senderName` is who sends it, in the app's words. `announcement` is true for messages of the platform
    itself, which operators approve. `silent` is true if the user has muted its app: nothing should announce it.
    """

    id: str
    kind: Kind
    app: AppView
    sender_name: str | None
    announcement: bool
    silent: bool
    created_at: int
    read_at: int | None
    archived: bool
    starred: bool
    snoozed_until: int | None
    woken: bool
    approval: ApprovalView | None
    body: Raw
    updated_at: int | None
    reminded_at: int | None
    expires_at: int | None


class AppUnreadView(Struct, frozen=True):
    """An app with unread messages, or one that the user has muted."""

    id: str
    name: str
    unread: int
    muted: bool


class CountsView(Struct, frozen=True):
    """How many messages are unread and how many approvals are open, without muted apps; and the unread ones by app."""

    unread: int
    todo: int
    apps: list[AppUnreadView]


class MessageListView(Struct, frozen=True, rename="camel"):
    """Messages, newest first. `nextCursor` is null at the end. `counts` are there if the call asks for them."""

    messages: list[MessageView]
    next_cursor: str | None
    counts: CountsView | msgspec.UnsetType = msgspec.UNSET


class ChangedView(Struct, frozen=True):
    """The ids of the messages that a call changed, and the counts after it."""

    changed: list[str]
    counts: CountsView


class StateView(Struct, frozen=True, rename="camel"):
    """The state of a message after a change."""

    id: str
    read_at: int | None
    archived: bool
    starred: bool
    snoozed_until: int | None
    woken: bool
    approval: ApprovalView | None


class FramingView(Struct, frozen=True):
    """Whether the websites that show the page in a frame may do so with this token."""

    allowed: bool


class ReadyView(Struct, frozen=True):
    """The first event of a stream: the counts and the newest message's id."""

    counts: CountsView
    newest: str | None


def message_view(shown: InboxMessage) -> MessageView:
    """Return a message, which has its content, as the API returns it."""
    (view,) = _message_views([shown])
    return view


def _message_views(messages: Iterable[InboxMessage]) -> list[MessageView]:
    # In one expression and by position: lists are what users ask for most, and have up to a hundred messages.
    return [
        MessageView(
            str(message.id),
            message.kind,
            AppView(shown.app.app_id, shown.app.name),
            message.sender_name,
            shown.app.is_platform,
            shown.silent,
            message.sent_at,
            message.read_at,
            message.archived,
            message.starred,
            message.snoozed_until,
            message.woken,
            _approval(shown) if message.approval else None,
            Raw(content.encode()),
            message.updated_at,
            message.reminded_at,
            message.expires_at,
        )
        for shown in messages
        if (message := shown.message).kind is not None and (content := message.content) is not None
    ]


def message_list_view(listed: InboxList, *, with_counts: bool = False) -> MessageListView:
    """Return a page of a list as the API returns it."""
    return MessageListView(
        _message_views(listed.page.items),
        _cursor_view(listed.page.next_cursor),
        counts_view(listed.counts) if with_counts else msgspec.UNSET,
    )


def _cursor_view(cursor: ListCursor | None) -> str | None:
    if cursor is None:
        return None
    return f"{WOKEN_CURSOR}{cursor.woken_before_id}" if cursor.woken_before_id else str(cursor.before_id)


def _approval(shown: InboxMessage) -> ApprovalView | None:
    message = shown.message
    # Without a named approver, the app itself closed it.
    closed_by = shown.app.name if message.closed_by == shown.app.app_id else message.closed_by
    return ApprovalView(message.closed_at, closed_by) if message.approval else None


def state_view(shown: InboxMessage) -> StateView:
    """Return a message's state as the API returns it."""
    message = shown.message
    return StateView(
        str(message.id),
        message.read_at,
        message.archived,
        message.starred,
        message.snoozed_until,
        message.woken,
        _approval(shown),
    )


def counts_view(counts: InboxCounts) -> CountsView:
    """Return counts as the API returns them."""
    return CountsView(
        counts.unread,
        counts.todo,
        [AppUnreadView(it.app.app_id, it.app.name, it.unread, it.muted) for it in counts.apps],
    )


def ids_view(message_ids: Sequence[int]) -> list[str]:
    """Return message ids as the API returns them."""
    return [str(message_id) for message_id in message_ids]
