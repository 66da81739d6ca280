"""Sweeping: withdrawing the entries whose messages have expired.

A mailbox is swept before it is shown, counted or changed, so no timer is needed to remove an expired message.
"""

from collections.abc import Sequence

import asyncpg

from msgcenter.database.database import Connection
from msgcenter.domain.account import Platform, Recipient
from msgcenter.domain.mailbox import WITHDRAWN_UNREAD
from msgcenter.store.mailboxes.pages import KEYS, PAGE_OF_KEY, PRIMARY_KEY, PageKey, key_parameters
from msgcenter.store.messages.messages import expiry_times


async def has_expired(connection: Connection, recipient: Recipient, now: int) -> bool:
    """Return whether a mailbox has messages that have expired at `now` (ms since 1970) and must be swept first."""
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
    """Withdraw the entries of these mailboxes that have expired at `now` (ms since 1970).

    Returns how many pages changed. The mailboxes, at least one, are of one cell. Runs inside a transaction. Call it
    before a mailbox with such pages is shown or counted; so no timer is needed to remove an expired message.
    """
    rows = await connection.fetch(
        f"""
        select {PRIMARY_KEY}, page.message_ids, page.read_at, page.open_approvals
        from mailbox_page as page
        where page.cell = $1 and page.user_id = any($2) and page.expires_at <= $3
        order by {PRIMARY_KEY}
        for update
        """,
        recipients[0].cell,
        sorted({recipient.user_id for recipient in recipients}),
        now,
    )
    return await _withdraw_expired(connection, recipients[0].platform, rows, now)


async def sweep_pages(connection: Connection, platform: Platform, keys: Sequence[PageKey], now: int) -> int:
    """Lock these pages (sorted) until the transaction ends, and withdraw their entries that have expired at `now`.

    Returns how many pages changed. The pages, at least one, are of one cell of the platform.
    """
    rows = await connection.fetch(
        f"""
        select {PRIMARY_KEY},
            case when page.expires_at <= $5 then page.message_ids end as message_ids,
            page.read_at, page.open_approvals
        from {KEYS}
        join mailbox_page as page on {PAGE_OF_KEY}
        order by {PRIMARY_KEY}
        for update of page
        """,
        *key_parameters(keys),
        now,
    )
    expired = [row for row in rows if row["message_ids"] is not None]
    return await _withdraw_expired(connection, platform, expired, now)


async def _withdraw_expired(
    connection: Connection, platform: Platform, rows: Sequence[asyncpg.Record], now: int
) -> int:
    if not rows:
        return 0
    message_ids = sorted({i for row in rows for i in row["message_ids"]})
    expires = await expiry_times(connection, platform.first_cell, message_ids)
    changed_pages = []
    for row in rows:
        read_times = []
        later_expiries = []
        for message_id, read_at in zip(row["message_ids"], row["read_at"], strict=True):
            expires_at = expires.get(message_id)
            has_expired = expires_at is not None and expires_at <= now
            if expires_at is not None and not has_expired:
                later_expiries.append(expires_at)
            read_times.append(_withdrawn_read_at(read_at) if has_expired else read_at)
        open_approvals = [i for i in row["open_approvals"] if expires.get(i, now + 1) > now]
        changed_pages.append((*tuple(row)[:5], read_times, min(later_expiries, default=None), open_approvals))
    await connection.executemany(
        """
        update mailbox_page
        set read_at = $6, expires_at = $7, open_approvals = $8
        where cell = $1 and user_id = $2 and bucket = $3 and app_number = $4 and part = $5
        """,
        changed_pages,
    )
    return len(changed_pages)


def _withdrawn_read_at(read_at: int | None) -> int:
    """Return the `read_at` of an entry after its message is withdrawn."""
    return WITHDRAWN_UNREAD if read_at is None else -abs(read_at)
