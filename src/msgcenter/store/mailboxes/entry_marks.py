"""What users have made of entries: hidden until a time or for good, starred; and which apps they have muted.

Entries that are hidden, because their user has deleted them or because they are asleep, are in no list and no count.
Status changes, receipts and withdrawals treat them as others. The entries of a call, at least one, are of one cell.
"""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from msgcenter.database.database import Connection
from msgcenter.domain.account import Recipient
from msgcenter.store.mailboxes.entry_changes import FROM_ENTRIES, entry_parameters
from msgcenter.store.mailboxes.pages import KEYS, PAGE_OF_KEY, PageKey, key_parameters

# Parts of updates with `FROM_ENTRIES`: arrays without the ids that are listed, perhaps with others; null if empty.
_LISTED = "from unnest(page.message_ids) as id where id = any(listed.ids)"
_LISTED_IF = f"{_LISTED} and $6"


def _without(column: str, and_those: str = "from unnest('{}'::bigint[]) as id") -> str:
    """Return an array of ids without those that are listed, but with others; null if it is empty."""
    return f"""
        nullif(
            array(
                select id from unnest(page.{column}) as id where id <> all(listed.ids)
                union all
                select id {and_those}
            ),
            '{{}}'
        )
    """


_SNOOZED_UNTIL_WITHOUT_LISTED = """
    select asleep.until
    from unnest(page.snoozed_ids, page.snoozed_until) with ordinality as asleep (id, until, place)
    where asleep.id <> all(listed.ids)
    order by asleep.place
"""
_SNOOZED_WITHOUT_LISTED = f"""
    snoozed_ids = {_without("snoozed_ids")},
    snoozed_until = nullif(array({_SNOOZED_UNTIL_WITHOUT_LISTED}), '{{}}')
"""


class EntryMark(NamedTuple):
    """The state of an entry. `read_at` is as in `domain.mailbox`: negative if the message was withdrawn.

    `snoozed_until` is ms since 1970, None unless it is asleep. An entry whose time has come is awake, though it may be
    marked until its mailbox is swept.
    """

    read_at: int | None
    is_deleted: bool
    snoozed_until: int | None


async def read(
    connection: Connection, keys: Sequence[PageKey], message_ids: Collection[int]
) -> dict[tuple[str, int], EntryMark]:
    """Return the entries of messages in these pages, by user and message id. At least one message is asked for.

    The mailboxes need not be swept, but what they have not pulled is missing.
    """
    ids = sorted(message_ids)
    rows = await connection.fetch(
        f"""
        select page.user_id, entry.message_id, entry.read_at,
            page.hidden_ids is not null and entry.message_id = any(page.hidden_ids) as is_hidden,
            page.snoozed_until[array_position(page.snoozed_ids, entry.message_id)] as snoozed_until
        from {KEYS}
        join mailbox_page as page on {PAGE_OF_KEY}
        cross join lateral unnest(page.message_ids, page.read_at) as entry (message_id, read_at)
        where page.first_id <= $6 and page.last_id >= $5 and entry.message_id = any($7)
        """,
        *key_parameters(keys),
        ids[0],
        ids[-1],
        ids,
    )
    return {
        (user_id, message_id): EntryMark(read_at, is_hidden and snoozed_until is None, snoozed_until)
        for user_id, message_id, read_at, is_hidden, snoozed_until in rows
    }


async def muted_apps(connection: Connection, cell: int, user_ids: Collection[str]) -> dict[str, set[int]]:
    """Return the numbers of the apps that users of a cell have muted; users who have muted none are left out."""
    rows = await connection.fetch(
        "select user_id, muted_apps from mailbox where cell = $1 and user_id = any($2) and muted_apps is not null",
        cell,
        list(user_ids),
    )
    return {row["user_id"]: set(row["muted_apps"]) for row in rows}


async def set_muted(connection: Connection, recipient: Recipient, app_number: int, *, muted: bool) -> None:
    """Mute an app for a known user, or end that."""
    await connection.execute(
        """
        update mailbox
        set muted_apps = nullif(
            array_remove(coalesce(muted_apps, '{}'), $3) || case when $4 then array[$3] else '{}' end, '{}'
        )
        where cell = $1 and user_id = $2
        """,
        recipient.cell,
        recipient.user_id,
        app_number,
        muted,
    )


async def set_starred(connection: Connection, entries: Sequence[tuple[PageKey, int]], *, starred: bool) -> None:
    """Star entries (page key and message id), or take their stars away."""
    await connection.execute(
        f"update mailbox_page as page set starred_ids = {_without('starred_ids', _LISTED_IF)} {FROM_ENTRIES}",
        *entry_parameters(sorted(entries)),
        starred,
    )


async def delete(connection: Connection, entries: Sequence[tuple[PageKey, int]]) -> None:
    """Hide entries (page key and message id) from their user for good. Those that were asleep do not wake."""
    await connection.execute(
        f"""
        update mailbox_page as page
        set hidden_ids = {_without("hidden_ids", _LISTED)}, {_SNOOZED_WITHOUT_LISTED}
        {FROM_ENTRIES}
        """,
        *entry_parameters(sorted(entries)),
    )


async def restore(connection: Connection, entries: Sequence[tuple[PageKey, int]]) -> None:
    """Show those of the entries (page key and message id) again that are deleted, as they were before."""
    await connection.execute(
        f"""
        update mailbox_page as page
        set hidden_ids = nullif(
            array(
                select id
                from unnest(page.hidden_ids) as id
                where id <> all(listed.ids) or id = any(coalesce(page.snoozed_ids, '{{}}'))
            ),
            '{{}}'
        )
        {FROM_ENTRIES} and page.hidden_ids is not null
        """,
        *entry_parameters(sorted(entries)),
    )


async def snooze(connection: Connection, entries: Sequence[tuple[PageKey, int]], until: int) -> None:
    """Hide entries (page key and message id) until a time (ms since 1970). They are unread, and not deleted."""
    await connection.execute(
        f"""
        update mailbox_page as page
        set hidden_ids = {_without("hidden_ids", _LISTED)},
            snoozed_ids = {_without("snoozed_ids", _LISTED)},
            snoozed_until = array(
                    {_SNOOZED_UNTIL_WITHOUT_LISTED}
                )
                || array(select $6::bigint {_LISTED}),
            woken_ids = {_without("woken_ids")},
            expires_at = least(page.expires_at, $6)
        {FROM_ENTRIES}
        """,
        *entry_parameters(sorted(entries)),
        until,
    )


async def wake(connection: Connection, entries: Sequence[tuple[PageKey, int]]) -> None:
    """Show those of the entries (page key and message id) at once that are asleep, at their places in the list."""
    await connection.execute(
        f"""
        update mailbox_page as page
        set hidden_ids = nullif(
                array(
                    select id
                    from unnest(page.hidden_ids) as id
                    where id <> all(listed.ids) or id <> all(page.snoozed_ids)
                ),
                '{{}}'
            ),
            {_SNOOZED_WITHOUT_LISTED}
        {FROM_ENTRIES} and page.snoozed_ids is not null
        """,
        *entry_parameters(sorted(entries)),
    )
