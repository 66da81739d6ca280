"""Links and tokens that know their person: sealed by this installation, so nobody else can make or read one."""

from base64 import urlsafe_b64encode
from typing import NamedTuple

import msgspec

from msgcenter.domain.account import Recipient
from msgcenter.domain.channels.codes import Channel
from msgcenter.domain.channels.sealing import Sealing
from msgcenter.domain.channels.subscription import decoded_base64url
from msgcenter.domain.message_id import now_ms

LINK_MS = 7 * 86_400_000
"""How long a link to the inbox works."""
_OPEN = "open"
_UNSUBSCRIBE = "unsubscribe"
_RENEW = "renew"
"""What tokens are bound to, so that none can be used as one of the other kind."""
MAX_TOKEN = 1_000


class InboxLink(NamedTuple):
    """What a link to the inbox says. `message_id` is None for the inbox as a whole; `until` is ms since 1970."""

    platform_code: str
    user_id: str
    message_id: int | None
    until: int


class UnsubscribeLink(NamedTuple):
    """What the link of a mail that turns a channel off says. It works for as long as the mail is kept."""

    platform_code: str
    user_id: str
    channel: Channel


class Renewal(NamedTuple):
    """What lets a browser replace its push subscription without a user token, for as long as there is `digest`."""

    platform_code: str
    user_id: str
    digest: bytes


class SignedLinks:
    """Makes the links of notes (`links.Links`). `public_url` has no slash at its end."""

    def __init__(self, public_url: str, sealing: Sealing) -> None:
        self._public_url = public_url
        self._sealing = sealing

    def message(self, recipient: Recipient, message_id: int, inbox_url: str | None) -> str:
        """Return the link that opens a message: in the platform's own inbox, else in the page `/inbox`."""
        if inbox_url is not None:
            return inbox_url.replace("{msgId}", str(message_id))
        return self._inbox(recipient, message_id)

    def inbox(self, recipient: Recipient, inbox_url: str | None) -> str:
        """Return the link that opens the inbox."""
        if inbox_url is not None:
            return inbox_url.replace("{msgId}", "")
        return self._inbox(recipient, None)

    def _inbox(self, recipient: Recipient, message_id: int | None) -> str:
        link = InboxLink(recipient.platform_code, recipient.user_id, message_id, now_ms() + LINK_MS)
        return f"{self._public_url}/inbox#link={self._token(_OPEN, link)}"

    def unsubscribe(self, recipient: Recipient, channel: Channel) -> str:
        """Return the link that turns a channel off for a person."""
        link = UnsubscribeLink(recipient.platform_code, recipient.user_id, channel)
        return f"{self._public_url}/inbox/unsubscribe?t={self._token(_UNSUBSCRIBE, link)}"

    def _token(self, kind: str, content: InboxLink | UnsubscribeLink) -> str:
        return _sealed(self._sealing, kind, content)


def renewal_token(sealing: Sealing, renewal: Renewal) -> str:
    """Return the token of a renewal."""
    return _sealed(sealing, _RENEW, renewal)


def open_inbox_link(sealing: Sealing, token: str) -> InboxLink:
    """Return what a link to the inbox says, ended or not. Raises ValueError, or the error of the sealing."""
    return msgspec.json.decode(_opened(sealing, _OPEN, token), type=InboxLink)


def open_unsubscribe_link(sealing: Sealing, token: str) -> UnsubscribeLink:
    """Return what the link of a mail says. Raises ValueError, or the error of the sealing."""
    return msgspec.json.decode(_opened(sealing, _UNSUBSCRIBE, token), type=UnsubscribeLink)


def open_renewal(sealing: Sealing, token: str) -> Renewal:
    """Return what a renewal's token says. Raises ValueError, or the error of the sealing."""
    return msgspec.json.decode(_opened(sealing, _RENEW, token), type=Renewal)


def _sealed(sealing: Sealing, kind: str, content: InboxLink | UnsubscribeLink | Renewal) -> str:
    sealed = sealing.seal_value("link", kind, msgspec.json.encode(content).decode())
    return urlsafe_b64encode(sealed).rstrip(b"=").decode()


def _opened(sealing: Sealing, kind: str, token: str) -> str:
    if len(token) > MAX_TOKEN:
        raise ValueError("too long for a token")
    return sealing.open_value("link", kind, decoded_base64url(token))
