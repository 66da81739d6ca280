"""Pending approvals: decided once, for every approver."""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from msgcenter.domain.account import Recipient
from msgcenter.domain.event import MailboxEvent
from msgcenter.domain.mailbox import Change
from msgcenter.domain.message import Message, State
from msgcenter.domain.message_id import bucket_of, now_ms
from msgcenter.domain.refusal import Reason, Refusal
from msgcenter.store import audiences, mailboxes, messages
from msgcenter.store.database import Connection, Database
from msgcenter.store.mailboxes import PageChange, PageKey, page_key
from msgcenter.store.status_changes import change_pages

_PAGES_PER_STATEMENT = 5_000
_GONE = {State.RECALLED, State.EXPIRED}


class Decision(NamedTuple):
    """What a decision did: the ids that the app does not have, and whose mailboxes changed."""

    missing: frozenset[int]
    events: list[MailboxEvent]


async def decide(database: Database, app_number: int, message_ids: Sequence[int], *, closed: bool) -> Decision:
    """Close or reopen approvals of an app for all their approvers at once.

    Refuses with NOT_AN_APPROVAL, changing nothing, if one of them is another kind of message.
    """

    async def write(connection: Connection) -> Decision:
        now = now_ms()
        found = [
            message
            for message in await messages.lock_messages(connection, sorted(message_ids))
            if message.app_number == app_number and message.state_at(now) not in _GONE
        ]
        for message in found:
            if not message.approval:
                raise Refusal(Reason.NOT_AN_APPROVAL, message_id=message.id)
        events: list[MailboxEvent] = []
        if found:
            await messages.set_closed(connection, [message.id for message in found], now if closed else None)
            events = await _change_for_all(connection, found, Change.READ if closed else Change.UNREAD, now)
        return Decision(frozenset(message_ids) - {message.id for message in found}, events)

    return await database.in_transaction(write)


async def _change_for_all(
    connection: Connection, approvals: Sequence[Message], change: Change, now: int
) -> list[MailboxEvent]:
    """Set every approver's entry; those whom a fan-out has not reached yet get theirs as it arrives."""
    events = []
    pages: dict[PageKey, set[int]] = defaultdict(set)
    for message in approvals:
        delivered = message.audience[: message.delivered_chunks]
        chunks = await audiences.read_chunks(connection, bucket_of(message.id), delivered)
        for digest in delivered:
            events.append(MailboxEvent("status", message.platform_code, chunks[digest], (message.id,)))
            for user_id in chunks[digest]:
                recipient = Recipient(user_id, message.platform_code)
                pages[page_key(recipient, message.id, message.app_number)].add(message.id)
    keys = sorted(pages)
    for start in range(0, len(keys), _PAGES_PER_STATEMENT):
        part = keys[start : start + _PAGES_PER_STATEMENT]
        changes = {key: PageChange.of(dict.fromkeys(pages[key], change)) for key in part}
        await change_pages(connection, changes, now)
    # One approval at a time: a statement changes a row once only, and several may lie on one page.
    for message in approvals:
        holders = [(key, message.id) for key in keys if message.id in pages[key]]
        if holders:
            await mailboxes.set_open_approvals(connection, holders, is_open=change is Change.UNREAD)
    return events
