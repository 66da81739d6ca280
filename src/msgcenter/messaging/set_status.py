"""The group commit of status changes: many calls, one statement."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import NamedTuple

from msgcenter.database.database import Connection, Database
from msgcenter.domain.account import Recipient
from msgcenter.domain.mailbox import Change, merge
from msgcenter.domain.message_id import bucket_of, now_ms
from msgcenter.messaging.pull import bring_up_to_date
from msgcenter.store.mailboxes import pages as mailboxes
from msgcenter.store.mailboxes.feed import up_to_date
from msgcenter.store.mailboxes.pages import PageChange, PageKey, page_key

Missing = frozenset[int]
NOTHING_MISSING: Missing = frozenset()


class StatusChange(NamedTuple):
    """One call: set these messages of an app to a recipient read or unread."""

    recipient: Recipient
    app_number: int
    message_ids: frozenset[int]
    read: bool


async def apply_status_changes(database: Database, changes: Sequence[StatusChange]) -> list[Missing]:
    """Write all changes, later ones winning; return for each the ids that are not in that mailbox."""
    pages = merged(changes)
    now = now_ms()

    async def write(connection: Connection) -> dict[PageKey, set[int]]:
        # Whether a mailbox has something to pull is asked by the statement itself: a look-up of its own would cost
        # every commit a round trip, a fifth of what the call takes.
        return await mailboxes.change_status(connection, pages, now, condition=up_to_date())

    missing = await database.in_autocommit(write)
    if not missing:
        return [NOTHING_MISSING] * len(changes)
    await bring_up_to_date(database, {Recipient(key.user_id, key.platform_code) for key in missing}, now)

    async def write_again(connection: Connection) -> dict[PageKey, set[int]]:
        return await mailboxes.change_pages(
            connection, {key: pages[key].only(ids) for key, ids in missing.items()}, now
        )

    still_missing = await database.in_transaction(write_again)
    return [missing_of(change, still_missing) for change in changes]


def merged(changes: Sequence[StatusChange]) -> dict[PageKey, PageChange]:
    """Return the one change to each page that does what these, one after the other, do."""
    calls: dict[PageKey, list[tuple[list[int], Change]]] = {}
    for change in changes:
        wanted = Change.READ if change.read else Change.UNREAD
        for bucket, ids in _by_bucket(change.message_ids):
            key = PageKey(change.recipient.user_id, change.recipient.platform_code, bucket, change.app_number)
            calls.setdefault(key, []).append((ids, wanted))
    return {key: _one_after_the_other(parts) for key, parts in calls.items()}


def _one_after_the_other(calls: Sequence[tuple[list[int], Change]]) -> PageChange:
    if len(calls) == 1:
        ids, wanted = calls[0]
        return PageChange(read=ids) if wanted is Change.READ else PageChange(unread=ids)
    changes: dict[int, Change] = {}
    for ids, wanted in calls:
        changes.update({i: merge(changes.get(i), wanted) for i in ids})
    return PageChange.of(changes)


def _by_bucket(message_ids: frozenset[int]) -> Iterable[tuple[int, list[int]]]:
    ids = sorted(message_ids)
    if bucket_of(ids[0]) == bucket_of(ids[-1]):
        return [(bucket_of(ids[0]), ids)]
    return [(bucket, list(part)) for bucket, part in groupby(ids, key=bucket_of)]


def missing_of(change: StatusChange, missing: dict[PageKey, set[int]]) -> Missing:
    """Return the ids of a change that are not there, out of those missing by page."""
    return frozenset(
        message_id
        for message_id in change.message_ids
        if message_id in missing.get(page_key(change.recipient, message_id, change.app_number), ())
    )
