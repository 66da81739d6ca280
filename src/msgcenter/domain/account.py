"""Who takes part: the apps that send and the recipients who read."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from msgspec import Struct

from msgcenter.domain.language import Phrase
from msgcenter.domain.refusal import Reason, Refusal

MAX_ORIGINS = 20
"""Websites of an app that may embed the inbox: they stand in a header of its page."""


class App(Struct, frozen=True):
    """A third-party app, as far as a call needs to know it.

    `number` is its key in our own tables, `app_id` the name that it has outside. `platform_code` is its home
    platform; `platforms` are the others that it is authorised for. `app_schemes` are the URL schemes of native
    apps that its home platform allows in appUrl. `webhook_events` is what its webhooks want to be told. `broadcasts` is
    whether it may send to everyone of a platform. An app that is not `live` reaches its sandbox users only. `notices`
    is the app of ours that a platform's announcements are sent as: it takes no calls.
    `rate_limits` are calls per second by API name ("*" for the others), None for the installation's own limit;
    `daily_quota` is messages a day, None for no limit.
    """

    number: int
    app_id: str
    name: str
    platform_code: str
    account: str
    disabled: bool = False
    platforms: frozenset[str] = frozenset()
    app_schemes: frozenset[str] = frozenset()
    webhook_events: frozenset[str] = frozenset()
    broadcasts: bool = True
    live: bool = True
    rate_limits: Mapping[str, int] | None = None
    daily_quota: int | None = None
    notices: bool = False

    @property
    def sandbox_user(self) -> str:
        """The user id whose inbox an app may always write to: nobody's but its developers'."""
        return f"sandbox-{self.app_id}"[:64]

    def calls_per_second(self, api: str, default: int) -> int:
        """Return how often the app may call an API, 0 for no limit; `default` is the installation's own limit."""
        if self.rate_limits is None:
            return default
        return self.rate_limits.get(api, self.rate_limits.get("*", default))

    def check_receivers(self, user_ids: Iterable[str]) -> None:
        """Refuse with NOT_AUTHORISED users whom the app may not reach yet.

        Until an operator lets an app go live it has its sandbox users only: its `sandbox_user`, and that id with a dash
        and anything after it (`sandbox-APP_ID-2`).
        """
        if not self.live and not all(self._is_sandbox_user(user_id) for user_id in user_ids):
            raise Refusal(
                Reason.NOT_AUTHORISED,
                rule=Phrase(
                    f"应用未上线,接收人只能是{self.sandbox_user}",
                    f"until it is live it reaches {self.sandbox_user} only",
                ),
            )

    def _is_sandbox_user(self, user_id: str) -> bool:
        # Without the dash, an app whose id begins with another's would reach that one's sandbox.
        return user_id == self.sandbox_user or user_id.startswith(f"{self.sandbox_user}-")

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
