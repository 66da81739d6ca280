"""What a platform has decided about channels, written directly into the tables, for tests of what follows from it."""

from collections.abc import Sequence
from typing import NamedTuple

from msgcenter.database.database import Connection, Database
from msgcenter.domain.account import Platform
from msgcenter.domain.channels.codes import Channel, DeliveryState, Urgency
from tests.scene import START


class ChannelRows(NamedTuple):
    """Writes rows about the channels of a platform."""

    database: Database
    platform_code: str

    async def add_gateways(self, *channels: Channel) -> None:
        """Add gateways that nobody can use: their configurations are empty."""
        await self._execute(
            """
            insert into channel_gateway (created_at, changed_at, rate, platform_code, channel, provider, label,
                config_sealed)
            select $2, $2, 10, $1, channel, 'none', '', ''
            from unnest($3::text[]) as channel
            """,
            START,
            list(channels),
        )

    async def set_defaults(self, channels: Sequence[Channel], delay_minutes: int = 30) -> None:
        """Set the channels and the delay of messages for which nothing else says it."""
        await self._execute(
            """
            insert into channel_settings (platform_code, channels, delay_minutes) values ($1, $2, $3)
            on conflict (platform_code) do update
            set channels = excluded.channels, delay_minutes = excluded.delay_minutes
            """,
            list(channels),
            delay_minutes,
        )

    async def add_type(
        self,
        code: str,
        channels: Sequence[Channel] | None = None,
        delay_minutes: int | None = None,
        urgency: Urgency = Urgency.NORMAL,
    ) -> None:
        """Add a message type."""
        await self._execute(
            """
            insert into message_type (platform_code, code, name_zh, name_en, created_at, channels, delay_minutes,
                urgency)
            values ($1, $2, $2, $2, $3, $4, $5, $6)
            """,
            code,
            START,
            channels,
            delay_minutes,
            urgency,
        )

    async def set_policy(
        self,
        app_number: int,
        channels: Sequence[Channel] | None,
        delay_minutes: int | None = None,
        type_code: str = "",
    ) -> None:
        """Set what an app does otherwise."""
        await self._execute(
            """
            insert into channel_policy (platform_code, app_number, type_code, channels, delay_minutes)
            values ($1, $2, $3, $4, $5)
            on conflict (app_number, platform_code, type_code) do update
            set channels = excluded.channels, delay_minutes = excluded.delay_minutes
            """,
            app_number,
            type_code,
            channels,
            delay_minutes,
        )

    async def add_delivery(
        self,
        platform: Platform,
        message_id: int,
        user_id: str,
        channel: Channel,
        state: DeliveryState,
        *,
        reason: str | None = None,
        at: int = START,
    ) -> None:
        """Add a delivery of a message, due at `at` and, unless it waits, settled a second later."""
        await self._execute(
            """
            insert into channel_delivery (cell, user_id, message_id, channel, round, state, urgency, app_number, due_at,
                first_due_at, settled_at, reason)
            select $2, $3, $4, $5, 0, $6::smallint, 1, 1, $7::bigint, $7::bigint,
                case when $6::smallint >= 2 then $7::bigint + 1000 end, $8
            where $1 <> ''
            """,
            platform.cell_of(user_id),
            user_id,
            message_id,
            channel,
            state,
            at,
            reason,
        )

    async def _execute(self, statement: str, *values: object) -> None:
        async def write(connection: Connection) -> None:
            await connection.execute(statement, self.platform_code, *values)

        await self.database.in_transaction(write)
