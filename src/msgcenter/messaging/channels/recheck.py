"""Whether a delivery is still to be sent: what happened between its plan and now."""

from typing import NamedTuple

from msgcenter.domain.channels.codes import Channel, SkipReason, Urgency
from msgcenter.domain.channels.entry import Entry
from msgcenter.domain.channels.person import Person
from msgcenter.domain.channels.quiet import quiet_until
from msgcenter.domain.channels.settlement import Settlement, postponed, skipped
from msgcenter.domain.message import Message


def is_read(entry: Entry, message: Message, cell_place: int) -> bool:
    """Return whether a message is read in a mailbox, in the platform's cell at `cell_place` (0: the first).

    A mailbox that has not pulled a reset of the message to unread has not read it since, see
    `store/mailboxes/read_times.py`.
    """
    if entry.read_at is None:
        return False
    if message.topic_number is None:
        return entry.read_at > 0
    positions = message.positions if message.reset_positions is None else message.reset_positions
    return entry.read_at > 0 and positions is not None and (entry.pulled_to or 0) >= positions[cell_place]


class Checked(NamedTuple):
    """A message to one person by one channel, as it is now. `message` is None if retention has removed it."""

    channel: Channel
    urgency: Urgency
    type_code: str
    app_id: str
    is_mandatory: bool
    message: Message | None
    entry: Entry
    cell_place: int
    person: Person
    has_address: bool


def check(delivery: Checked, now: int) -> Settlement | None:
    """Return how a delivery is settled without being sent; None if it is to be sent at `now` (ms since 1970)."""
    reason = skip_reason(delivery, now)
    if reason is not None:
        return skipped(reason)
    due_at = wait_until(delivery, now)
    return None if due_at is None else postponed(due_at)


def skip_reason(delivery: Checked, now: int) -> SkipReason | None:
    """Return why a message is not sent to a person by a channel; None if it is."""
    message, entry, person = delivery.message, delivery.entry, delivery.person
    if message is None or message.recalled_at is not None or entry.is_withdrawn:
        return SkipReason.GONE
    if message.expires_at is not None and message.expires_at <= now:
        return SkipReason.GONE
    if is_read(entry, message, delivery.cell_place):
        return SkipReason.READ
    if entry.is_hidden and entry.wakes_at is None:
        return SkipReason.GONE
    if not delivery.is_mandatory:
        if person.has_muted(message.app_number):
            return SkipReason.MUTED
        if person.has_off(delivery.channel, app_id=delivery.app_id, type_code=delivery.type_code):
            return SkipReason.OFF
    return None if delivery.has_address else SkipReason.NO_ADDRESS


def wait_until(delivery: Checked, now: int) -> int | None:
    """Return until when a message has to wait for its reader: it sleeps, or the hours are quiet; None: not at all."""
    entry, person = delivery.entry, delivery.person
    if entry.is_hidden and entry.wakes_at is not None and entry.wakes_at > now:
        return entry.wakes_at
    if delivery.urgency is Urgency.URGENT:
        return None
    return quiet_until(now, person.quiet, person.zone)
