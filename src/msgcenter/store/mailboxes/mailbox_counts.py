"""Counts of unread messages, as apps ask for them."""

from collections.abc import Sequence

from msgcenter.database.database import Connection
from msgcenter.domain.account import Recipient


async def unread_counts(
    connection: Connection, mailboxes: Sequence[tuple[Recipient, int]], now: int
) -> tuple[dict[tuple[str, str, int], int], set[Recipient]]:
    """Count the unread messages of one app (its number) in each of these mailboxes.

    Returns the counts by (user id, platform code, app number), without zero counts, and the recipients whose mailboxes
    must be swept (`sweeping.sweep_mailboxes`) before their counts are right at `now` (ms since 1970).
    """
    rows = await connection.fetch(
        """
        select page.user_id, page.platform_code, page.app_number, sum(page.unread)::bigint, min(page.expires_at)
        from unnest($1::text[], $2::text[], $3::int[]) as key (user_id, platform_code, app_number)
        join mailbox_page as page
            on page.user_id = key.user_id
            and page.platform_code = key.platform_code
            and page.app_number = key.app_number
        group by page.user_id, page.platform_code, page.app_number
        """,
        [recipient.user_id for recipient, _ in mailboxes],
        [recipient.platform_code for recipient, _ in mailboxes],
        [app_number for _, app_number in mailboxes],
    )
    counts = {}
    stale = set()
    for user_id, platform_code, app_number, unread, expires_at in rows:
        counts[user_id, platform_code, app_number] = unread
        if expires_at is not None and expires_at <= now:
            stale.add(Recipient(user_id, platform_code))
    return counts, stale
