"""How secrets of channels are sealed: each value is bound to where it is stored, so that it opens nowhere else."""

from typing import Literal, Protocol

from msgcenter.domain.channels.codes import Channel, ContactKind

Purpose = Literal["contact", "gateway", "push", "link"]
"""What a sealed value is for; each has its own key."""


class Sealing(Protocol):
    """Seals values with the installation's secret key."""

    def seal_value(self, purpose: Purpose, binding: str, value: str) -> bytes:
        """Return a value encrypted, and bound to the place that `binding` names."""
        ...

    def open_value(self, purpose: Purpose, binding: str, sealed: bytes) -> str:
        """Return the value. Raises an error if it was sealed with another key, or for another place."""
        ...


def contact_binding(platform_code: str, user_id: str, kind: ContactKind) -> str:
    """Return the binding of a user's contact point."""
    return f"{platform_code}\0{user_id}\0{kind}"


def gateway_binding(platform_code: str, channel: Channel) -> str:
    """Return the binding of a gateway's configuration."""
    return f"{platform_code}\0{channel}"


def push_binding(platform_code: str, user_id: str) -> str:
    """Return the binding of a user's push subscriptions."""
    return f"{platform_code}\0{user_id}"
