"""Counts of unread messages, as apps ask for them."""

from collections.abc import Sequence

from msgcenter.database.database import Connection
from msgcenter.domain.account import Recipient


async def unread_counts(
    connection: Connection, mailboxes: Sequence[tuple[Recipient, int]], now: int
) -> tuple[dict[tuple[Recipient, int], int], set[Recipient]]:
    """Count the unread messages of one app (its number) in each of these mailboxes of one cell, at least one.

    Returns the counts by recipient and app number, without zero counts, and the recipients whose mailboxes must be
    swept (`sweeping.sweep_mailboxes`) before their counts are right at `now` (ms since 1970).
    """
    recipients = {recipient.user_id: recipient for recipient, _ in mailboxes}
    rows = await connection.fetch(
        """
        select page.user_id, page.app_number, sum(page.unread)::bigint, min(page.expires_at)
        from unnest($2::text[], $3::int[]) as key (user_id, app_number)
        join mailbox_page as page
            on page.cell = $1 and page.user_id = key.user_id and page.app_number = key.app_number
        group by page.user_id, page.app_number
        """,
        mailboxes[0][0].cell,
        [recipient.user_id for recipient, _ in mailboxes],
        [app_number for _, app_number in mailboxes],
    )
    counts = {}
    stale = set()
    for user_id, app_number, unread, expires_at in rows:
        counts[recipients[user_id], app_number] = unread
        if expires_at is not None and expires_at <= now:
            stale.add(recipients[user_id])
    return counts, stale
