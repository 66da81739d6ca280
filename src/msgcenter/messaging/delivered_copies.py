"""The delivered copies of a direct message: its entries in all mailboxes that it has reached."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from msgcenter.database.database import Connection
from msgcenter.domain.event import EventKind, MailboxEvent
from msgcenter.domain.mailbox import EntryChange
from msgcenter.domain.message import AudienceChunk, Message
from msgcenter.domain.message_id import bucket_of
from msgcenter.store.mailboxes.pages import PageKey
from msgcenter.store.mailboxes.read_states import PageChange
from msgcenter.store.messages import audiences

_ENTRIES_PER_STATEMENT = 5_000


class Copies(NamedTuple):
    """A message and the users that it has reached: for each audience chunk its cell and the user ids."""

    message: Message
    chunks: list[tuple[int, tuple[str, ...]]]

    @property
    def keys(self) -> list[PageKey]:
        """The keys of the pages that hold the copies, sorted."""
        bucket, app_number = bucket_of(self.message.id), self.message.app_number
        return sorted(
            PageKey(cell, user_id, bucket, app_number) for cell, user_ids in self.chunks for user_id in user_ids
        )

    def events(self, kind: EventKind) -> list[MailboxEvent]:
        """Return the live events of these mailboxes, one for each chunk."""
        return [
            MailboxEvent(kind, self.message.platform_code, user_ids, (self.message.id,)) for _, user_ids in self.chunks
        ]


async def delivered_copies(connection: Connection, message: Message) -> Copies:
    """Return the copies of a message that are in mailboxes. Chunks that a fan-out has not reached yet are left out."""
    (copies,) = await copies_of_all(connection, [message])
    return copies


async def copies_of_all(connection: Connection, messages: Sequence[Message]) -> list[Copies]:
    """Return the copies of each of the messages. Takes a statement for each bucket and cell."""
    chunks: dict[int, set[AudienceChunk]] = {}
    for message in messages:
        chunks.setdefault(bucket_of(message.id), set()).update(_delivered(message))
    user_ids = {bucket: await audiences.read_chunks(connection, bucket, chunks[bucket]) for bucket in chunks}
    return [
        Copies(message, [(chunk.cell, user_ids[bucket_of(message.id)][chunk]) for chunk in _delivered(message)])
        for message in messages
    ]


def _delivered(message: Message) -> tuple[AudienceChunk, ...]:
    return message.audience[: message.delivered_chunks]


def statements_of(entries: Sequence[tuple[PageKey, int]]) -> Iterator[Sequence[tuple[PageKey, int]]]:
    """Cut sorted entries into parts for one statement each, of one cell. Entries of the same page stay together."""
    for _, cell_entries in groupby(entries, key=lambda entry: entry[0].cell):
        part = list(cell_entries)
        start = 0
        while start < len(part):
            end = min(start + _ENTRIES_PER_STATEMENT, len(part))
            while end < len(part) and part[end][0] == part[end - 1][0]:
                end += 1
            yield part[start:end]
            start = end


def same_change(entries: Sequence[tuple[PageKey, int]], change: EntryChange) -> dict[PageKey, PageChange]:
    """Return the page changes that apply one change to each of these entries."""
    ids: dict[PageKey, dict[int, EntryChange]] = {}
    for key, message_id in entries:
        ids.setdefault(key, {})[message_id] = change
    return {key: PageChange.of(changes) for key, changes in ids.items()}
