"""What users have chosen about channels, with what the directory knows of them."""

from collections.abc import Collection
from typing import NamedTuple

from msgcenter.database.database import Connection
from msgcenter.domain.account import Recipient
from msgcenter.domain.channels.choices import Choices
from msgcenter.domain.channels.person import Preferences


class ShownType(NamedTuple):
    """A message type as users see it. They cannot turn a mandatory one off."""

    code: str
    name_zh: str
    name_en: str
    mandatory: bool


async def read(connection: Connection, cell: int, user_ids: Collection[str]) -> dict[str, Preferences]:
    """Return the choices of users of a cell, of each one."""
    rows = await connection.fetch(
        """
        select reader.user_id, preference.quiet_from, preference.quiet_until, preference.digest, preference.language,
            preference.time_zone, preference.channels_off, mailbox.muted_apps, directory.locale,
            directory.time_zone as directory_time_zone
        from unnest($2::text[]) as reader (user_id)
        left join user_preference as preference
            on preference.cell = $1 and preference.user_id = reader.user_id
        left join mailbox on mailbox.cell = $1 and mailbox.user_id = reader.user_id
        left join directory_user as directory on directory.cell = $1 and directory.user_id = reader.user_id
        """,
        cell,
        sorted(set(user_ids)),
    )
    return {
        row["user_id"]: Preferences(
            quiet_from=row["quiet_from"],
            quiet_until=row["quiet_until"],
            digest=row["digest"],
            language=row["language"],
            time_zone=row["time_zone"],
            channels_off=frozenset(row["channels_off"] or ()),
            muted_apps=frozenset(row["muted_apps"] or ()),
            directory_locale=row["locale"],
            directory_time_zone=row["directory_time_zone"],
        )
        for row in rows
    }


async def write(connection: Connection, cell: int, user_id: str, choices: Choices, now: int) -> None:
    """Replace what a user of a cell has chosen. `now` is in ms since 1970."""
    await connection.execute(
        """
        insert into user_preference
            (cell, user_id, channels_off, quiet_from, quiet_until, digest, language, time_zone, changed_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        on conflict (cell, user_id) do update
        set channels_off = excluded.channels_off,
            quiet_from = excluded.quiet_from,
            quiet_until = excluded.quiet_until,
            digest = excluded.digest,
            language = excluded.language,
            time_zone = excluded.time_zone,
            changed_at = excluded.changed_at
        """,
        cell,
        user_id,
        *choices,
        now,
    )


async def replace_off(
    connection: Connection, recipient: Recipient, prefix: str, entries: Collection[str], now: int
) -> None:
    """Replace those entries of `channels_off` of a user that begin with `prefix`, and keep the others."""
    # Citus takes the subquery only in an `insert … select`.
    await connection.execute(
        """
        insert into user_preference (cell, user_id, channels_off, changed_at)
        select home.cell, $2, $4, $5
        from feed_head as home
        where home.cell = $1
        on conflict (cell, user_id) do update
        set channels_off = array(
                select entry
                from unnest(user_preference.channels_off) as entry
                where not starts_with(entry, $3)
                union
                select unnest($4::text[])
                order by 1
            ),
            changed_at = excluded.changed_at
        """,
        recipient.cell,
        recipient.user_id,
        prefix,
        sorted(entries),
        now,
    )


async def apps_of(connection: Connection, cell: int, user_id: str) -> list[int]:
    """Return the numbers of the apps whose messages a user of a cell has."""
    rows = await connection.fetch(
        """
        select distinct app_number
        from mailbox_page
        where cell = $1 and user_id = $2
        order by app_number
        """,
        cell,
        user_id,
    )
    return [row["app_number"] for row in rows]


async def shown_types(connection: Connection, platform_code: str) -> list[ShownType]:
    """Return the message types that a platform uses, by their codes."""
    rows = await connection.fetch(
        """
        select code, name_zh, name_en, mandatory
        from message_type
        where platform_code = $1 and archived_at is null
        order by code
        """,
        platform_code,
    )
    return [ShownType(*row) for row in rows]
