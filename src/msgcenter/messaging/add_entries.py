"""Adding messages to mailboxes: new entries at the ends of pages."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from msgcenter.database.database import Connection
from msgcenter.domain.mailbox import PAGE_LIMIT
from msgcenter.domain.message_id import bucket_of
from msgcenter.store.mailboxes import pages
from msgcenter.store.mailboxes import users as directory
from msgcenter.store.mailboxes.pages import NEW_PAGE, Addition, LastPart, NewEntry, PageKey
from msgcenter.store.messages import audiences


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

    @property
    def is_open(self) -> bool:
        """Whether the message is an approval that nobody has decided yet."""
        return self.approval and self.read_at is None


async def add_entries(connection: Connection, new_entries: Iterable[NewEntries], *, are_known: bool = False) -> None:
    """Add messages to mailboxes, in the caller's transaction. Users who are new to their cell become known.

    `are_known` is whether all users are known already. Takes three statements for each cell, and one more for each
    large list with new users.
    """
    by_cell: dict[int, list[NewEntries]] = defaultdict(list)
    for entries in sorted(new_entries):
        by_cell[entries.cell].append(entries)
    for cell, cell_entries in sorted(by_cell.items()):
        if are_known or all(len(entries.user_ids) < audiences.LARGE_CHUNK for entries in cell_entries):
            await _append(connection, cell, cell_entries, are_known=are_known)
            continue
        users = {user_id for entries in cell_entries for user_id in entries.user_ids}
        new_users = set(await directory.register(connection, cell, users))
        rest = await _start_pages(connection, cell_entries, new_users) if new_users else cell_entries
        await _append(connection, cell, rest, are_known=True)


async def _start_pages(
    connection: Connection, cell_entries: Sequence[NewEntries], new_users: set[str]
) -> list[NewEntries]:
    """Start a page for each user who has just become known, with a message to many of them. Return what is left to add.

    Nobody else can see these users yet, so they have no pages that must be looked up or locked.
    """
    rest = []
    for entries in cell_entries:
        first = [user_id for user_id in entries.user_ids if user_id in new_users]
        if len(first) < audiences.LARGE_CHUNK:
            rest.append(entries)
            continue
        await pages.start(
            connection,
            entries.cell,
            first,
            bucket=bucket_of(entries.message_id),
            app_number=entries.app_number,
            entry=NewEntry(entries.message_id, entries.read_at, entries.expires_at, entries.is_open),
        )
        new_users.difference_update(first)
        if len(first) < len(entries.user_ids):
            started = set(first)
            others = tuple(user_id for user_id in entries.user_ids if user_id not in started)
            rest.append(entries._replace(user_ids=others))
    return rest


async def _append(connection: Connection, cell: int, cell_entries: Sequence[NewEntries], *, are_known: bool) -> None:
    by_page: dict[PageKey, list[NewEntries]] = defaultdict(list)
    for entries in cell_entries:
        bucket = bucket_of(entries.message_id)
        for user_id in entries.user_ids:
            by_page[PageKey(cell, user_id, bucket, entries.app_number)].append(entries)
    if not by_page:
        return
    keys = sorted(by_page)
    last_parts = await pages.last_parts(connection, keys)
    # A user with a page is known already.
    if not are_known and (new_users := {key.user_id for key in keys if key not in last_parts}):
        await directory.register(connection, cell, new_users)
    additions = [addition for key in keys for addition in _additions(key, by_page[key], last_parts.get(key, NEW_PAGE))]
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
                tuple(entry.message_id for entry in fitting if entry.is_open),
            )
        )
    return additions
