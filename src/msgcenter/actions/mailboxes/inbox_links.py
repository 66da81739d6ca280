"""Links in mails and other channels: each opens the inbox of the person whom it was sent to."""

from typing import NamedTuple

from msgcenter.actions.apps.key_ring import KeyRing, WrongSecretKeyError
from msgcenter.actions.mailboxes.inbox_reads import InboxReads
from msgcenter.actions.mailboxes.inbox_views import InboxMessage, InboxQuery
from msgcenter.actions.mailboxes.user_tokens import UserToken, UserTokens, Viewer
from msgcenter.database.database import Database
from msgcenter.domain.account import App, Recipient
from msgcenter.domain.channels.signed_links import InboxLink, open_inbox_link
from msgcenter.domain.message_id import now_ms
from msgcenter.store.apps.apps import find_app
from msgcenter.store.apps.platforms import find_platforms

_TTL = 3_600
"""Seconds for which the token of a link is valid."""


class OpenedLink(NamedTuple):
    """A user token, and the message that the link leads to; None for the inbox as a whole."""

    token: UserToken
    message_id: int | None


class InboxLinks:
    """Exchanges signed links for user tokens."""

    def __init__(self, database: Database, keys: KeyRing, inbox: InboxReads, user_tokens: UserTokens) -> None:
        self._database = database
        self._keys = keys
        self._inbox = inbox
        self._user_tokens = user_tokens

    async def open(self, token: str) -> OpenedLink | None:
        """Return a token for the person of a link, and its message; None if the link is none or has ended.

        The token is one of the app that has sent the message, with the scope of this app: a link gives no more than its
        app could. If the message is gone, it is the app of the user's newest message. A link never makes a user known:
        that of a user who was removed opens nothing.
        """
        link = self._opened(token)
        if link is None:
            return None
        async with self._database.connection() as connection:
            platform = (await find_platforms(connection)).get(link.platform_code)
        if platform is None:
            return None
        recipient = platform.recipient(link.user_id)
        message = await self._message(recipient, link.message_id)
        app = None if message is None else await self._app(message.app.app_id)
        if app is None or app.disabled:
            return None
        issued = await self._user_tokens.issue_to_known(app, link.user_id, platform_code=link.platform_code, ttl=_TTL)
        return OpenedLink(issued, link.message_id)

    def _opened(self, token: str) -> InboxLink | None:
        try:
            link = open_inbox_link(self._keys, token)
        except (ValueError, WrongSecretKeyError):
            return None
        return link if link.until > now_ms() else None

    async def _message(self, recipient: Recipient, message_id: int | None) -> InboxMessage | None:
        viewer = Viewer(recipient, app_number=None, origins=(), frames=(), expires_at=0)
        if message_id is not None and (messages := await self._inbox.find(viewer, [message_id])):
            return messages[0]
        newest = (await self._inbox.read_list(viewer, InboxQuery(limit=1))).page.items
        return newest[0] if newest else None

    async def _app(self, app_id: str) -> App | None:
        async with self._database.connection() as connection:
            record = await find_app(connection, app_id)
        return None if record is None else record.app
