"""A plain model of mailboxes: a dictionary of entries."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from msgcenter.domain.account import Recipient
from msgcenter.domain.message import IDEMPOTENCY_MS, Draft
from msgcenter.domain.refusal import Reason
from msgcenter.store.mailboxes.pages import PageKey, page_key

EntryKey: TypeAlias = tuple[Recipient, int]
"""A recipient and a message id: one entry."""


@dataclass
class ModelMessage:
    """A message of the model."""

    number: int
    draft: Draft
    delivered: bool
    closed_at: int | None = None

    def has_expired(self, now: int) -> bool:
        """Return whether it has expired."""
        return self.draft.expires_at is not None and self.draft.expires_at <= now


@dataclass
class Model:
    """The expected state. `entries` has the read time of each message in each mailbox, None while it is unread."""

    entries: dict[EntryKey, int | None] = field(default_factory=dict)
    archived: set[EntryKey] = field(default_factory=set)
    starred: set[EntryKey] = field(default_factory=set)
    deleted: set[EntryKey] = field(default_factory=set)
    asleep: dict[EntryKey, int] = field(default_factory=dict)
    woken: set[EntryKey] = field(default_factory=set)
    wake_times: set[int] = field(default_factory=set)
    messages: dict[int, ModelMessage] = field(default_factory=dict)
    claims: dict[tuple[int, str], tuple[bytes, int, int]] = field(default_factory=dict)
    pages: dict[PageKey, list[int]] = field(default_factory=lambda: defaultdict(list))

    def send(self, draft: Draft, message_id: int, now: int) -> int | Reason:
        """Store a draft under this id; return the expected answer."""
        if draft.request_id is not None:
            key = (draft.app_number, draft.request_id)
            digest, claimed_id, claimed_at = self.claims.get(key, (b"", 0, 0))
            if claimed_at >= now - IDEMPOTENCY_MS:
                return claimed_id if digest == draft.digest else Reason.REQUEST_ID_REUSED
            self.claims[key] = (draft.digest, message_id, now)
        self.messages[message_id] = ModelMessage(message_id, draft, draft.is_immediate)
        return message_id

    def deliver(self, message_ids: Sequence[int]) -> None:
        """Add messages to the mailboxes of their receivers."""
        for message_id in sorted(message_ids):
            model_message = self.messages[message_id]
            model_message.delivered = True
            for recipient in self.recipients(message_id):
                self.entries[recipient, message_id] = model_message.closed_at
                self.pages[page_key(recipient, message_id, model_message.draft.app_number)].append(message_id)

    def recipients(self, message_id: int) -> list[Recipient]:
        """Return the recipients of a message."""
        draft = self.messages[message_id].draft
        return [draft.platform.recipient(user_id) for user_id in draft.receivers]

    def has(self, recipient: Recipient, message_id: int, now: int, app_number: int | None = None) -> bool:
        """Return whether a mailbox shows a message (of an app)."""
        if (recipient, message_id) not in self.entries or self.messages[message_id].has_expired(now):
            return False
        return app_number in {None, self.messages[message_id].draft.app_number}

    def set_status(self, recipient: Recipient, message_ids: Sequence[int], now: int, *, read: bool) -> None:
        """Set messages of a mailbox read or unread."""
        for message_id in message_ids:
            entry = (recipient, message_id)
            if not read:
                self.entries[entry] = None
                self.archived.discard(entry)
            elif self.entries[entry] is None:
                self.entries[entry] = now

    def snooze(self, recipient: Recipient, message_ids: Sequence[int], now: int, until: int) -> None:
        """Put messages of a mailbox to sleep."""
        self.set_status(recipient, message_ids, now, read=False)
        for entry in [(recipient, message_id) for message_id in message_ids]:
            self.asleep[entry] = until
            self.woken.discard(entry)
        self.wake_times.add(until)

    def delete(self, entries: Collection[EntryKey], *, deleted: bool) -> None:
        """Delete entries, or restore those that are deleted."""
        if not deleted:
            self.deleted.difference_update(entries)
            return
        self.deleted.update(entries)
        for entry in entries:
            self.asleep.pop(entry, None)

    def wake(self, now: int) -> None:
        """Wake what is due."""
        for entry, until in list(self.asleep.items()):
            if until <= now:
                del self.asleep[entry]
                self.woken.add(entry)

    def is_hidden(self, entry: EntryKey) -> bool:
        """Return whether an entry is deleted or asleep."""
        return entry in self.deleted or entry in self.asleep

    def is_first(self, entry: EntryKey) -> bool:
        """Return whether an entry comes first in the list of all."""
        return entry in self.woken and self.entries[entry] is None and not self.is_hidden(entry)

    def live(self, now: int) -> list[EntryKey]:
        """Return all entries that mailboxes show."""
        return [entry for entry in self.entries if self.has(*entry, now)]

    def is_open(self, message_id: int) -> bool:
        """Return whether a message is an undecided approval."""
        model_message = self.messages[message_id]
        return model_message.draft.approval and model_message.closed_at is None
