"""Who takes part: the apps that send and the recipients who read."""

from typing import NamedTuple

from msgspec import Struct

from msgcenter.domain.language import Phrase
from msgcenter.domain.refusal import Reason, Refusal


class App(Struct, frozen=True):
    """A third-party app, as far as a call needs to know it.

    `number` is its key in our own tables, `app_id` the name that it has outside. `platform_code` is its home
    platform; `platforms` are the others that it is authorised for. `app_schemes` are the URL schemes of native
    apps that its home platform allows in appUrl.
    """

    number: int
    app_id: str
    name: str
    platform_code: str
    account: str
    disabled: bool = False
    platforms: frozenset[str] = frozenset()
    app_schemes: frozenset[str] = frozenset()

    def platform_for(self, asked: str | None) -> str:
        """Return the platform that a call is about: the one asked for, or else the app's own.

        Refuses with NOT_AUTHORISED a platform that the app is not authorised for (docs/protocol.md, sendMsg).
        """
        if asked is None or asked == self.platform_code:
            return self.platform_code
        if asked not in self.platforms:
            raise Refusal(
                Reason.NOT_AUTHORISED,
                rule=Phrase(f"平台{asked}未授权", f"platform {asked} is not open to it"),
            )
        return asked


class Recipient(NamedTuple):
    """One mailbox: a user of a platform. Sorts as the mailbox table's primary key does."""

    user_id: str
    platform_code: str
