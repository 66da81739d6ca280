"""The audience of a message: recipients, a topic, or everyone (protocol, "sendMsg")."""

from collections.abc import Iterable
from typing import Any, Final, TypeAlias

from msgspec import Struct


class Topic(Struct, frozen=True):
    """The subscribers of the topic `name` (1-64 characters)."""

    name: str


class Everyone(Struct, frozen=True):
    """Every user of the platform."""


EVERYONE: Final = Everyone()

Audience: TypeAlias = str | Iterable[str] | Topic | Everyone
"""One user id, up to 10,000 user ids (1-64 characters each), a `Topic`, or `EVERYONE`."""


def audience_fields(audience: Audience) -> dict[str, Any]:
    """Return the sendMsg fields that address `audience`."""
    match audience:
        case str():
            return {"receiverIds": [audience]}
        case Topic():
            return {"topic": audience.name}
        case Everyone():
            return {"toAll": True}
        case _:
            return {"receiverIds": list(audience)}
