"""What is told after a commit: which mailboxes changed, and how. A hint; the mailbox is the truth."""

from collections.abc import Callable, Sequence
from typing import Literal

from msgspec import Struct

EventKind = Literal["message", "status", "removed", "update", "reminder"]


class MailboxEvent(Struct, frozen=True, array_like=True):
    """Messages have arrived in mailboxes of one platform, changed their state there, were withdrawn, updated, or their
    readers are reminded.

    It concerns the users named, or those of a topic (`domain.audience.EVERYONE`: all of the platform).
    """

    kind: EventKind
    platform_code: str
    user_ids: tuple[str, ...]
    message_ids: tuple[int, ...]
    topic_number: int | None = None


Listener = Callable[[Sequence[MailboxEvent]], None]
"""Takes events after their commit; must return at once and raise nothing."""


def ignore_events(_: Sequence[MailboxEvent]) -> None:
    """Be the listener where nobody listens."""
