"""Adding messages to mailboxes: new entries at the ends of pages."""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from msgcenter.database.database import Connection
from msgcenter.domain.account import Recipient
from msgcenter.domain.mailbox import PAGE_LIMIT
from msgcenter.store.mailboxes import pages
from msgcenter.store.mailboxes import users as directory
from msgcenter.store.mailboxes.pages import NEW_PAGE, Addition, LastPart, PageKey, page_key


class NewEntries(NamedTuple):
    """One message to add to the mailboxes of some users of a platform.

    `expires_at` and `read_at` are ms since 1970. `read_at` is set if the message is an approval that was decided before
    its delivery.
    """

    message_id: int
    app_number: int
    platform_code: str
    user_ids: tuple[str, ...]
    expires_at: int | None
    approval: bool = False
    read_at: int | None = None


async def add_entries(connection: Connection, new_entries: Sequence[NewEntries]) -> None:
    """Add messages to mailboxes, in the caller's transaction. Users who are new to a platform become known to it."""
    by_page: dict[PageKey, list[NewEntries]] = defaultdict(list)
    for entries in sorted(new_entries):
        for user_id in entries.user_ids:
            recipient = Recipient(user_id, entries.platform_code)
            by_page[page_key(recipient, entries.message_id, entries.app_number)].append(entries)
    if not by_page:
        return
    keys = sorted(by_page)
    last_parts = await pages.last_parts(connection, keys)
    await _register_users(connection, [key for key in keys if key not in last_parts])
    additions = [addition for key in keys for addition in _additions(key, by_page[key], last_parts.get(key, NEW_PAGE))]
    await pages.append(connection, additions)


async def _register_users(connection: Connection, new_pages: Sequence[PageKey]) -> None:
    """Make the users of new pages known to their platforms. A user with a page is known already."""
    users: dict[str, list[str]] = defaultdict(list)
    for user_id, platform_code in sorted({(key.user_id, key.platform_code) for key in new_pages}):
        users[platform_code].append(user_id)
    for platform_code in sorted(users):
        await directory.register(connection, platform_code, users[platform_code])


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
