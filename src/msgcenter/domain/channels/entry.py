"""A message in a mailbox, as channels see it."""

from typing import NamedTuple


class Entry(NamedTuple):
    """A message in a mailbox. Without a read time, it is unread, or the mailbox has not pulled it yet.

    `read_at` is as in `domain.mailbox`; `pulled_to` is how far the mailbox has pulled. A hidden entry comes back at
    `wakes_at` (ms since 1970), or never: its user has deleted it.
    """

    read_at: int | None = None
    pulled_to: int | None = None
    is_hidden: bool = False
    wakes_at: int | None = None

    @property
    def is_withdrawn(self) -> bool:
        """Whether the message was taken back from this mailbox."""
        return self.read_at is not None and self.read_at < 0
