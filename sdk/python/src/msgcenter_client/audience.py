"""The audience of a message: recipients, a topic, organisations, or everyone (protocol, "sendMsg")."""

from collections.abc import Iterable
from typing import Any, Final, TypeAlias

from msgspec import Struct


class Topic(Struct, frozen=True):
    """The subscribers of the topic `name` (1-64 characters)."""

    name: str


class Organisations(Struct, frozen=True):
    """The members of organisations of the platform's directory, each user once.

    ids: one organisation id, or up to 100. roles: only members with one of these 1-20 roles; empty: all members.
    include_sub: whether members of the organisations below are included.
    """

    ids: str | Iterable[str]
    roles: Iterable[str] = ()
    include_sub: bool = True


class Everyone(Struct, frozen=True):
    """Every user of the platform."""


EVERYONE: Final = Everyone()

Audience: TypeAlias = str | Iterable[str] | Topic | Organisations | Everyone
"""One user id, up to 10,000 user ids (1-64 characters each), a `Topic`, `Organisations`, or `EVERYONE`."""


def audience_fields(audience: Audience) -> dict[str, Any]:
    """Return the sendMsg fields that address `audience`."""
    match audience:
        case str():
            return {"receiverIds": [audience]}
        case Topic():
            return {"topic": audience.name}
        case Organisations(ids, roles, include_sub):
            fields: dict[str, Any] = {"orgIds": [ids] if isinstance(ids, str) else list(ids)}
            if role_codes := list(roles):
                fields["roles"] = role_codes
            return fields if include_sub else {**fields, "includeSub": False}
        case Everyone():
            return {"toAll": True}
        case _:
            return {"receiverIds": list(audience)}
