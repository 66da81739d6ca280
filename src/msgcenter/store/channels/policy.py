"""What platforms have decided about channels, as a send needs it."""

from collections.abc import Iterable, Sequence
from typing import cast

import asyncpg

from msgcenter.database.database import Connection
from msgcenter.domain.channels.codes import DEFAULT_DELAY_MINUTES, Channel, Urgency
from msgcenter.domain.channels.policy import Choice, PolicyKey, Rules, TypeRule


async def read_rules(connection: Connection, platform_codes: Iterable[str]) -> dict[str, Rules]:
    """Return the rules of platforms by their codes. Platforms that have decided nothing are left out."""
    rows = await connection.fetch(
        """
        select
            wanted.code,
            settings.channels,
            settings.delay_minutes,
            array(
                select channel from channel_gateway as gateway where gateway.platform_code = wanted.code
            ) as gateways,
            array(
                select row(code, urgency, channels, delay_minutes, archived_at is not null)
                from message_type where message_type.platform_code = wanted.code
            ) as types,
            array(
                select row(app_number, type_code, channels, delay_minutes)
                from channel_policy where channel_policy.platform_code = wanted.code
            ) as policies
        from unnest($1::text[]) as wanted (code)
        left join channel_settings as settings on settings.platform_code = wanted.code
        """,
        sorted(set(platform_codes)),
    )
    return {row["code"]: _rules_of(row) for row in rows if row["gateways"] or row["types"]}


def _rules_of(row: asyncpg.Record) -> Rules:
    return Rules(
        gateways=frozenset(row["gateways"]),
        channels=_channels(row["channels"] or ()) or (),
        delay_minutes=DEFAULT_DELAY_MINUTES if row["delay_minutes"] is None else row["delay_minutes"],
        types={
            code: TypeRule(Urgency(urgency), Choice(_channels(channels), delay), archived)
            for code, urgency, channels, delay, archived in row["types"]
        },
        policies={
            PolicyKey(number, code): Choice(_channels(channels), delay)
            for number, code, channels, delay in row["policies"]
        },
    )


def _channels(codes: Sequence[str] | None) -> tuple[Channel, ...] | None:
    return None if codes is None else tuple(cast("Sequence[Channel]", codes))
