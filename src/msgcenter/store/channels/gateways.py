"""The gateways of platforms, one for each channel, and their leases: one process at a time works on a gateway."""

from collections.abc import Iterable
from typing import NamedTuple

import asyncpg

from msgcenter.database.database import Connection
from msgcenter.database.statements import affected_rows, column_arrays, columns
from msgcenter.domain.account import Platform
from msgcenter.domain.channels.codes import Channel

_NAMES = """
    number, channel, provider, label, rate, daily_limit, config_sealed, created_at, changed_at, disabled_at,
    paused_until, failures, succeeded_at, failed_at, last_error
"""
_SELECT = f"""
    select {columns("gateway", _NAMES)}, platform.code, platform.first_cell, platform.cells
    from channel_gateway as gateway join platform on platform.code = gateway.platform_code
"""


class Gateway(NamedTuple):
    """A gateway as it is stored. Times are ms since 1970.

    `provider` is the program that speaks to it, `label` what operators see of its configuration. It sends up to `rate`
    messages per second, and `daily_limit` per day. After `failures` in a row it waits until `paused_until`.
    """

    platform: Platform
    number: int
    channel: Channel
    provider: str
    label: str
    rate: float
    daily_limit: int | None
    config_sealed: bytes
    created_at: int
    changed_at: int
    disabled_at: int | None
    paused_until: int | None
    failures: int
    succeeded_at: int | None
    failed_at: int | None
    last_error: str | None


class Lease(NamedTuple):
    """The right of one turn of a process (`holder`) to send by a gateway until a time."""

    gateway: Gateway
    holder: str


class _Work(NamedTuple):
    """A gateway that may have something to send in a cell."""

    cell: int
    number: int
    channel: str


def _gateway_of(row: asyncpg.Record) -> Gateway:
    *values, code, first_cell, cells = row
    return Gateway(Platform(code, first_cell, cells), *values)


# --- Configuration ----------------------------------------------------------------------------------------------------


async def list_gateways(connection: Connection, platform_code: str | None = None) -> list[Gateway]:
    """Return the gateways of a platform, or of all, by platform and channel."""
    rows = await connection.fetch(
        f"""
        {_SELECT}
        where $1::text is null or gateway.platform_code = $1
        order by gateway.platform_code, gateway.channel
        """,
        platform_code,
    )
    return [_gateway_of(row) for row in rows]


async def find_gateway(connection: Connection, platform_code: str, channel: Channel) -> Gateway | None:
    """Return the gateway of a platform for a channel."""
    row = await connection.fetchrow(
        f"{_SELECT} where gateway.platform_code = $1 and gateway.channel = $2", platform_code, channel
    )
    return _gateway_of(row) if row else None


async def save(
    connection: Connection,
    platform_code: str,
    channel: Channel,
    *,
    provider: str,
    label: str,
    config_sealed: bytes,
    rate: float,
    daily_limit: int | None,
    now: int,
) -> None:
    """Set the gateway of a platform for a channel. It is on, and what failed before is forgotten."""
    await connection.execute(
        """
        insert into channel_gateway
            (platform_code, channel, provider, label, config_sealed, rate, daily_limit, created_at, changed_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $8)
        on conflict (platform_code, channel) do update
        set provider = excluded.provider,
            label = excluded.label,
            config_sealed = excluded.config_sealed,
            rate = excluded.rate,
            daily_limit = excluded.daily_limit,
            changed_at = excluded.changed_at,
            disabled_at = null,
            paused_until = null,
            failures = 0,
            last_error = null
        """,
        platform_code,
        channel,
        provider,
        label,
        config_sealed,
        rate,
        daily_limit,
        now,
    )


async def set_off(connection: Connection, platform_code: str, channel: Channel, *, off: bool, now: int) -> bool:
    """Turn a gateway off or on again; return whether that is a change. Turning on a paused one ends its pause."""
    status = await connection.execute(
        """
        update channel_gateway
        set disabled_at = case when $3 then $4::bigint end,
            changed_at = $4,
            paused_until = null
        where platform_code = $1
            and channel = $2
            and case when $3 then disabled_at is null else coalesce(disabled_at, paused_until) is not null end
        """,
        platform_code,
        channel,
        off,
        now,
    )
    return affected_rows(status) == 1


async def remove(connection: Connection, platform_code: str, channel: Channel) -> bool:
    """Remove a gateway with its secrets; return whether there was one."""
    status = await connection.execute(
        "delete from channel_gateway where platform_code = $1 and channel = $2", platform_code, channel
    )
    return affected_rows(status) == 1


# --- Leases -----------------------------------------------------------------------------------------------------------

_FREE = """
    gateway.disabled_at is null
    and coalesce(gateway.lease_until, 0) <= $1
    and coalesce(gateway.paused_until, 0) <= $1
"""
"""The gateways that may send at a time ($1) and that no process works on."""


