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


class PlainLinks:
    """Links to the inbox page of the server at `public_url`, which has no slash at its end. They hold no token."""

    def __init__(self, public_url: str) -> None:
        self._public_url = public_url

    def message(self, recipient: Recipient, message_id: int, inbox_url: str | None) -> str:
        """Return the link that opens a message."""
        del recipient
        if inbox_url is not None:
            return inbox_url.replace("{msgId}", str(message_id))
        return f"{self._public_url}/inbox#message={message_id}"

    def inbox(self, recipient: Recipient, inbox_url: str | None) -> str:
        """Return the link that opens the inbox."""
        del recipient
        return f"{self._public_url}/inbox" if inbox_url is None else inbox_url.replace("{msgId}", "")

    def unsubscribe(self, recipient: Recipient, channel: Channel) -> str | None:
        """Return None: nobody is known by a link."""
        del recipient, channel
        return None
