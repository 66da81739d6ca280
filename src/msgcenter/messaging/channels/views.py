"""What is known about messages to people of a cell by channels: the message, its reader, their address, and the app."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple
from zoneinfo import ZoneInfo

from msgcenter.database.database import Connection
from msgcenter.domain.account import App, Platform, Recipient
from msgcenter.domain.channels.codes import CONTACT_OF_CHANNEL, Channel, ContactKind, Urgency
from msgcenter.domain.channels.person import NO_PREFERENCES, PlatformChoices, person_of
from msgcenter.domain.message import Message
from msgcenter.messaging.channels.message_templates import MessageTemplate
from msgcenter.messaging.channels.recheck import Checked
from msgcenter.store.apps.apps import find_apps
from msgcenter.store.channels import contacts, entries, platform_choices, preferences, subscriptions
from msgcenter.store.channels.entries import EntryKey


class Target(NamedTuple):
    """A message to a user of a cell by a channel."""

    user_id: str
    message_id: int
    app_number: int
    channel: Channel
    urgency: Urgency
    type_code: str


class Address(NamedTuple):
    """Where a note goes: a contact of a kind, a push subscription by its digest, or, without both, the user's id."""

    sealed: bytes
    contact: ContactKind | None = None
    subscription: bytes | None = None


class View(NamedTuple):
    """A target with all that is known about it; `template` has made its message."""

    recipient: Recipient
    checked: Checked
    app: App
    addresses: tuple[Address, ...]
    choices: PlatformChoices
    template: MessageTemplate | None = None


class Place(NamedTuple):
    """A cell of a platform; `zone` is the installation's time zone."""

    platform: Platform
    cell: int
    zone: ZoneInfo


async def read_views(
    connection: Connection, place: Place, targets: Sequence[Target], messages: Mapping[int, Message]
) -> list[View]:
    """Return the views of targets, in their order. `messages` are those that still exist, by id."""
    if not targets:
        return []
    cell, user_ids = place.cell, {target.user_id for target in targets}
    choices = await platform_choices.read(connection, place.platform.code)
    apps = await find_apps(connection, sorted({target.app_number for target in targets}))
    chosen = await preferences.read(connection, cell, user_ids)
    keys = {target: EntryKey(target.user_id, target.message_id, target.app_number) for target in targets}
    mailboxes = await entries.read(connection, cell, keys.values())
    addresses = await _addresses(connection, cell, targets)
    people = {
        user_id: person_of(chosen.get(user_id, NO_PREFERENCES), choices, place.zone) for user_id in sorted(user_ids)
    }
    views: list[View] = []
    for target in targets:
        app = apps[target.app_number].app
        found = addresses.get((target.user_id, target.app_number, target.channel), ())
        checked = Checked(
            channel=target.channel,
            urgency=target.urgency,
            type_code=target.type_code,
            app_id=app.app_id,
            is_mandatory=target.type_code in choices.mandatory,
            message=messages.get(target.message_id),
            entry=mailboxes[keys[target]],
            cell_place=cell - place.platform.first_cell,
            person=people[target.user_id],
            has_address=bool(found),
        )
        views.append(View(Recipient(cell, target.user_id, place.platform), checked, app, found, choices))
    return views


_AddressKey = tuple[str, int, Channel]
"""A user, an app, a channel."""


async def _addresses(
    connection: Connection, cell: int, targets: Collection[Target]
) -> dict[_AddressKey, tuple[Address, ...]]:
    """Return the addresses that are not disabled, by user, app and channel."""
    found: dict[_AddressKey, tuple[Address, ...]] = {}
    with_contacts = {target.user_id for target in targets if target.channel in CONTACT_OF_CHANNEL}
    known = await contacts.read(connection, cell, with_contacts) if with_contacts else {}
    push_readers: dict[int, set[str]] = defaultdict(set)
    for target in targets:
        key = (target.user_id, target.app_number, target.channel)
        if (kind := CONTACT_OF_CHANNEL.get(target.channel)) is not None:
            contact = known.get(target.user_id, {}).get(kind)
            if contact is not None and contact.disabled_at is None:
                found[key] = (Address(contact.value_sealed, contact=kind),)
        elif target.channel == "push":
            push_readers[target.app_number].add(target.user_id)
        else:
            found[key] = (Address(b""),)
    for app_number in sorted(push_readers):
        browsers = await subscriptions.read(connection, cell, push_readers[app_number], app_number)
        for user_id, listed in browsers.items():
            found[user_id, app_number, "push"] = tuple(
                Address(each.sealed, subscription=each.digest) for each in listed
            )
    return found
