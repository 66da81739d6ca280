"""The audience of a message: receivers by user id, the subscribers of a topic, or all users of a platform."""

from collections.abc import Iterable
from typing import TypeAlias

from msgspec import Struct

EVERYONE = 0
"""The topic number that means all users of a platform; numbers of topics start at 1."""
MAX_SUBSCRIPTIONS = 1_000
"""Maximum of user ids in a subscribe or unsubscribe call (docs/protocol.md)."""


class Receivers(Struct, frozen=True):
    """The users with these ids, sorted and without duplicates: the order that locks, chunks and pages share."""

    user_ids: tuple[str, ...]

    @classmethod
    def of(cls, user_ids: Iterable[str]) -> "Receivers":
        """Return the users with these ids, in any order."""
        return cls(receivers_of(user_ids))


class Topic(Struct, frozen=True):
    """The subscribers of one of the app's topics at the time of the send. Names are 1-64 characters."""

    name: str


class Everyone(Struct, frozen=True):
    """All users who are known to the platform at the time of the send."""


Audience: TypeAlias = Receivers | Topic | Everyone


def receivers_of(user_ids: Iterable[str]) -> tuple[str, ...]:
    """Return user ids sorted and without duplicates."""
    # Most lists are sorted, and sorting these takes no time; a set would lose their order first.
    return tuple(dict.fromkeys(sorted(user_ids)))
