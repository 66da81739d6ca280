"""The audience of a message: receivers by user id, a topic's subscribers, members of organisations, or all users."""

from collections.abc import Iterable
from hashlib import sha256
from typing import TypeAlias, TypeGuard

import msgspec
from msgspec import Struct

EVERYONE = 0
"""The topic number that means all users of a platform.

Numbers of topics start at 1, those of organisations at 2^30, and those of organisations' audiences at 3 * 2^29. Groups
have negative ones.
"""
_FIRST_ORGANISATIONS_NUMBER = 3 << 29
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


class Organisations(Struct, frozen=True):
    """The members of 1-100 organisations at the time of the send, each user once.

    `roles` are the 1-20 roles whose members are meant, None for all. `include_sub` is whether members of the
    organisations below are meant, too. Both tuples are sorted and without duplicates.
    """

    org_ids: tuple[str, ...]
    roles: tuple[str, ...] | None = None
    include_sub: bool = True

    @classmethod
    def of(
        cls, org_ids: Iterable[str], roles: Iterable[str] | None = None, *, include_sub: bool = True
    ) -> "Organisations":
        """Return the members of the organisations with these ids; ids and roles in any order."""
        return cls(receivers_of(org_ids), None if roles is None else receivers_of(roles), include_sub)


class Everyone(Struct, frozen=True):
    """All users who are known to the platform at the time of the send."""


Audience: TypeAlias = Receivers | Topic | Organisations | Everyone


class OrgAudience(Struct, frozen=True):
    """The organisations of an audience by their numbers, ascending; `roles` and `include_sub` as of `Organisations`."""

    org_numbers: tuple[int, ...]
    roles: tuple[str, ...] | None = None
    include_sub: bool = True

    def digest(self) -> bytes:
        """Return a hash of the audience. Numbers of organisations are unique over all platforms."""
        return sha256(msgspec.json.encode(self)).digest()


def is_org_audience(topic_number: int | None) -> TypeGuard[int]:
    """Return whether the number that a message is addressed to is that of an audience of organisations."""
    return topic_number is not None and topic_number >= _FIRST_ORGANISATIONS_NUMBER


def receivers_of(user_ids: Iterable[str]) -> tuple[str, ...]:
    """Return user ids sorted and without duplicates."""
    # Most lists are sorted and have no duplicates: sorting these takes no time, and they need no second list.
    ordered = sorted(user_ids)
    return tuple(ordered if len(set(ordered)) == len(ordered) else dict.fromkeys(ordered))
