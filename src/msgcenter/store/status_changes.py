"""The group commit of status changes: many calls, one statement."""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from msgcenter.domain.account import Recipient
from msgcenter.domain.mailbox import Change, merge
from msgcenter.domain.message_id import now_ms
from msgcenter.store import mailboxes
from msgcenter.store.database import Connection, Database
from msgcenter.store.mailboxes import PageKey, page_key

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
    pages = _merged(changes)
    now = now_ms()

    async def write(connection: Connection) -> dict[PageKey, set[int]]:
        return await mailboxes.change_status(connection, pages, now)

    missing = {key: ids for key, ids in (await database.in_autocommit(write)).items() if ids}
    if not missing:
        return [NOTHING_MISSING] * len(changes)

    async def write_again(connection: Connection) -> dict[PageKey, set[int]]:
        return await change_after_sweep(connection, pages, missing, now)

    still_missing = await database.in_transaction(write_again)
    return [_missing_of(change, still_missing) for change in changes]


async def change_pages(
    connection: Connection, pages: dict[PageKey, dict[int, Change]], now: int
) -> dict[PageKey, set[int]]:
    """Change entries inside a transaction; return, by page, the ids that are not there."""
    missing = await mailboxes.change_status(connection, pages, now)
    return await change_after_sweep(connection, pages, missing, now)


async def change_after_sweep(
    connection: Connection,
    pages: dict[PageKey, dict[int, Change]],
    missing: dict[PageKey, set[int]],
    now: int,
) -> dict[PageKey, set[int]]:
    """Try what was not there once more, after the mailboxes concerned are rid of expired messages."""
    recipients = sorted({Recipient(key.user_id, key.platform_code) for key, ids in missing.items() if ids})
    if not recipients or not await mailboxes.sweep_expired(connection, recipients, now):
        return missing
    again = {key: {i: pages[key][i] for i in ids} for key, ids in missing.items() if ids}
    return await mailboxes.change_status(connection, again, now)


def _merged(changes: Sequence[StatusChange]) -> dict[PageKey, dict[int, Change]]:
    pages: dict[PageKey, dict[int, Change]] = defaultdict(dict)
    for change in changes:
        wanted = Change.READ if change.read else Change.UNREAD
        page, bucket = None, -1
        for message_id in change.message_ids:
            if (message_id >> 53) != bucket or page is None:
                key = page_key(change.recipient, message_id, change.app_number)
                page, bucket = pages[key], key.bucket
            earlier = page.get(message_id)
            page[message_id] = wanted if earlier is None else merge(earlier, wanted)
    return pages


def _missing_of(change: StatusChange, missing: dict[PageKey, set[int]]) -> Missing:
    return frozenset(
        message_id
        for message_id in change.message_ids
        if message_id in missing.get(page_key(change.recipient, message_id, change.app_number), ())
    )
