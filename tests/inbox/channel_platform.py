"""A platform that sends by channels, for tests of what users choose."""

import asyncpg

from msgcenter.actions.apps.key_ring import KeyRing
from msgcenter.domain.channels.codes import ContactKind
from msgcenter.domain.channels.sealing import contact_binding
from msgcenter.store.apps.platforms import find_platforms
from msgcenter.store.channels import contacts
from msgcenter.store.channels.contacts import SealedContact
from tests.conftest import SECRET_KEY

KEYS = KeyRing(SECRET_KEY)


async def add_channels(url: str, platform: str) -> None:
    """Give a platform gateways for mail and SMS, quiet hours from 22:00 to 7:00, and three types, one mandatory."""
    connection = await asyncpg.connect(url)
    try:
        for channel in ("email", "sms", "apprise"):
            await connection.execute(
                """
                insert into channel_gateway
                    (created_at, changed_at, rate, platform_code, channel, provider, label, config_sealed)
                values (1, 1, 5, $1, $2, 'test', 'test', '')
                on conflict do nothing
                """,
                platform,
                channel,
            )
        await connection.execute(
            "insert into channel_settings (platform_code, quiet_from, quiet_until) values ($1, 1320, 420)"
            " on conflict do nothing",
            platform,
        )
        await connection.executemany(
            """
            insert into message_type (created_at, platform_code, code, name_zh, name_en, mandatory, archived_at)
            values (1, $1, $2, $3, $4, $5, $6)
            on conflict do nothing
            """,
            [
                (platform, "homework", "作业", "Homework", False, None),
                (platform, "safety", "安全通知", "Safety", True, None),
                (platform, "old", "旧", "Old", False, 1),
            ],
        )
    finally:
        await connection.close()


async def add_contact(url: str, platform_code: str, user: str, kind: ContactKind, value: str) -> None:
    """Store a contact point of a user."""
    connection = await asyncpg.connect(url)
    try:
        platform = (await find_platforms(connection))[platform_code]
        sealed = KEYS.seal_value("contact", contact_binding(platform_code, user, kind), value)
        points = [SealedContact(user, kind, sealed)]
        await contacts.write(connection, platform.cell_of(user), points, app_number=None, now=1)
    finally:
        await connection.close()


async def disable_contact(url: str, platform_code: str, user: str, kind: ContactKind, reason: str) -> None:
    """Disable a contact point, as the answer of a gateway does."""
    connection = await asyncpg.connect(url)
    try:
        platform = (await find_platforms(connection))[platform_code]
        cell = platform.cell_of(user)
        sealed = (await contacts.read(connection, cell, [user]))[user][kind].value_sealed
        await contacts.disable(connection, cell, user, kind, value_sealed=sealed, reason=reason, now=7)
    finally:
        await connection.close()
