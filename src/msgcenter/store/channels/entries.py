"""Messages in mailboxes, as deliveries by channels need them."""

from collections.abc import Iterable
from typing import NamedTuple

from msgcenter.database.database import Connection
from msgcenter.database.statements import column_arrays
from msgcenter.domain.channels.entry import Entry
from msgcenter.domain.message_id import bucket_of


class EntryKey(NamedTuple):
    """A message of an app to a user."""

    user_id: str
    message_id: int
    app_number: int


async def read(connection: Connection, cell: int, keys: Iterable[EntryKey]) -> dict[EntryKey, Entry]:
    """Return the entries of messages in mailboxes of a cell. One that was not pulled yet has no read time."""
    wanted = sorted(set(keys))
    rows = await connection.fetch(
        """
        select key.user_id, key.message_id, key.app_number, entry.read_at, mailbox.pulled_to,
            coalesce(entry.is_hidden, false) as is_hidden, entry.wakes_at
        from unnest($2::text[], $3::bigint[], $4::int[], $5::int[]) as key (user_id, message_id, app_number, bucket)
        left join lateral (
            select mailbox.pulled_to from mailbox where mailbox.cell = $1 and mailbox.user_id = key.user_id offset 0
        ) as mailbox on true
        -- A sub-select with `offset 0`, so that each page is found by its key.
        left join lateral (
            select (page.read_at)[array_position(page.message_ids, key.message_id)] as read_at,
                key.message_id = any(page.hidden_ids) as is_hidden,
                (page.snoozed_until)[array_position(page.snoozed_ids, key.message_id)] as wakes_at
            from mailbox_page as page
            where page.cell = $1
                and page.user_id = key.user_id
                and page.bucket = key.bucket
                and page.app_number = key.app_number
                and page.first_id <= key.message_id
                and page.last_id >= key.message_id
                and key.message_id = any(page.message_ids)
            offset 0
        ) as entry on true
        """,
        cell,
        *column_arrays([(*key, bucket_of(key.message_id)) for key in wanted], 4),
    )
    return {EntryKey(*row[:3]): Entry(*row[3:]) for row in rows}
