"""How status changes merge before they reach a mailbox page.

A page holds up to `PAGE_LIMIT` consecutive messages of one app to one recipient: their ids, and for each the
time it was read. An entry's `read_at` is NULL while unread, a positive time in ms once read, and negative
after its message was withdrawn (recalled or expired): it is then not counted, and status changes ignore it.
"""

from enum import IntEnum

PAGE_LIMIT = 100
"""Entries of a page after which the next part starts. It keeps a row under 2 kB, so that the row stays in its table and
every status change can be heap-only. Two concurrent appends may exceed it by their own length."""

WITHDRAWN_UNREAD = -1
"""`read_at` of an entry that was unread when its message was withdrawn; a read one keeps its time, negated."""


class EntryChange(IntEnum):
    """The change of one entry when a batch of calls is applied at once."""

    UNREAD = 0
    READ = 1
    """Read now, unless it was read before: the first read time is kept."""
    READ_AFRESH = 2
    """Read now even if it was read before: inside the batch it was set unread in between."""


def merge(earlier: EntryChange | None, later: EntryChange) -> EntryChange:
    """Return the single change that is equivalent to `earlier` followed by `later`.

    >>> merge(EntryChange.UNREAD, EntryChange.READ).name
    'READ_AFRESH'
    >>> merge(EntryChange.READ, EntryChange.UNREAD).name
    'UNREAD'
    """
    if later is EntryChange.READ and earlier in {EntryChange.UNREAD, EntryChange.READ_AFRESH}:
        return EntryChange.READ_AFRESH
    return later
