"""Deciding approvals: closed or reopened once, for all approvers."""

from collections.abc import Sequence
from typing import NamedTuple

from msgcenter.database.database import Connection, Database
from msgcenter.domain.event import MailboxEvent
from msgcenter.domain.mailbox import EntryChange
from msgcenter.domain.message import Message, State
from msgcenter.domain.message_id import now_ms
from msgcenter.domain.refusal import Reason, Refusal
from msgcenter.domain.webhook import closed_event
from msgcenter.messaging.delivered_copies import copies_of_all, same_change, statements_of
from msgcenter.messaging.recall import lock_own_messages
from msgcenter.store.mailboxes import entry_changes
from msgcenter.store.mailboxes.read_states import change_pages
from msgcenter.store.messages import messages
from msgcenter.store.messages.messages import MessageKey
from msgcenter.store.webhooks import outbox

_GONE = {State.RECALLED, State.EXPIRED}


class Decision(NamedTuple):
    """The outcome of a decision: the ids that the app does not have, and the live events of the mailboxes changed."""

    missing: frozenset[int]
    events: list[MailboxEvent]


async def decide(
    database: Database,
    app_number: int,
    message_ids: Sequence[int],
    *,
    closed: bool,
    decided_by: str | None = None,
    with_events: bool = False,
) -> Decision:
    """Close or reopen approvals of an app for all their approvers, in the name of `decided_by`.

    `with_events` records an event for the app's webhooks for each approval that is closed. Refuses with
    NOT_AN_APPROVAL, changing nothing, if one of the ids is another kind of message.
    """

    async def write(connection: Connection) -> Decision:
        now = now_ms()
        approvals = [
            message
            for message in await lock_own_messages(connection, app_number, message_ids)
            if message.state_at(now) not in _GONE
        ]
        for message in approvals:
            if not message.approval:
                raise Refusal(Reason.NOT_AN_APPROVAL, message_id=message.id)
        events: list[MailboxEvent] = []
        if approvals:
            keys = [MessageKey.of(message) for message in approvals]
            await messages.set_closed(connection, keys, now if closed else None, decided_by)
            events = await _change_for_all(
                connection, approvals, EntryChange.READ if closed else EntryChange.UNREAD, now
            )
        if with_events and closed:
            just_closed = [
                closed_event(app_number, message.id, now, decided_by)
                for message in approvals
                if message.closed_at is None
            ]
            await outbox.record(connection, just_closed, now)
        return Decision(frozenset(message_ids) - {message.id for message in approvals}, events)

    return await database.in_transaction(write)


async def _change_for_all(
    connection: Connection, approvals: Sequence[Message], change: EntryChange, now: int
) -> list[MailboxEvent]:
    """Set the entries of all approvers. Mailboxes that a fan-out has not reached get a decided entry on delivery."""
    all_copies = await copies_of_all(connection, approvals)
    platforms = {chunk.cell: message.platform for message in approvals for chunk in message.audience}
    entries = sorted((key, copies.message.id) for copies in all_copies for key in copies.keys)
    for part in statements_of(entries):
        await change_pages(connection, platforms[part[0][0].cell], same_change(part, change), now)
        await entry_changes.set_open_approvals(connection, part, is_open=change is EntryChange.UNREAD)
    return [event for copies in all_copies for event in copies.events("status")]
