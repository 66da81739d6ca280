"""Reading a mailbox entry by entry, for searches and for lists that one statement does not settle."""

from collections.abc import AsyncIterator, Callable, Sequence

from msgcenter.actions.mailboxes.inbox_views import InboxMessage, InboxQuery, ListCursor
from msgcenter.actions.mailboxes.search import matcher
from msgcenter.actions.mailboxes.user_tokens import AppName
from msgcenter.database.database import Connection, Database
from msgcenter.domain.account import Recipient
from msgcenter.domain.list_page import ListPage, cut_page
from msgcenter.domain.message import Message
from msgcenter.domain.message_id import now_ms
from msgcenter.messaging.current_mailbox import current_mailbox
from msgcenter.store.apps import apps
from msgcenter.store.mailboxes import reading
from msgcenter.store.mailboxes.entry_marks import muted_apps
from msgcenter.store.mailboxes.mailbox_reads import EntryMessage
from msgcenter.store.mailboxes.reading import Entry, EntryQuery, Filter
from msgcenter.store.messages.messages import find_messages

_SCANNED_ENTRIES = 2_000
"""A search request ends after this many entries; its cursor continues there."""
_SCANNED_CHARACTERS = 1_000_000
"""A search request also ends after this many characters of messages, which take their time to search."""
_LOADED_AT_ONCE = 200


async def search(
    database: Database, recipient: Recipient, app_number: int | None, query: InboxQuery
) -> ListPage[InboxMessage, ListCursor]:
    """Return up to `query.limit` messages of one app or of all (None), newest first.

    A page of a search may be short and still not the last.
    """
    matches = matcher(query.kind, query.text)
    batch_size = query.limit + 1 if matches is None else _LOADED_AT_ONCE
    messages: list[InboxMessage] = []
    scanned = characters = 0
    async with current_mailbox(database, recipient, now_ms()) as connection:
        entries = reading.entries(
            connection, EntryQuery(recipient, app_number, query.filter, query.before_id, query.woken_before_id)
        )
        async for batch in _batches(entries, batch_size):
            loaded = await _load(connection, recipient, batch)
            messages += [shown for shown in loaded if matches is None or matches(shown.message)]
            if len(messages) > query.limit:
                return cut_page(messages, query.limit, lambda shown: _cursor_after(query, shown.message))
            scanned += len(batch)
            characters += sum(len(shown.message.content or "") for shown in loaded)
            is_full = len(batch) == batch_size
            if is_full and (scanned >= _SCANNED_ENTRIES or characters >= _SCANNED_CHARACTERS):
                last = batch[-1]
                return ListPage(messages, ListCursor.after(query.filter, last.message_id, woken=last.woken))
    return ListPage(messages, None)


def _cursor_after(query: InboxQuery, message: EntryMessage) -> ListCursor:
    return ListCursor.after(query.filter, message.id, woken=message.woken)


async def unread_matching(
    database: Database, recipient: Recipient, app_number: int | None, query: InboxQuery
) -> list[Entry]:
    """Return the unread entries of one app or of all (None) that a query matches.

    All of it is read from one snapshot. Otherwise pages that others change meanwhile would change places, and some
    would be skipped.
    """
    matches = matcher(query.kind, query.text)
    pages: Filter = query.filter if query.filter in {"todo", "starred"} else "unread"
    matching: list[Entry] = []
    async with (
        current_mailbox(database, recipient, now_ms()) as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        entries = reading.entries(
            connection, EntryQuery(recipient, app_number, pages, query.before_id, woken_before_id=query.before_id)
        )
        unread = (entry async for entry in entries if entry.read_at is None)
        async for batch in _batches(unread, _LOADED_AT_ONCE):
            matching += await _matching(connection, recipient, batch, matches)
    return matching


async def _matching(
    connection: Connection,
    recipient: Recipient,
    entries: Sequence[Entry],
    matches: Callable[[EntryMessage], bool] | None,
) -> list[Entry]:
    if matches is None:
        return list(entries)
    ids = {shown.message.id for shown in await _load(connection, recipient, entries) if matches(shown.message)}
    return [entry for entry in entries if entry.message_id in ids]


async def _load(connection: Connection, recipient: Recipient, entries: Sequence[Entry]) -> list[InboxMessage]:
    ids = [entry.message_id for entry in entries]
    cell = recipient.platform.first_cell
    messages = {message.id: message for message in await find_messages(connection, cell, ids)}
    records = await apps.find_apps(connection, sorted({message.app_number for message in messages.values()}))
    names = {number: AppName.of(record.app) for number, record in records.items()}
    muted = (await muted_apps(connection, recipient.cell, [recipient.user_id])).get(recipient.user_id, set())
    return [
        InboxMessage(_entry_message(message, entry), names[message.app_number], message.app_number in muted)
        for entry in entries
        if (message := messages.get(entry.message_id)) is not None
    ]


def _entry_message(message: Message, entry: Entry) -> EntryMessage:
    return EntryMessage(
        id=message.id,
        app_number=message.app_number,
        read_at=entry.read_at,
        archived=entry.archived,
        starred=entry.starred,
        snoozed_until=entry.snoozed_until,
        woken=entry.woken,
        kind=message.kind,
        approval=message.approval,
        sent_at=message.send_at or message.created_at,
        updated_at=message.updated_at,
        reminded_at=message.reminded_at,
        expires_at=message.expires_at,
        closed_at=message.closed_at,
        closed_by=message.closed_by,
        sender_name=message.sender_name,
        version=message.version,
        content=message.content,
    )


async def _batches(entries: AsyncIterator[Entry], size: int) -> AsyncIterator[list[Entry]]:
    """Give the entries in lists of `size`; the last list may be shorter."""
    batch: list[Entry] = []
    async for entry in entries:
        batch.append(entry)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
