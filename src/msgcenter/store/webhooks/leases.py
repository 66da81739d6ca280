"""Leases of webhooks: one process at a time works on a webhook."""

from typing import NamedTuple

from msgcenter.database.database import Connection
from msgcenter.store.webhooks.due import WebhookKey, with_work


class Lease(NamedTuple):
    """The right of one turn of a dispatcher (`holder`) to work on a webhook until a time.

    `cell` has the webhook's events and deliveries.
    """

    cell: int
    webhook_number: int
    holder: str


_FREE = """
    select webhook.cell, webhook.number
    from webhook_endpoint as webhook join app on app.number = webhook.app_number
    where webhook.paused_at is null
        and app.disabled_at is null
        and (webhook.attempts > 0) = $1
        and coalesce(webhook.lease_until, 0) <= $2
        and coalesce(webhook.next_attempt_at, 0) <= $2
"""
"""The webhooks that may be called at a time ($2) and that no dispatcher works on."""


async def claim(connection: Connection, holder: str, *, failing: bool, limit: int, now: int, until: int) -> list[Lease]:
    """Take up to `limit` leases on webhooks that have events or deliveries due, the longest unattended first.

    `failing` selects webhooks whose last delivery failed, or the others. The leases end at `until`; times are ms since
    1970.
    """
    free = [WebhookKey(*row) for row in await connection.fetch(_FREE, failing, now)]
    due = await with_work(connection, free, now)
    if not due:
        return []
    rows = await connection.fetch(
        f"""
        update webhook_endpoint
        set lease_holder = $3, lease_until = $4
        where number = any(array(
            select free.number
            from (
                {_FREE} and webhook.number = any($5)
                order by coalesce(webhook.lease_until, 0), webhook.number
                limit $6
                for no key update of webhook skip locked
            ) as free
        ))
        returning cell, number
        """,
        failing,
        now,
        holder,
        until,
        [webhook.number for webhook in due],
        limit,
    )
    return [Lease(row["cell"], row["number"], holder) for row in rows]


async def release(connection: Connection, lease: Lease, now: int) -> None:
    """Give a lease back, if it is still held."""
    await connection.execute(
        "update webhook_endpoint set lease_until = $3, lease_holder = null where number = $1 and lease_holder = $2",
        lease.webhook_number,
        lease.holder,
        now,
    )


async def release_all(connection: Connection, holder: str, now: int) -> None:
    """Give back all leases of the holders whose names begin with `holder`."""
    await connection.execute(
        """
        update webhook_endpoint
        set lease_until = $2, lease_holder = null
        where starts_with(lease_holder, $1)
        """,
        holder,
        now,
    )
