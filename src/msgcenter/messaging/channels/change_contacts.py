"""Changing where people can be reached."""

from collections.abc import Mapping

from msgcenter.database.database import Connection
from msgcenter.domain.account import Platform
from msgcenter.domain.channels.contacts import Contacts, ContactWriting
from msgcenter.store.channels import contacts
from msgcenter.store.channels.contacts import ContactKey, SealedContact


async def change_contacts(
    connection: Connection, platform: Platform, cell: int, changes: Mapping[str, Contacts], writing: ContactWriting
) -> set[str]:
    """Set or remove contact points of users of a cell. Return the users for whom something has changed.

    A value that is stored already is left as it is, also one that is disabled: otherwise a nightly import would send
    to a dead address every day. Runs inside a transaction.
    """
    stored = await contacts.read(connection, cell, changes.keys())
    written: list[SealedContact] = []
    removed: list[ContactKey] = []
    for user_id, points in changes.items():
        for kind, value in points:
            before = stored.get(user_id, {}).get(kind)
            if not value:
                if before is not None:
                    removed.append(ContactKey(user_id, kind))
            elif before is None or not writing.is_sealed(
                platform.code, user_id, kind, value=value, sealed=before.value_sealed
            ):
                written.append(SealedContact(user_id, kind, writing.seal(platform.code, user_id, kind, value)))
    if written:
        await contacts.write(connection, cell, written, app_number=writing.app_number, now=writing.now)
    if removed:
        await contacts.remove(connection, cell, removed)
    return {row.user_id for row in written} | {row.user_id for row in removed}
