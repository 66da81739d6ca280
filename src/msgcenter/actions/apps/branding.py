"""An app's name and colour, as a request for another one keeps them."""

import msgspec
from msgspec import Struct


class Branding(Struct, frozen=True):
    """What users see of an app. `colour` is six hex digits, None for one by the name."""

    name: str
    colour: str | None

    def as_text(self) -> str:
        """Return it as JSON."""
        return msgspec.json.encode(self).decode()

    @classmethod
    def of(cls, text: str) -> "Branding":
        """Return what `as_text` gave."""
        return msgspec.json.decode(text, type=cls)
