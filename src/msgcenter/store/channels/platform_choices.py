"""What platforms have decided about channels, as planning and sending need it."""

from typing import NamedTuple

from msgcenter.database.database import Connection
from msgcenter.domain.channels.codes import Channel
from msgcenter.domain.channels.person import PlatformChoices


async def read(connection: Connection, platform_code: str) -> PlatformChoices:
    """Return what a platform has decided."""
    mandatory = await connection.fetchval(
        "select coalesce(array_agg(code), '{}') from message_type where platform_code = $1 and mandatory",
        platform_code,
    )
    row = await connection.fetchrow(
        """
        select quiet_from, quiet_until, digest_after, time_zone, inbox_url
        from channel_settings
        where platform_code = $1
        """,
        platform_code,
    )
    choices = PlatformChoices(mandatory=frozenset(mandatory))
    return choices if row is None else choices._replace(**dict(row))


class WorkingGateway(NamedTuple):
    """A gateway that is on: its messages per second, and whether it waits because it failed."""

    rate: float
    is_paused: bool


async def working_gateways(connection: Connection, platform_code: str, now: int) -> dict[Channel, WorkingGateway]:
    """Return the gateways of a platform that are on at `now` (ms since 1970), by channel."""
    rows = await connection.fetch(
        """
        select channel, rate, coalesce(paused_until, 0) > $2 as is_paused
        from channel_gateway
        where platform_code = $1 and disabled_at is null
        """,
        platform_code,
        now,
    )
    return {row["channel"]: WorkingGateway(row["rate"], row["is_paused"]) for row in rows}


async def cells_of_plans(connection: Connection) -> list[int]:
    """Return the cells that may have plans: the first ones of platforms with gateways."""
    rows = await connection.fetch(
        """
        select platform.first_cell
        from platform
        where exists (select from channel_gateway as gateway where gateway.platform_code = platform.code)
        order by platform.first_cell
        """
    )
    return [row["first_cell"] for row in rows]
