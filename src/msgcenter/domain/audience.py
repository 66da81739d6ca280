"""Whom a message is for: receivers by their user ids, a topic's subscribers, or everyone of a platform."""

from collections.abc import Iterable
from typing import TypeAlias

from msgspec import Struct

EVERYONE = 0
"""The topic number that stands for everyone of a platform; real topics count from 1."""
MAX_SUBSCRIPTIONS = 1_000
"""User ids in one call that subscribes or unsubscribes (docs/protocol.md)."""


class Receivers(Struct, frozen=True):
    """The users with these ids, sorted and without duplicates: the order that locks, chunks and pages share."""

    user_ids: tuple[str, ...]

    @classmethod
    def of(cls, user_ids: Iterable[str]) -> "Receivers":
        """Return the users with these ids, in any order."""
        return cls(receivers_of(user_ids))


class Topic(Struct, frozen=True):
    """Whoever is subscribed to one of the app's topics when the message goes out. Names are 1-64 characters."""

    name: str


class Everyone(Struct, frozen=True):
    """Every user whom the platform knows when the message goes out."""


Audience: TypeAlias = Receivers | Topic | Everyone


def receivers_of(user_ids: Iterable[str]) -> tuple[str, ...]:
    """Return user ids sorted and without duplicates."""
    return tuple(sorted(set(user_ids)))
