"""What users do with their mailboxes: set read and unread, archive, besides what `InboxReads` shows them."""

from collections.abc import Collection, Sequence

from msgcenter.actions.mailboxes import inbox_search
from msgcenter.actions.mailboxes.inbox_marks import InboxMarks, ids_by_page
from msgcenter.actions.mailboxes.inbox_views import InboxQuery
from msgcenter.actions.mailboxes.search import matcher
from msgcenter.actions.mailboxes.statuses import Statuses
from msgcenter.actions.mailboxes.user_tokens import Viewer
from msgcenter.database.database import Connection, Database, transactional
from msgcenter.domain.account import Platform, Recipient
from msgcenter.domain.event import Listener, ignore_events
from msgcenter.domain.message_id import now_ms
from msgcenter.messaging.current_mailbox import make_current
from msgcenter.messaging.set_status import lock_unread
from msgcenter.store.mailboxes import entry_marks, read_states
from msgcenter.store.mailboxes.entry_changes import set_archived
from msgcenter.store.mailboxes.pages import PageKey, page_key
from msgcenter.store.mailboxes.read_states import PageChange, change_pages
from msgcenter.store.webhooks import outbox

_CHANGED_AT_ONCE = 1_000
_REPORTED_IDS = 1_000
"""Ids that `read_all` returns and publishes, at most."""


class Inbox(InboxMarks):
    """The inboxes of all users. A viewer sees and changes one mailbox, all of it or one app's part."""

    def __init__(
        self, database: Database, statuses: Statuses, *, waiting_limit: int, on_change: Listener = ignore_events
    ) -> None:
        super().__init__(database, waiting_limit=waiting_limit, on_change=on_change)
        self._statuses = statuses

    async def set_status(self, viewer: Viewer, message_ids: Collection[int], *, read: bool) -> list[int]:
        """Set messages read or unread; return the ids that the mailbox has."""
        by_app = await self._ids_by_app(viewer, message_ids)
        changed: list[int] = []
        for (app_number, has_events), ids in sorted(by_app.items()):
            missing = await self._statuses.set_own(
                viewer.recipient, app_number, frozenset(ids), read=read, with_events=has_events
            )
            changed += [message_id for message_id in ids if message_id not in missing]
        return changed

    async def read_all(self, viewer: Viewer, query: InboxQuery) -> list[int]:
        """Set all messages of a list read. Return the ids of those that were unread, at most the newest thousand."""
        if query.filter in {"archived", "snoozed"}:
            return []  # archived messages are read; those asleep come back unread
        scope = await self.scope_of(viewer, query.app_id)
        if scope is None:
            return []
        is_whole = query.filter in {"all", "unread"} and matcher(query.kind, query.text) is None
        read = self._read_up_to if is_whole else self._read_matching
        changed = await read(viewer.recipient, scope.app_number, query)
        if changed:
            self._publish("status", viewer.recipient, changed[:_REPORTED_IDS])
        return changed[:_REPORTED_IDS]

    @transactional
    async def _read_up_to(
        self, connection: Connection, recipient: Recipient, app_number: int | None, query: InboxQuery
    ) -> list[int]:
        """Read everything below an id, of one app or of all: no message needs to be looked at."""
        now = now_ms()
        await make_current(connection, recipient, now)
        apps_with_events = await outbox.apps_with_read_events(connection, recipient)
        ids = await read_states.set_read_up_to(connection, recipient, app_number, query.before_id - 1, now)
        await outbox.record_read_by_user(connection, recipient, ids, apps_with_events, now)
        return ids

    async def _read_matching(self, recipient: Recipient, app_number: int | None, query: InboxQuery) -> list[int]:
        """Read what a query matches. The search takes no lock: it may be long in a large mailbox."""
        matching = await inbox_search.unread_matching(self._database, recipient, app_number, query)
        if not matching:
            return []
        return await self._read_entries(
            recipient,
            sorted((page_key(recipient, entry.message_id, entry.app_number), entry.message_id) for entry in matching),
        )

    @transactional
    async def _read_entries(
        self, connection: Connection, recipient: Recipient, entries: Sequence[tuple[PageKey, int]]
    ) -> list[int]:
        """Set entries read. Return the ids of those that were still unread, newest first."""
        now = now_ms()
        apps_with_events = await outbox.apps_with_read_events(connection, recipient)
        ids: list[int] = []
        for start in range(0, len(entries), _CHANGED_AT_ONCE):
            pages = ids_by_page(entries[start : start + _CHANGED_AT_ONCE])
            ids += await lock_unread(connection, recipient.platform, pages, now)
            await _set_read(connection, recipient.platform, pages, now)
        await outbox.record_read_by_user(connection, recipient, ids, apps_with_events, now)
        return sorted(ids, reverse=True)

    async def archive(self, viewer: Viewer, message_ids: Collection[int], *, archived: bool) -> list[int]:
        """Archive messages, which also reads them, or bring them back. Return the ids that the mailbox has."""
        entries = await self._entries(viewer, message_ids)
        if not entries:
            return []
        await self._set_archived(viewer.recipient, entries, archived=archived)
        ids = [message_id for _, message_id in entries]
        self._publish("status", viewer.recipient, ids)
        return ids

    @transactional
    async def _set_archived(
        self, connection: Connection, recipient: Recipient, entries: Sequence[tuple[PageKey, int]], *, archived: bool
    ) -> None:
        if archived:
            now = now_ms()
            pages = ids_by_page(entries)
            apps_with_events = await outbox.apps_with_read_events(connection, recipient)
            was_unread = await lock_unread(connection, recipient.platform, pages, now) if apps_with_events else []
            await _set_read(connection, recipient.platform, pages, now)
            await entry_marks.wake(connection, entries)
            await outbox.record_read_by_user(connection, recipient, was_unread, apps_with_events, now)
        await set_archived(connection, entries, archived=archived)


async def _set_read(connection: Connection, platform: Platform, pages: dict[PageKey, list[int]], now: int) -> None:
    await change_pages(connection, platform, {key: PageChange(read=ids) for key, ids in pages.items()}, now)
