"""Setting messages read or unread, many calls of one cell in one batch.

There are two ways. `apply_status_changes` needs one statement. `apply_status_changes_with_events` also records a
webhook event for each entry that really changes; it needs a transaction and two more statements to know which do.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

from msgcenter.database.database import Connection, Database
from msgcenter.domain.account import AppChangedError, AppVersion, Platform, Recipient
from msgcenter.domain.mailbox import EntryChange, merge
from msgcenter.domain.message_id import bucket_of, now_ms
from msgcenter.domain.webhook import By, WebhookEvent, read_event, unread_event
from msgcenter.messaging.pull import pull
from msgcenter.store.apps.apps import changed_apps
from msgcenter.store.mailboxes import pages as mailbox_pages
from msgcenter.store.mailboxes import read_states, sweeping
from msgcenter.store.mailboxes.pages import PageKey, page_key
from msgcenter.store.mailboxes.read_states import PageChange
from msgcenter.store.webhooks import outbox

MissingIds = frozenset[int]
"""The message ids of a call that are not in the mailbox."""
_NOTHING_MISSING: MissingIds = frozenset()

_EntryKey = tuple[str, int]
"""A user id and a message id: one entry of a cell."""


class StatusChange(NamedTuple):
    """One call: set messages of an app read or unread in one mailbox. There is at least one id.

    With `app_version`, nothing changes unless the app still has this version.
    """

    recipient: Recipient
    app_number: int
    message_ids: frozenset[int]
    read: bool
    app_version: int | None = None


class AttributedChange(NamedTuple):
    """A status change and who makes it, for the webhook events."""

    change: StatusChange
    by: By


async def apply_status_changes(
    database: Database, changes: Sequence[StatusChange]
) -> list[MissingIds | AppChangedError]:
    """Apply the changes, at least one, in their order. Return, for each, the ids that are not in its mailbox.

    The mailboxes are of one cell. A change whose app has not the version that it needs is refused.
    """
    changes_by_page = _merge(changes)
    now, cells = now_ms(), database.cells
    seen = {(change.app_number, change.app_version) for change in changes if change.app_version is not None}
    # The statement itself checks whether a mailbox must pull first, and the versions of apps. Look-ups of their own
    # would cost every commit a round trip, a fifth of the time of the call.
    missing = await cells.in_autocommit(read_states.change_status, changes_by_page, now, only_pulled=True, seen=seen)
    if not missing:
        return [_NOTHING_MISSING] * len(changes)
    if seen:
        async with database.connection() as connection:
            changed = await changed_apps(connection, seen)
        if changed:
            return await _apply_current(database, changes, changed)
    platform = changes[0].recipient.platform
    await pull(cells, {Recipient(key.cell, key.user_id, platform) for key in missing}, now)
    rest = {key: changes_by_page[key].only(ids) for key, ids in missing.items()}
    still_missing = await cells.in_transaction(read_states.change_pages, platform, rest, now)
    return [_missing_ids(change, still_missing) for change in changes]


async def _apply_current(
    database: Database, changes: Sequence[StatusChange], changed: Collection[AppVersion]
) -> list[MissingIds | AppChangedError]:
    """Apply the changes that need none of these outdated versions, and refuse the others."""
    is_outdated = [(change.app_number, change.app_version) in changed for change in changes]
    current = [change for change, outdated in zip(changes, is_outdated, strict=True) if not outdated]
    results = iter(await apply_status_changes(database, current) if current else ())
    return [AppChangedError() if outdated else next(results) for outdated in is_outdated]


async def apply_status_changes_with_events(database: Database, changes: Sequence[AttributedChange]) -> list[MissingIds]:
    """Apply the changes, at least one, in their order and record a webhook event for each entry that changes.

    Return, for each change, the ids that are not in its mailbox. The mailboxes are of one cell.
    """
    now = now_ms()
    await pull(database, {change.recipient for change, _ in changes}, now)
    return await database.in_transaction(_apply_with_events, changes, now)


async def _apply_with_events(connection: Connection, changes: Sequence[AttributedChange], now: int) -> list[MissingIds]:
    changes_by_page = _merge([change for change, _ in changes])
    ids_by_page = {key: change.ids for key, change in changes_by_page.items()}
    read_times = await _lock_read_times(connection, changes[0].change.recipient.platform, ids_by_page, now)
    missing = await read_states.change_status(connection, changes_by_page, now)
    await outbox.record(connection, _events(changes, read_times, now), now)
    return [_missing_ids(change, missing) for change, _ in changes]


async def lock_unread(
    connection: Connection, platform: Platform, ids_by_page: Mapping[PageKey, Collection[int]], now: int
) -> list[int]:
    """Lock pages of one cell until the transaction ends. Return, sorted, those of the ids that are unread in them."""
    read_times = await _lock_read_times(connection, platform, ids_by_page, now)
    return sorted(message_id for (_, message_id), read_at in read_times.items() if read_at is None)


async def set_unread_by_user(
    connection: Connection, recipient: Recipient, ids_by_page: Mapping[PageKey, Collection[int]], now: int
) -> list[int]:
    """Set messages of a mailbox unread in the name of its user, in a transaction, with events of those that were read.

    Locks the pages until the transaction ends. Returns, sorted, those of the ids that the mailbox has.
    """
    read_times = await _lock_read_times(connection, recipient.platform, ids_by_page, now)
    changes = {key: PageChange(unread=sorted(ids)) for key, ids in ids_by_page.items()}
    missing = await read_states.change_status(connection, changes, now)
    changed = sorted(
        (message_id, key.app_number)
        for key, ids in ids_by_page.items()
        for message_id in set(ids) - missing.get(key, set())
    )
    events = [
        unread_event(app_number, message_id, recipient, "user")
        for message_id, app_number in changed
        if read_times[recipient.user_id, message_id] is not None
    ]
    await outbox.record(connection, events, now)
    return [message_id for message_id, _ in changed]


async def _lock_read_times(
    connection: Connection, platform: Platform, ids_by_page: Mapping[PageKey, Collection[int]], now: int
) -> dict[_EntryKey, int | None]:
    """Sweep and lock pages. Return the read times of those of the entries that exist."""
    keys = sorted(ids_by_page)
    await sweeping.sweep_pages(connection, platform, keys, now)
    message_ids = sorted({message_id for ids in ids_by_page.values() for message_id in ids})
    wanted = {(key.user_id, message_id) for key, ids in ids_by_page.items() for message_id in ids}
    return {
        (entry.user_id, entry.message_id): entry.read_at
        for entry in await mailbox_pages.entry_states(connection, keys, message_ids)
        if (entry.user_id, entry.message_id) in wanted
    }


def _events(
    changes: Sequence[AttributedChange], read_times: Mapping[_EntryKey, int | None], now: int
) -> list[WebhookEvent]:
    """Return the events of changes that apply one after the other, some perhaps to the same entry."""
    is_read = {entry: read_at is not None for entry, read_at in read_times.items() if read_at is None or read_at >= 0}
    events = []
    for (recipient, app_number, message_ids, read, _), by in changes:
        for message_id in sorted(message_ids):
            entry = (recipient.user_id, message_id)
            if entry not in is_read or is_read[entry] is read:
                continue
            is_read[entry] = read
            if read:
                events.append(read_event(app_number, message_id, recipient, now, by))
            else:
                events.append(unread_event(app_number, message_id, recipient, by))
    return events


def _merge(changes: Sequence[StatusChange]) -> dict[PageKey, PageChange]:
    """Return, for each page, the one change that has the effect of these changes in their order."""
    changes_by_page: dict[PageKey, list[tuple[list[int], EntryChange]]] = {}
    for recipient, app_number, message_ids, read, _ in changes:
        kind = EntryChange.READ if read else EntryChange.UNREAD
        for bucket, ids in _by_bucket(message_ids):
            key = PageKey(recipient.cell, recipient.user_id, bucket, app_number)
            changes_by_page.setdefault(key, []).append((ids, kind))
    return {key: _merge_page(page_changes) for key, page_changes in changes_by_page.items()}


def _merge_page(changes: Sequence[tuple[list[int], EntryChange]]) -> PageChange:
    if len(changes) == 1:
        ids, kind = changes[0]
        return PageChange(read=ids) if kind is EntryChange.READ else PageChange(unread=ids)
    merged: dict[int, EntryChange] = {}
    for ids, kind in changes:
        merged.update({message_id: merge(merged.get(message_id), kind) for message_id in ids})
    return PageChange.of(merged)


def _by_bucket(message_ids: frozenset[int]) -> Iterable[tuple[int, list[int]]]:
    ids = sorted(message_ids)
    if bucket_of(ids[0]) == bucket_of(ids[-1]):
        return [(bucket_of(ids[0]), ids)]
    return [(bucket, list(part)) for bucket, part in groupby(ids, key=bucket_of)]


def _missing_ids(change: StatusChange, missing: Mapping[PageKey, set[int]]) -> MissingIds:
    """Return the ids of a change that are among the ids missing from pages."""
    return frozenset(
        message_id
        for message_id in change.message_ids
        if message_id in missing.get(page_key(change.recipient, message_id, change.app_number), ())
    )
