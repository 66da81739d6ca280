"""The delivered copies of a direct message: its entries in all mailboxes that it has reached."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from msgcenter.database.database import Connection
from msgcenter.domain.account import Recipient
from msgcenter.domain.event import EventKind, MailboxEvent
from msgcenter.domain.mailbox import EntryChange
from msgcenter.domain.message import Message
from msgcenter.domain.message_id import bucket_of
from msgcenter.store.mailboxes.pages import PageKey, page_key
from msgcenter.store.mailboxes.read_states import PageChange
from msgcenter.store.messages import audiences

_ENTRIES_PER_STATEMENT = 5_000


class Copies(NamedTuple):
    """A message and the user ids that it has reached, by audience chunk."""

    message: Message
    chunks: list[tuple[str, ...]]

    @property
    def keys(self) -> list[PageKey]:
        """The keys of the pages that hold the copies, sorted."""
        message = self.message
        return sorted(
            page_key(Recipient(user_id, message.platform_code), message.id, message.app_number)
            for chunk in self.chunks
            for user_id in chunk
        )

    def events(self, kind: EventKind) -> list[MailboxEvent]:
        """Return the live events of these mailboxes, one for each chunk."""
        return [MailboxEvent(kind, self.message.platform_code, chunk, (self.message.id,)) for chunk in self.chunks]


async def delivered_copies(connection: Connection, message: Message) -> Copies:
    """Return the copies of a message that are in mailboxes. Chunks that a fan-out has not reached yet are left out."""
    (copies,) = await copies_of_all(connection, [message])
    return copies


async def copies_of_all(connection: Connection, messages: Sequence[Message]) -> list[Copies]:
    """Return the copies of each of the messages. Takes a statement for each bucket."""
    digests: dict[int, set[bytes]] = {}
    for message in messages:
        digests.setdefault(bucket_of(message.id), set()).update(_delivered(message))
    chunks = {bucket: await audiences.read_chunks(connection, bucket, sorted(digests[bucket])) for bucket in digests}
    return [
        Copies(message, [chunks[bucket_of(message.id)][digest] for digest in _delivered(message)])
        for message in messages
    ]


def _delivered(message: Message) -> tuple[bytes, ...]:
    return message.audience[: message.delivered_chunks]


def statements_of(entries: Sequence[tuple[PageKey, int]]) -> Iterator[Sequence[tuple[PageKey, int]]]:
    """Cut sorted entries into parts for one statement each. Entries of the same page stay together."""
    start = 0
    while start < len(entries):
        end = min(start + _ENTRIES_PER_STATEMENT, len(entries))
        while end < len(entries) and entries[end][0] == entries[end - 1][0]:
            end += 1
        yield entries[start:end]
        start = end


def same_change(entries: Sequence[tuple[PageKey, int]], change: EntryChange) -> dict[PageKey, PageChange]:
    """Return the page changes that apply one change to each of these entries."""
    ids: dict[PageKey, dict[int, EntryChange]] = {}
    for key, message_id in entries:
        ids.setdefault(key, {})[message_id] = change
    return {key: PageChange.of(changes) for key, changes in ids.items()}
