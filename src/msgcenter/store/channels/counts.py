"""Statistics of channels: deliveries by outcome and day of the installation's time zone."""

from collections.abc import Mapping
from datetime import date
from typing import NamedTuple

from msgcenter.database.database import Connection
from msgcenter.database.statements import column_arrays
from msgcenter.domain.channels.codes import Channel


class CountKey(NamedTuple):
    """Whose deliveries are counted, and of which outcome: sent, failed or skipped. It sorts as the primary key does."""

    platform_code: str
    app_number: int
    channel: str
    day: date
    outcome: str


async def add(connection: Connection, counts: Mapping[CountKey, int]) -> None:
    """Add deliveries to the counts."""
    await connection.execute(
        """
        insert into channel_count as counted (platform_code, app_number, channel, day, outcome, deliveries)
        select * from unnest($1::text[], $2::int[], $3::text[], $4::date[], $5::text[], $6::bigint[])
        on conflict (platform_code, app_number, channel, day, outcome) do update
        set deliveries = counted.deliveries + excluded.deliveries
        """,
        *column_arrays([(*key, counts[key]) for key in sorted(counts)], 6),
    )


async def sent_on(connection: Connection, platform_code: str, channel: Channel, day: date) -> int:
    """Return how many deliveries a platform has sent by a channel on a day."""
    sent: int = await connection.fetchval(
        """
        select coalesce(sum(deliveries), 0)::bigint
        from channel_count
        where platform_code = $1 and channel = $2 and day = $3 and outcome = 'sent'
        """,
        platform_code,
        channel,
        day,
    )
    return sent
