"""Leases of webhooks: one process at a time works on a webhook."""

from typing import NamedTuple

from msgcenter.database.database import Connection


class Lease(NamedTuple):
    """The right of one dispatcher (`holder`) to work on a webhook until a time."""

    webhook_number: int
    holder: str


async def claim(connection: Connection, holder: str, *, failing: bool, limit: int, now: int, until: int) -> list[Lease]:
    """Take up to `limit` leases on webhooks that have events or deliveries due, the longest unattended first.

    `failing` selects webhooks whose last delivery failed, or the others. The leases end at `until`; times are ms since
    1970.
    """
    rows = await connection.fetch(
        """
        update webhook_endpoint
        set lease_holder = $1, lease_until = $5
        where number = any(array(
            select webhook.number
            from webhook_endpoint as webhook join app on app.number = webhook.app_number
            where webhook.paused_at is null
                and app.disabled_at is null
                and (webhook.attempts > 0) = $2
                and coalesce(webhook.lease_until, 0) <= $4
                and coalesce(webhook.next_attempt_at, 0) <= $4
                -- Not `exists`, which might be answered by a hash of all waiting rows; this is one probe per webhook.
                and coalesce(
                    (select true from webhook_event as event where event.endpoint_number = webhook.number limit 1),
                    (
                        select true
                        from webhook_delivery as delivery
                        where delivery.endpoint_number = webhook.number
                            and delivery.state = 'pending'
                            and delivery.next_attempt_at <= $4
                        limit 1
                    )
                )
            order by coalesce(webhook.lease_until, 0), webhook.number
            limit $3
            for no key update of webhook skip locked
        ))
        returning number
        """,
        holder,
        failing,
        limit,
        now,
        until,
    )
    return [Lease(row["number"], holder) for row in rows]


async def release(connection: Connection, lease: Lease, now: int) -> None:
    """Give a lease back, if it is still held."""
    await connection.execute(
        "update webhook_endpoint set lease_until = $3, lease_holder = null where number = $1 and lease_holder = $2",
        *lease,
        now,
    )


async def release_all(connection: Connection, holder: str, now: int) -> None:
    """Give back all leases of a dispatcher."""
    await connection.execute(
        "update webhook_endpoint set lease_until = $2, lease_holder = null where lease_holder = $1", holder, now
    )