async def claim(connection: Connection, holder: str, limit: int, now: int, until: int) -> list[Lease]:
    """Take up to `limit` leases on gateways that have deliveries due, the longest unattended first.

    Paused gateways and those that are off are left out. The leases end at `until`; times are ms since 1970.
    """
    rows = await connection.fetch(f"{_SELECT} where {_FREE}", now)
    free = {gateway.number: gateway for gateway in map(_gateway_of, rows)}
    due = await with_work(connection, free.values(), now)
    if not due:
        return []
    rows = await connection.fetch(
        f"""
        update channel_gateway
        set lease_holder = $2, lease_until = $3
        where number = any(array(
            select gateway.number
            from channel_gateway as gateway
            where {_FREE} and gateway.number = any($4)
            order by coalesce(gateway.lease_until, 0), gateway.number
            limit $5
            for no key update skip locked
        ))
        returning number
        """,
        now,
        holder,
        until,
        sorted(due),
        limit,
    )
    return [Lease(free[row["number"]], holder) for row in rows]


async def with_work(connection: Connection, gateways: Iterable[Gateway], now: int) -> set[int]:
    """Return the numbers of those of the gateways that have a delivery due at `now` and not claimed by then."""
    work = sorted(
        _Work(cell, gateway.number, gateway.channel) for gateway in gateways for cell in gateway.platform.all_cells
    )
    if not work:
        return set()
    rows = await connection.fetch(
        """
        select gateway.number
        from unnest($1::int[], $2::int[], $3::text[]) as gateway (cell, number, channel)
        join feed_head as home on home.cell = gateway.cell
        where home.cell = any($1)
            -- The channel is compared as a range, so that this is one probe of the index per cell and gateway.
            and exists (
                select from channel_delivery as delivery
                where delivery.cell = home.cell
                    and delivery.channel between gateway.channel and gateway.channel
                    and delivery.state < 2
                    and delivery.due_at <= $4
                    and coalesce(delivery.claimed_until, 0) <= $4
            )
        """,
        *column_arrays(work, len(_Work._fields)),
        now,
    )
    return {row["number"] for row in rows}


async def renew(connection: Connection, lease: Lease, until: int) -> bool:
    """Extend a lease; return False if it is lost, or its gateway was turned off, replaced or removed."""
    status = await connection.execute(
        """
        update channel_gateway
        set lease_until = $4
        where number = $1 and lease_holder = $2 and changed_at = $3 and disabled_at is null
        """,
        lease.gateway.number,
        lease.holder,
        lease.gateway.changed_at,
        until,
    )
    return affected_rows(status) == 1


async def release(connection: Connection, lease: Lease, now: int) -> None:
    """Give a lease back, if it is still held."""
    await connection.execute(
        "update channel_gateway set lease_until = $3, lease_holder = null where number = $1 and lease_holder = $2",
        lease.gateway.number,
        lease.holder,
        now,
    )


async def release_all(connection: Connection, holder: str, now: int) -> None:
    """Give back all leases of the holders whose names begin with `holder`."""
    await connection.execute(
        """
        update channel_gateway
        set lease_until = $2, lease_holder = null
        where starts_with(lease_holder, $1)
        """,
        holder,
        now,
    )


# --- What gateways answer ---------------------------------------------------------------------------------------------
# An answer says nothing about a gateway that was set again or turned on or off since: `changed_at` is another one then.


async def settle_success(connection: Connection, gateway: Gateway, now: int) -> None:
    """Record that a gateway has accepted something: its failures are over.

    While it is paused, a send that had begun before changes nothing.
    """
    await connection.execute(
        """
        update channel_gateway
        set succeeded_at = $3, failures = 0, paused_until = null, last_error = null
        where number = $1 and changed_at = $2 and coalesce(paused_until, 0) <= $3
        """,
        gateway.number,
        gateway.changed_at,
        now,
    )


async def note_success(connection: Connection, gateway: Gateway, now: int) -> None:
    """Record that a gateway has accepted a test. A pause goes on until a delivery ends it."""
    await connection.execute(
        "update channel_gateway set succeeded_at = $3, last_error = null where number = $1 and changed_at = $2",
        gateway.number,
        gateway.changed_at,
        now,
    )


async def settle_refusal(connection: Connection, gateway: Gateway, error: str, now: int) -> None:
    """Record why a gateway did not take a message, though it works. `error` is one line without secrets."""
    await connection.execute(
        "update channel_gateway set failed_at = $4, last_error = $3 where number = $1 and changed_at = $2",
        gateway.number,
        gateway.changed_at,
        error,
        now,
    )


async def pause(connection: Connection, gateway: Gateway, *, until: int, error: str, now: int) -> bool:
    """Let a gateway that failed as a whole wait until a time. `error` is one line without secrets.

    Return False if it was changed meanwhile: then it does not wait.
    """
    status = await connection.execute(
        """
        update channel_gateway
        set paused_until = $3, failures = failures + 1, failed_at = $5, last_error = $4
        where number = $1 and changed_at = $2
        """,
        gateway.number,
        gateway.changed_at,
        until,
        error,
        now,
    )
    return affected_rows(status) == 1
