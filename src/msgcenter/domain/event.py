"""Events after a commit: which mailboxes changed, and how. They are hints; the mailbox is authoritative."""

from collections.abc import Callable, Iterable
from typing import Literal

from msgspec import Struct

EventKind = Literal["message", "status", "removed", "update", "reminder"]


class MailboxEvent(Struct, frozen=True, array_like=True):
    """A change in mailboxes of one platform: messages arrived, changed status, were withdrawn, updated or reminded.

    It concerns `user_ids`, or the subscribers of `topic_number` (`domain.audience.EVERYONE`: all users).
    """

    kind: EventKind
    platform_code: str
    user_ids: tuple[str, ...]
    message_ids: tuple[int, ...]
    topic_number: int | None = None


Listener = Callable[[Iterable[MailboxEvent]], None]
"""A function that gets events after their commit. It must return at once and must not raise.

Events may be made only while they are read, so that those that nobody waits for cost nothing.
"""


def ignore_events(_: Iterable[MailboxEvent]) -> None:
    """A listener that ignores every event."""
