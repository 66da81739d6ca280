"""The contact points of a user, masked, for operators."""

from typing import NamedTuple

from msgcenter.actions.apps.platforms import check_platform
from msgcenter.database.database import Connection, Database, transactional
from msgcenter.domain.account import Platform
from msgcenter.domain.channels.codes import CONTACT_KINDS, ContactKind
from msgcenter.domain.channels.contacts import masked
from msgcenter.domain.channels.sealing import Sealing, contact_binding
from msgcenter.domain.message_id import now_ms
from msgcenter.domain.person import Actor
from msgcenter.store import audit
from msgcenter.store.apps.apps import find_apps
from msgcenter.store.channels import contacts
from msgcenter.store.channels.contacts import ContactKey


class ShownContact(NamedTuple):
    """A contact point as people see it. Times are ms since 1970.

    `app_name` is the app that wrote it, "" for an import. Nothing is sent to one that is disabled.
    """

    kind: ContactKind
    masked: str
    app_name: str
    changed_at: int
    disabled_at: int | None
    disabled_reason: str | None


class UserContacts:
    """Reads and removes contact points. Values are never shown in full."""

    def __init__(self, database: Database, sealing: Sealing) -> None:
        self._database = database
        self._sealing = sealing

    async def of_user(self, platform: Platform, user_id: str) -> list[ShownContact]:
        """Return the contact points of a user, in the order of their kinds."""
        async with self._database.connection() as connection:
            stored = (await contacts.read(connection, platform.cell_of(user_id), [user_id])).get(user_id, {})
            numbers = {it.app_number for it in stored.values() if it.app_number is not None}
            apps = await find_apps(connection, sorted(numbers))
        return [
            ShownContact(
                kind,
                masked(kind, self._open(platform, user_id, kind, contact.value_sealed)),
                apps[contact.app_number].app.name if contact.app_number in apps else "",
                contact.changed_at,
                contact.disabled_at,
                contact.disabled_reason,
            )
            for kind in CONTACT_KINDS
            if (contact := stored.get(kind)) is not None
        ]

    @transactional
    async def remove(
        self, connection: Connection, platform: Platform, user_id: str, kind: ContactKind, by: Actor
    ) -> bool:
        """Remove a contact point; return whether there was one. An app or an import may set it again."""
        removed = await contacts.remove(connection, platform.cell_of(user_id), [ContactKey(user_id, kind)])
        if removed:
            await audit.record(
                connection, by, "directory.contact.remove", platform.code, now=now_ms(), user=user_id, kind=kind
            )
        return bool(removed)

    def _open(self, platform: Platform, user_id: str, kind: ContactKind, sealed: bytes) -> str:
        return self._sealing.open_value("contact", contact_binding(platform.code, user_id, kind), sealed)


async def count_contacts(database: Database, platform_code: str) -> dict[ContactKind, int]:
    """Return how many users of a platform can be reached, by kind of contact point. Raises UnknownPlatformError."""
    platform = await check_platform(database, platform_code)
    counts = dict[ContactKind, int]()
    async with database.connection() as connection:
        for cell in platform.all_cells:
            for kind, count in (await contacts.count_by_kind(connection, cell)).items():
                counts[kind] = counts.get(kind, 0) + count
    return {kind: counts[kind] for kind in CONTACT_KINDS if kind in counts}
