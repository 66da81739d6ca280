"""Adding messages to mailboxes: new entries at the ends of pages."""

from collections import defaultdict
from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

from msgcenter.database.database import Connection
from msgcenter.domain.mailbox import PAGE_LIMIT
from msgcenter.domain.message_id import bucket_of
from msgcenter.store.mailboxes import pages
from msgcenter.store.mailboxes import users as directory
from msgcenter.store.mailboxes.pages import NEW_PAGE, Addition, LastPart, PageKey


class NewEntries(NamedTuple):
    """One message to add to the mailboxes of some users of a cell.

    `expires_at` and `read_at` are ms since 1970. `read_at` is set if the message is an approval that was decided before
    its delivery.
    """

    message_id: int
    app_number: int
    cell: int
    user_ids: tuple[str, ...]
    expires_at: int | None
    approval: bool = False
    read_at: int | None = None


async def add_entries(connection: Connection, new_entries: Sequence[NewEntries]) -> None:
    """Add messages to mailboxes, in the caller's transaction. Users who are new to their cell become known.

    Takes three statements for each cell.
    """
    by_page: dict[PageKey, list[NewEntries]] = defaultdict(list)
    for entries in sorted(new_entries):
        bucket = bucket_of(entries.message_id)
        for user_id in entries.user_ids:
            by_page[PageKey(entries.cell, user_id, bucket, entries.app_number)].append(entries)
    for cell, cell_keys in groupby(sorted(by_page), key=lambda key: key.cell):
        keys = list(cell_keys)
        last_parts = await pages.last_parts(connection, keys)
        # A user with a page is known already.
        if new_users := {key.user_id for key in keys if key not in last_parts}:
            await directory.register(connection, cell, new_users)
        additions = [
            addition for key in keys for addition in _additions(key, by_page[key], last_parts.get(key, NEW_PAGE))
        ]
        await pages.append(connection, additions)


def _additions(key: PageKey, entries: list[NewEntries], last: LastPart) -> list[Addition]:
    """Fill the rest of a page's last part, then new parts."""
    additions = []
    part, room = last.part, PAGE_LIMIT - last.entries
    while entries:
        if room <= 0:
            part, room = part + 1, PAGE_LIMIT
        fitting, entries = entries[:room], entries[room:]
        room -= len(fitting)
        additions.append(
            Addition(
                key,
                part,
                tuple(entry.message_id for entry in fitting),
                tuple(entry.read_at for entry in fitting),
                min((entry.expires_at for entry in fitting if entry.expires_at is not None), default=None),
                tuple(entry.message_id for entry in fitting if entry.approval and entry.read_at is None),
            )
        )
    return additions
