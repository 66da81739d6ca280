"""What became of a message by channels, as apps may see it."""

import re

_HIDDEN = "***"
_ADDRESS = re.compile(r"[^\s<>()\[\]\"',;:=]+@[^\s<>()\[\]\"',;=]+|\+?\d[\d\- ]{5,}\d")
_MAX_REASON = 200


def without_addresses(reason: str) -> str:
    """Return a gateway's reason without mail addresses and long numbers: apps are not told where people are reached."""
    return _ADDRESS.sub(_HIDDEN, reason)[:_MAX_REASON]
