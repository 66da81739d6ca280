"""An app's name and icon colour: what users see of it."""

import re

import msgspec
from msgspec import Struct

from msgcenter.database.database import Connection
from msgcenter.domain.app_name import check_app_name
from msgcenter.domain.refusal import malformed
from msgcenter.store.apps.platforms import platform_names

_COLOUR = re.compile("[0-9a-f]{6}")


class Branding(Struct, frozen=True):
    """A name and a colour that a developer requests. `colour` is six hex digits, None for one chosen by the appId."""

    name: str
    colour: str | None

    def as_text(self) -> str:
        """Return it as JSON."""
        return msgspec.json.encode(self).decode()

    @classmethod
    def of(cls, text: str) -> "Branding":
        """Return what `as_text` returned."""
        return msgspec.json.decode(text, type=cls)


async def check_branding(connection: Connection, name: str, colour: str | None) -> None:
    """Refuse with FIELD_MALFORMED (name, colour) a name that no app may have, or a colour that is not hex."""
    check_app_name(name, await platform_names(connection))
    if colour is not None and not _COLOUR.fullmatch(colour):
        raise malformed("colour", "须为六位十六进制,例如2f6fde", "must be six hex digits, like 2f6fde")
