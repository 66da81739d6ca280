"""What users have chosen about channels, with what the directory knows of them."""

from collections.abc import Collection

from msgcenter.database.database import Connection
from msgcenter.domain.channels.person import Preferences


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
