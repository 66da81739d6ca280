"""Status changes of apps whose webhooks are told of them: the same changes, with an event for each that is a real one.

Apart from `status_changes`, since it takes a transaction and two more statements to know what changed.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from msgcenter.database.database import Connection, Database
from msgcenter.domain.account import Recipient
from msgcenter.domain.message_id import now_ms
from msgcenter.domain.webhook import By, WebhookEvent, read_event, unread_event
from msgcenter.messaging.pull import bring_up_to_date
from msgcenter.messaging.set_status import Missing, StatusChange, merged, missing_of
from msgcenter.store.mailboxes import pages as mailboxes
from msgcenter.store.mailboxes.pages import PageKey
from msgcenter.store.webhooks import outbox

Entry = tuple[Recipient, int]
"""One message in one mailbox."""


class ToldChange(NamedTuple):
    """A status change, and who makes it."""

    change: StatusChange
    by: By


async def apply_told_changes(database: Database, changes: Sequence[ToldChange]) -> list[Missing]:
    """Write all changes, later ones winning, and record an event for each entry that one of them turns over.

    Returns for each the ids that are not in that mailbox.
    """
    now = now_ms()
    await bring_up_to_date(database, {one.change.recipient for one in changes}, now)

    async def write(connection: Connection) -> list[Missing]:
        return await change_and_tell(connection, changes, now)

    return await database.in_transaction(write)


async def change_and_tell(connection: Connection, changes: Sequence[ToldChange], now: int) -> list[Missing]:
    """Do so inside a transaction."""
    pages = merged([one.change for one in changes])
    await mailboxes.sweep_pages(connection, sorted(pages), now)
    before = await _read_times(connection, {key: change.ids for key, change in pages.items()})
    missing = await mailboxes.change_status(connection, pages, now)
    await outbox.record(connection, _turned_over(changes, before, now), now)
    return [missing_of(one.change, missing) for one in changes]


async def lock_unread(connection: Connection, pages: Mapping[PageKey, Sequence[int]], now: int) -> list[int]:
    """Lock pages until the transaction ends, and return which of these ids are unread in them."""
    await mailboxes.sweep_pages(connection, sorted(pages), now)
    before = await _read_times(connection, {key: set(ids) for key, ids in pages.items()})
    return sorted(message_id for (_, message_id), at in before.items() if at is None)


async def _read_times(connection: Connection, wanted: Mapping[PageKey, set[int]]) -> dict[Entry, int | None]:
    """Return when entries were read; the pages are locked."""
    ids = sorted({message_id for ids in wanted.values() for message_id in ids})
    found = await mailboxes.message_states(connection, sorted(wanted), ids)
    # A message has one platform, so the user and the id tell the entry.
    platforms = {(key.user_id, i): key.platform_code for key, ids in wanted.items() for i in ids}
    return {
        (Recipient(entry.user_id, platforms[entry.user_id, entry.message_id]), entry.message_id): entry.read_at
        for entry in found
        if (entry.user_id, entry.message_id) in platforms
    }


def _turned_over(changes: Sequence[ToldChange], before: Mapping[Entry, int | None], now: int) -> list[WebhookEvent]:
    """Return the events of changes that are made one after the other, some perhaps to the same entry."""
    is_read = {entry: at is not None for entry, at in before.items() if at is None or at >= 0}
    events = []
    for (recipient, app_number, message_ids, read), by in changes:
        for message_id in sorted(message_ids):
            entry = (recipient, message_id)
            if entry not in is_read or is_read[entry] is read:
                continue
            is_read[entry] = read
            if read:
                events.append(read_event(app_number, message_id, recipient, now, by))
            else:
                events.append(unread_event(app_number, message_id, recipient, by))
    return events
