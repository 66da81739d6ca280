"""What operators have decided about channels, for reading and changing it. `store.channels.policy` is for sends."""

from typing import NamedTuple, cast

import asyncpg

from msgcenter.database.database import Connection
from msgcenter.database.statements import affected_rows
from msgcenter.domain.channels.codes import Channel, Urgency
from msgcenter.domain.channels.decisions import MessageType, QuietHours, Settings
from msgcenter.domain.channels.policy import Choice

# --- Message types ----------------------------------------------------------------------------------------------------


async def list_types(connection: Connection, platform_code: str) -> list[MessageType]:
    """Return the message types of a platform by code, those that were archived last."""
    rows = await connection.fetch(
        """
        select code, name_zh, name_en, urgency, channels, delay_minutes, mandatory, archived_at
        from message_type
        where platform_code = $1
        order by archived_at is not null, code
        """,
        platform_code,
    )
    return [_type_of(row) for row in rows]


def _type_of(row: asyncpg.Record) -> MessageType:
    return MessageType(
        code=row["code"],
        name_zh=row["name_zh"],
        name_en=row["name_en"],
        urgency=Urgency(row["urgency"]),
        choice=_choice_of(row),
        mandatory=row["mandatory"],
        archived_at=row["archived_at"],
    )


def _choice_of(row: asyncpg.Record) -> Choice:
    channels = row["channels"]
    return Choice(None if channels is None else cast("tuple[Channel, ...]", tuple(channels)), row["delay_minutes"])


async def save_type(connection: Connection, platform_code: str, kind: MessageType, now: int) -> None:
    """Add a message type, or change it. It is archived as `kind` says."""
    await connection.execute(
        """
        insert into message_type (platform_code, code, name_zh, name_en, urgency, channels, delay_minutes, mandatory,
            archived_at, created_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        on conflict (platform_code, code) do update
        set name_zh = excluded.name_zh, name_en = excluded.name_en, urgency = excluded.urgency,
            channels = excluded.channels, delay_minutes = excluded.delay_minutes, mandatory = excluded.mandatory,
            archived_at = excluded.archived_at
        """,
        platform_code,
        kind.code,
        kind.name_zh,
        kind.name_en,
        kind.urgency,
        kind.choice.channels,
        kind.choice.delay_minutes,
        kind.mandatory,
        kind.archived_at,
        now,
    )


# --- Policies of apps -------------------------------------------------------------------------------------------------


class AppPolicy(NamedTuple):
    """What an app does otherwise; `type_code` is "" for all its messages."""

    app_number: int
    app_id: str
    app_name: str
    type_code: str
    choice: Choice


async def list_policies(connection: Connection, platform_code: str) -> list[AppPolicy]:
    """Return the policies of a platform's apps, by app and type."""
    rows = await connection.fetch(
        """
        select app.number, app.app_id, app.name, policy.type_code, policy.channels, policy.delay_minutes
        from channel_policy as policy join app on app.number = policy.app_number
        where policy.platform_code = $1
        order by app.app_id, policy.type_code
        """,
        platform_code,
    )
    return [AppPolicy(row["number"], row["app_id"], row["name"], row["type_code"], _choice_of(row)) for row in rows]


async def save_policy(
    connection: Connection, platform_code: str, app_number: int, type_code: str, choice: Choice
) -> None:
    """Set what an app does otherwise."""
    await connection.execute(
        """
        insert into channel_policy (platform_code, app_number, type_code, channels, delay_minutes)
        values ($1, $2, $3, $4, $5)
        on conflict (app_number, platform_code, type_code) do update
        set channels = excluded.channels, delay_minutes = excluded.delay_minutes
        """,
        platform_code,
        app_number,
        type_code,
        choice.channels,
        choice.delay_minutes,
    )


async def remove_policy(connection: Connection, platform_code: str, app_number: int, type_code: str) -> bool:
    """Remove what an app does otherwise; return whether there was something."""
    status = await connection.execute(
        "delete from channel_policy where platform_code = $1 and app_number = $2 and type_code = $3",
        platform_code,
        app_number,
        type_code,
    )
    return affected_rows(status) > 0


# --- Settings of platforms --------------------------------------------------------------------------------------------


async def find_settings(connection: Connection, platform_code: str) -> Settings:
    """Return what a platform has decided; the defaults if it has decided nothing."""
    row = await connection.fetchrow(
        """
        select channels, delay_minutes, quiet_from, quiet_until, digest_after, approves_templates, time_zone, inbox_url
        from channel_settings
        where platform_code = $1
        """,
        platform_code,
    )
    if row is None:
        return Settings()
    values = dict(row)
    quiet = (values.pop("quiet_from"), values.pop("quiet_until"))
    values["channels"] = tuple(values["channels"])
    return Settings(**values, quiet_hours=None if None in quiet else QuietHours(*quiet))


async def save_settings(connection: Connection, platform_code: str, settings: Settings) -> None:
    """Set what a platform has decided."""
    quiet = settings.quiet_hours
    await connection.execute(
        """
        insert into channel_settings (platform_code, channels, delay_minutes, quiet_from, quiet_until, digest_after,
            approves_templates, time_zone, inbox_url)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        on conflict (platform_code) do update
        set channels = excluded.channels, delay_minutes = excluded.delay_minutes, quiet_from = excluded.quiet_from,
            quiet_until = excluded.quiet_until, digest_after = excluded.digest_after,
            approves_templates = excluded.approves_templates, time_zone = excluded.time_zone,
            inbox_url = excluded.inbox_url
        """,
        platform_code,
        settings.channels,
        settings.delay_minutes,
        None if quiet is None else quiet.start,
        None if quiet is None else quiet.end,
        settings.digest_after,
        settings.approves_templates,
        settings.time_zone,
        settings.inbox_url,
    )
