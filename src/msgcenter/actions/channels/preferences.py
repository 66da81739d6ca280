"""What users choose about channels, and the contact points that they may remove."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from msgcenter.actions.apps.key_ring import KeyRing, WrongSecretKeyError
from msgcenter.database.database import Connection, Database, transactional
from msgcenter.domain.account import Recipient
from msgcenter.domain.channels.choices import Choices, check_choices, of_app
from msgcenter.domain.channels.codes import Channel, ContactKind
from msgcenter.domain.channels.contacts import masked
from msgcenter.domain.channels.person import PlatformChoices, Preferences
from msgcenter.domain.channels.sealing import contact_binding
from msgcenter.domain.channels.signed_links import UnsubscribeLink, open_unsubscribe_link
from msgcenter.domain.forgotten import ForgottenUserError
from msgcenter.domain.message_id import now_ms
from msgcenter.domain.person import Actor
from msgcenter.domain.refusal import malformed
from msgcenter.store import audit
from msgcenter.store.apps.apps import find_apps
from msgcenter.store.apps.platforms import find_platforms
from msgcenter.store.channels import contacts, platform_choices, preferences
from msgcenter.store.channels.contacts import Contact, ContactKey
from msgcenter.store.channels.preferences import ShownType
from msgcenter.store.mailboxes import users


class OwnContact(NamedTuple):
    """A contact point of a user, masked. Nothing is sent to a disabled one; the reason is the gateway's answer."""

    kind: ContactKind
    value: str
    disabled_at: int | None
    disabled_reason: str | None


class NamedApp(NamedTuple):
    """An app that writes to the user."""

    app_id: str
    name: str


class OwnPreferences(NamedTuple):
    """What a user can choose, and has chosen. `channels` are those that the platform can send by."""

    channels: Sequence[Channel]
    chosen: Preferences
    platform: PlatformChoices
    types: Sequence[ShownType]
    apps: Sequence[NamedApp]
    contacts: Sequence[OwnContact]


class UserPreferences:
    """The preferences of all users.

    `app_id` limits a caller to one app: it sees and changes what the user has chosen about its messages, and nothing
    else; None is the user's whole inbox.
    """

    def __init__(self, database: Database, keys: KeyRing) -> None:
        self._database = database
        self._keys = keys

    async def read(self, recipient: Recipient, app_id: str | None) -> OwnPreferences:
        """Return what a user can choose, and has chosen."""
        cell, user_id, platform = recipient
        async with self._database.connection() as connection:
            working = await platform_choices.working_gateways(connection, platform.code, now_ms())
            chosen = (await preferences.read(connection, cell, [user_id]))[user_id]
            decided = await platform_choices.read(connection, platform.code)
            numbers = await preferences.apps_of(connection, cell, user_id)
            records = await find_apps(connection, numbers)
            types = await preferences.shown_types(connection, platform.code)
            points = (await contacts.read(connection, cell, [user_id])).get(user_id, {})
        apps = [NamedApp(record.app.app_id, record.app.name) for record in records.values()]
        channels = [channel for channel in working if channel != "apprise"]
        if app_id is not None:
            chosen = Preferences(channels_off=frozenset(of_app(chosen.channels_off, app_id)))
            return OwnPreferences(
                channels, chosen, PlatformChoices(), (), [it for it in apps if it.app_id == app_id], ()
            )
        shown = [self._contact(recipient, kind, point) for kind, point in points.items()]
        return OwnPreferences(channels, chosen, decided, types, sorted(apps, key=lambda app: app.name), shown)

    def _contact(self, recipient: Recipient, kind: ContactKind, point: Contact) -> OwnContact:
        binding = contact_binding(recipient.platform_code, recipient.user_id, kind)
        value = self._keys.open_value("contact", binding, point.value_sealed)
        return OwnContact(kind, masked(kind, value), point.disabled_at, point.disabled_reason)

    @transactional
    async def write(self, connection: Connection, recipient: Recipient, app_id: str | None, choices: Choices) -> None:
        """Replace what a user has chosen. Refuses with FIELD_MALFORMED and FIELDS_CONTRADICT as `check_choices`.

        A caller of one app may name entries of this app only (FIELD_MALFORMED, off). Raises ForgottenUserError.
        """
        cell, user_id, platform = recipient
        if not await users.stays_known(connection, cell, user_id):
            raise ForgottenUserError
        decided = await platform_choices.read(connection, platform.code)
        choices = check_choices(choices, decided.mandatory)
        if app_id is None:
            await preferences.write(connection, cell, user_id, choices, now_ms())
            return
        if choices != Choices(off=tuple(sorted(of_app(choices.off, app_id)))):
            raise malformed("off", f"只能为app:{app_id}:渠道", f"must be app:{app_id}:CHANNEL only")
        await preferences.replace_off(connection, recipient, f"app:{app_id}:", choices.off, now_ms())

    @transactional
    async def remove_contact(
        self, connection: Connection, recipient: Recipient, kind: ContactKind, address: str
    ) -> bool:
        """Remove a contact point of a user; return whether there was one.

        `address` is the caller's, for the audit log.
        """
        removed = await contacts.remove(connection, recipient.cell, [ContactKey(recipient.user_id, kind)])
        if removed:
            await _record(connection, recipient, address, "directory.contact.remove", kind=kind)
        return removed == 1

    def unsubscribing(self, token: str) -> UnsubscribeLink | None:
        """Return what the link of a mail turns off; None if it is none of this installation's."""
        try:
            return open_unsubscribe_link(self._keys, token)
        except (ValueError, WrongSecretKeyError):
            return None

    @transactional
    async def unsubscribe(self, connection: Connection, link: UnsubscribeLink, address: str) -> bool:
        """Turn off what a link says; return False if its platform or user is gone. Mandatory messages still come.

        `address` is the caller's, for the audit log.
        """
        platform = (await find_platforms(connection)).get(link.platform_code)
        if platform is None:
            return False
        recipient = platform.recipient(link.user_id)
        if not await users.stays_known(connection, recipient.cell, recipient.user_id):
            return False
        chosen = (await preferences.read(connection, recipient.cell, [recipient.user_id]))[recipient.user_id]
        if link.channel not in chosen.channels_off:
            # The prefix is the whole entry, so it replaces itself alone: entries about types and apps begin otherwise.
            await preferences.replace_off(connection, recipient, link.channel, [link.channel], now_ms())
            await _record(connection, recipient, address, "channel.unsubscribe", channel=link.channel)
        return True


async def _record(connection: Connection, recipient: Recipient, address: str, action: str, **detail: Any) -> None:
    by = Actor("user", recipient.user_id, address)
    await audit.record(connection, by, action, recipient.platform_code, now=now_ms(), **detail)
