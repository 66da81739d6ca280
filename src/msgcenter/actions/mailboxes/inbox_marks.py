"""What users make of messages: starred, deleted, hidden until a time; and the apps that they mute."""

from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from itertools import groupby
from operator import itemgetter
from typing import TypeAlias

from msgcenter.actions.mailboxes.inbox_reads import InboxReads
from msgcenter.actions.mailboxes.user_tokens import Viewer
from msgcenter.database.database import Connection, Database, transactional
from msgcenter.domain.account import Recipient
from msgcenter.domain.event import EventKind, Listener, MailboxEvent, ignore_events
from msgcenter.domain.message_id import now_ms
from msgcenter.domain.refusal import malformed
from msgcenter.messaging.set_status import set_unread_by_user
from msgcenter.store.mailboxes import entry_marks, users
from msgcenter.store.mailboxes.pages import PageKey, page_key
from msgcenter.store.mailboxes.sweeping import sweep_pages
from msgcenter.store.webhooks import webhooks

_LONGEST_SNOOZE_MS = 366 * 86_400_000
_SHORTEST_SNOOZE_MS = 1_000
PageEntries: TypeAlias = Sequence[tuple[PageKey, int]]
"""Page keys and message ids, sorted."""


class InboxMarks(InboxReads):
    """Marks messages in the inboxes of all users. Apps see none of it: receipts and status calls are as before."""

    def __init__(self, database: Database, *, waiting_limit: int, on_change: Listener = ignore_events) -> None:
        super().__init__(database, waiting_limit=waiting_limit)
        self._on_change = on_change

    async def star(self, viewer: Viewer, message_ids: Collection[int], *, starred: bool) -> list[int]:
        """Star messages, or take their stars away. Return the ids that the mailbox has."""

        async def write(connection: Connection, entries: PageEntries) -> None:
            await entry_marks.set_starred(connection, entries, starred=starred)

        return await self._mark(viewer, await self._entries(viewer, message_ids), write, event="status")

    async def delete(self, viewer: Viewer, message_ids: Collection[int]) -> list[int]:
        """Delete messages from the user's view for good. Return the ids that the mailbox had."""
        return await self._mark(viewer, await self._entries(viewer, message_ids), entry_marks.delete)

    async def restore(self, viewer: Viewer, message_ids: Collection[int]) -> list[int]:
        """Take back that messages were deleted. Return those of the ids that the mailbox has."""
        by_app = await self._ids_by_app(viewer, message_ids)
        entries = sorted(
            (page_key(viewer.recipient, message_id, app_number), message_id)
            for (app_number, _), ids in by_app.items()
            for message_id in ids
        )
        restored = await self._mark(viewer, entries, entry_marks.restore)
        return [shown.message.id for shown in await self.find(viewer, restored)]

    async def snooze(self, viewer: Viewer, message_ids: Collection[int], until: int | None) -> list[int]:
        """Hide messages until a time (ms since 1970), when they come back unread; None: show them at once.

        Messages that are hidden are set unread at once. Returns the ids that the mailbox has. Refuses with
        FIELD_MALFORMED (until) what is not in the next 366 days.
        """
        now = now_ms()
        if until is not None and not now + _SHORTEST_SNOOZE_MS <= until <= now + _LONGEST_SNOOZE_MS:
            raise malformed("until", "须为未来366天内的时间", "must be a time in the next 366 days")
        entries = await self._entries(viewer, message_ids)
        if until is None:
            return await self._mark(viewer, entries, entry_marks.wake)

        async def write(connection: Connection, entries: PageEntries) -> None:
            await set_unread_by_user(connection, viewer.recipient, ids_by_page(entries), now)
            await entry_marks.snooze(connection, entries, until)

        return await self._mark(viewer, entries, write)

    async def mute(self, viewer: Viewer, app_id: str, *, muted: bool) -> bool:
        """Mute an app, or end that. Return whether the viewer may see the app.

        Its messages arrive as before, but are not in the totals of the counts, and nothing announces them.
        """
        scope = await self.scope_of(viewer, app_id)
        if scope is None or scope.app_number is None:
            return False
        await self._set_muted(viewer.recipient, scope.app_number, muted=muted)
        self._publish("status", viewer.recipient, ())
        return True

    @transactional
    async def _set_muted(self, connection: Connection, recipient: Recipient, app_number: int, *, muted: bool) -> None:
        await users.register(connection, recipient.cell, [recipient.user_id])
        await entry_marks.set_muted(connection, recipient, app_number, muted=muted)

    async def visible_ids(self, viewer: Viewer, message_ids: Collection[int]) -> list[int]:
        """Return those of the ids whose messages the viewer may know of, withdrawn ones included."""
        by_app = await self._ids_by_app(viewer, message_ids)
        return sorted(message_id for ids in by_app.values() for message_id in ids)

    async def _entries(self, viewer: Viewer, message_ids: Collection[int]) -> PageEntries:
        """Return the entries of messages that the mailbox has."""
        return sorted(
            (page_key(viewer.recipient, shown.message.id, shown.message.app_number), shown.message.id)
            for shown in await self.find(viewer, message_ids)
        )

    async def _mark(
        self,
        viewer: Viewer,
        entries: PageEntries,
        write: Callable[[Connection, PageEntries], Awaitable[None]],
        *,
        event: EventKind = "update",
    ) -> list[int]:
        """Write a change of entries, and announce it. Return the ids."""
        if not entries:
            return []
        await self._write_mark(viewer.recipient, entries, write)
        ids = [message_id for _, message_id in entries]
        self._publish(event, viewer.recipient, ids)
        return ids

    @transactional
    async def _write_mark(
        self,
        connection: Connection,
        recipient: Recipient,
        entries: PageEntries,
        write: Callable[[Connection, PageEntries], Awaitable[None]],
    ) -> None:
        # Swept first: an entry whose time has come is awake, and the change concerns it as such.
        await sweep_pages(connection, recipient.platform, sorted({key for key, _ in entries}), now_ms())
        await write(connection, entries)

    def _publish(self, kind: EventKind, recipient: Recipient, message_ids: Sequence[int]) -> None:
        """Announce a change of messages; without ids, streams read everything again."""
        self._on_change([MailboxEvent(kind, recipient.platform_code, (recipient.user_id,), tuple(message_ids))])

    async def _ids_by_app(self, viewer: Viewer, message_ids: Collection[int]) -> dict[tuple[int, bool], list[int]]:
        """Return the messages that the viewer may know of, by app and whether its webhooks want status events."""
        by_app: dict[tuple[int, bool], list[int]] = {}
        async with self._database.connection() as connection:
            cell = viewer.recipient.platform.first_cell
            for owner in await webhooks.owners(connection, cell, sorted(set(message_ids))):
                if viewer.app_number in {None, owner.app_number}:
                    by_app.setdefault((owner.app_number, owner.wants_status_events), []).append(owner.message_id)
        return by_app


def ids_by_page(entries: Iterable[tuple[PageKey, int]]) -> dict[PageKey, list[int]]:
    """Return the message ids of entries, which are sorted, by page."""
    return {key: [message_id for _, message_id in of_page] for key, of_page in groupby(entries, key=itemgetter(0))}
