"""Sweeping: withdrawing the entries whose messages have expired, and waking those that are asleep until a time.

A mailbox is swept before it is shown, counted or changed, so no timer is needed for either. `mailbox_page.expires_at`
is the earliest time at which an entry of the page expires or wakes, or earlier: then sweeping sets it right.
"""

from collections.abc import Mapping, Sequence

import asyncpg

from msgcenter.database.database import Connection
from msgcenter.domain.account import Platform, Recipient
from msgcenter.domain.mailbox import WITHDRAWN_UNREAD
from msgcenter.store.mailboxes.pages import KEYS, PAGE_OF_KEY, PRIMARY_KEY, PageKey, key_parameters
from msgcenter.store.messages.messages import expiry_times

_SWEPT_COLUMNS = """
    page.read_at, page.open_approvals, page.hidden_ids, page.snoozed_ids, page.snoozed_until, page.woken_ids
"""


async def has_expired(connection: Connection, recipient: Recipient, now: int) -> bool:
    """Return whether a mailbox must be swept at `now` (ms since 1970): whether an entry has expired or is to wake."""
    has_expired_page: bool = await connection.fetchval(
        """
        select exists (
            select from mailbox_page as page
            where page.cell = $1 and page.user_id = $2 and page.expires_at <= $3
        )
        """,
        recipient.cell,
        recipient.user_id,
        now,
    )
    return has_expired_page


async def sweep_mailboxes(connection: Connection, recipients: Sequence[Recipient], now: int) -> int:
    """Withdraw the entries of these mailboxes that have expired at `now` (ms since 1970), and wake those that are due.

    Returns how many pages changed. The mailboxes, at least one, are of one cell. Runs inside a transaction. Call it
    before a mailbox with such pages is shown or counted; so no timer is needed to remove an expired message.
    """
    rows = await connection.fetch(
        f"""
        select {PRIMARY_KEY}, page.message_ids, {_SWEPT_COLUMNS}
        from mailbox_page as page
        where page.cell = $1 and page.user_id = any($2) and page.expires_at <= $3
        order by {PRIMARY_KEY}
        for update
        """,
        recipients[0].cell,
        sorted({recipient.user_id for recipient in recipients}),
        now,
    )
    return await _sweep(connection, recipients[0].platform, rows, now)


async def sweep_pages(connection: Connection, platform: Platform, keys: Sequence[PageKey], now: int) -> int:
    """Lock these pages (sorted) until the transaction ends, and sweep them as they are at `now` (ms since 1970).

    Returns how many pages changed. The pages, at least one, are of one cell of the platform.
    """
    rows = await connection.fetch(
        f"""
        select {PRIMARY_KEY},
            case when page.expires_at <= $5 then page.message_ids end as message_ids,
            {_SWEPT_COLUMNS}
        from {KEYS}
        join mailbox_page as page on {PAGE_OF_KEY}
        order by {PRIMARY_KEY}
        for update of page
        """,
        *key_parameters(keys),
        now,
    )
    expired = [row for row in rows if row["message_ids"] is not None]
    return await _sweep(connection, platform, expired, now)


async def _sweep(connection: Connection, platform: Platform, rows: Sequence[asyncpg.Record], now: int) -> int:
    if not rows:
        return 0
    message_ids = sorted({i for row in rows for i in row["message_ids"]})
    expires = await expiry_times(connection, platform.first_cell, message_ids)
    await connection.executemany(
        """
        update mailbox_page
        set read_at = $6, expires_at = $7, open_approvals = $8, hidden_ids = $9, snoozed_ids = $10,
            snoozed_until = $11, woken_ids = $12
        where cell = $1 and user_id = $2 and bucket = $3 and app_number = $4 and part = $5
        """,
        [(*tuple(row)[:5], *_swept(row, expires, now)) for row in rows],
    )
    return len(rows)


def _swept(row: asyncpg.Record, expires: Mapping[int, int], now: int) -> tuple[object, ...]:
    """Return the columns of a page that change, after sweeping."""
    message_ids = row["message_ids"]
    expired = {i for i in message_ids if expires.get(i, now + 1) <= now}
    read_at = [
        _withdrawn_read_at(at) if i in expired else at for i, at in zip(message_ids, row["read_at"], strict=True)
    ]
    asleep = dict(zip(row["snoozed_ids"] or (), row["snoozed_until"] or (), strict=True))
    due = {i for i, until in asleep.items() if until <= now}
    still_asleep = {i: until for i, until in asleep.items() if i not in due | expired}
    later = [expires[i] for i in message_ids if i in expires and i not in expired]
    # Also those that were read meanwhile: they are first in lists if they are set unread again.
    woken = (due | set(row["woken_ids"] or ())) - expired
    return (
        read_at,
        min([*later, *still_asleep.values()], default=None),
        [i for i in row["open_approvals"] if i not in expired],
        [i for i in row["hidden_ids"] or () if i not in due] or None,
        list(still_asleep) or None,
        list(still_asleep.values()) or None,
        sorted(woken) or None,
    )


def _withdrawn_read_at(read_at: int | None) -> int:
    """Return the `read_at` of an entry after its message is withdrawn."""
    return WITHDRAWN_UNREAD if read_at is None else -abs(read_at)
