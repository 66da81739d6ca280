"""Where the links of a note lead."""

from typing import Protocol

from msgcenter.domain.account import Recipient
from msgcenter.domain.channels.codes import Channel


class Links(Protocol):
    """Makes the links of a note to one person."""

    def message(self, recipient: Recipient, message_id: int, inbox_url: str | None) -> str:
        """Return the link that opens a message in the inbox; `inbox_url` is the platform's own, with {msgId}."""
        ...

    def inbox(self, recipient: Recipient, inbox_url: str | None) -> str:
        """Return the link that opens the inbox."""
        ...

    def unsubscribe(self, recipient: Recipient, channel: Channel) -> str | None:
        """Return the link that turns a channel off for a person; None if there is none."""
        ...
