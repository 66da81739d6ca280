"""The apps that send and the recipients who read."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple
from zlib import crc32

from msgspec import Struct

from msgcenter.domain.language import Phrase
from msgcenter.domain.refusal import Reason, Refusal

MAX_ORIGINS = 20
"""Maximum of an app's websites that may embed the inbox; they are listed in a header of its page."""
MAX_CELLS = 1_024
"""Maximum of a platform's cells."""
AppVersion = tuple[int, int]
"""The number of an app and the version of its row."""


class Platform(NamedTuple):
    """A platform and its cells: the numbers from `first_cell` on, `cells` of them.

    A cell is the unit in which data lives together (docs/decisions/0021-cells.md). Each user has one; messages are in
    the first.
    """

    code: str
    first_cell: int
    cells: int = 1

    @property
    def all_cells(self) -> range:
        """The numbers of its cells."""
        return range(self.first_cell, self.first_cell + self.cells)

    def cell_of(self, user_id: str) -> int:
        """Return the cell of a user. It never changes: the hash is stable, and so is the number of cells."""
        if self.cells == 1:
            return self.first_cell
        return self.first_cell + crc32(user_id.encode()) % self.cells

    def recipient(self, user_id: str) -> "Recipient":
        """Return a user of the platform as a recipient."""
        return Recipient(self.cell_of(user_id), user_id, self)


class Recipient(NamedTuple):
    """The owner of a mailbox: a user of a platform. It sorts like the primary key of the mailbox table."""

    cell: int
    user_id: str
    platform: Platform

    @property
    def platform_code(self) -> str:
        """The code of the platform."""
        return self.platform.code


class AppChangedError(Refusal):
    """The app may have changed since it was read, and so may have its token. Read both again, and repeat the call."""

    def __init__(self) -> None:
        super().__init__(Reason.TOKEN_UNKNOWN)


class App(Struct, frozen=True):
    """A third-party app, with what a call needs.

    `number` is its internal key, `app_id` its public id. `platform` is its home platform; `platforms` are the other
    platforms that it is authorised for, by their codes. `app_schemes` are the URL schemes of native apps that its home
    platform allows in appUrl. `webhook_events` are the event types that its webhooks want. `broadcasts` is whether it
    may send to all users of a platform. An app that is not `live` can only message its sandbox users. `notices` marks
    the product's own app that sends announcements; it makes no calls. `rate_limits` are calls per second by API name
    ("*" for the others), None for the installation's limit. `daily_quota` is messages per day, None for no limit.
    `directory` is whether it may use the calls about the directory, `urgent` whether it may send urgent messages.

    `version` is set only if the app was not read for this call, but a moment before: whatever the call changes must
    compare it (`Tokens.recent`).
    """

    number: int
    app_id: str
    name: str
    platform: Platform
    account: str
    disabled: bool = False
    platforms: Mapping[str, Platform] = {}
    app_schemes: frozenset[str] = frozenset()
    webhook_events: frozenset[str] = frozenset()
    broadcasts: bool = True
    live: bool = True
    rate_limits: Mapping[str, int] | None = None
    daily_quota: int | None = None
    notices: bool = False
    directory: bool = False
    urgent: bool = False
    version: int | None = None

    @property
    def platform_code(self) -> str:
        """The code of its home platform."""
        return self.platform.code

    @property
    def sandbox_user(self) -> str:
        """The user id that an app may always send to; only its developers use it."""
        return f"sandbox-{self.app_id}"[:64]

    def calls_per_second(self, api: str, default: int) -> int:
        """Return the app's calls per second for an API, 0 for no limit; `default` is the installation's limit."""
        if self.rate_limits is None:
            return default
        return self.rate_limits.get(api, self.rate_limits.get("*", default))

    def check_receivers(self, user_ids: Iterable[str]) -> None:
        """Refuse with NOT_AUTHORISED users that the app may not send to yet.

        Until an operator approves an app, it can only message its sandbox users: `sandbox_user`, and ids that continue
        it with a dash (`sandbox-APP_ID-2`).
        """
        if not self.live and not all(self._is_sandbox_user(user_id) for user_id in user_ids):
            raise Refusal(
                Reason.NOT_AUTHORISED,
                rule=Phrase(
                    f"应用未上线,接收人只能是{self.sandbox_user}",
                    f"until it is live, it can only message {self.sandbox_user}",
                ),
            )

    def _is_sandbox_user(self, user_id: str) -> bool:
        # Without the dash, an app whose id starts with another app's id would reach that app's sandbox.
        return user_id == self.sandbox_user or user_id.startswith(f"{self.sandbox_user}-")

    def platform_for(self, platform_code: str | None) -> Platform:
        """Return the platform of a call: the requested one, or the app's own if none is requested.

        Refuses with NOT_AUTHORISED a platform that the app is not authorised for (docs/protocol.md, sendMsg).
        """
        if platform_code is None or platform_code == self.platform.code:
            return self.platform
        platform = self.platforms.get(platform_code)
        if platform is None:
            raise Refusal(
                Reason.NOT_AUTHORISED,
                rule=Phrase(f"平台{platform_code}未授权", f"platform {platform_code} is not granted"),
            )
        return platform

    def directory_platform(self, platform_code: str | None) -> Platform:
        """Return the platform of a call about the directory, as `platform_for` does.

        Refuses with NOT_AUTHORISED an app that may not use these calls, too.
        """
        if not self.directory:
            raise Refusal(
                Reason.NOT_AUTHORISED,
                rule=Phrase("未获通讯录接口(directory)权限", "the directory API is not granted"),
            )
        return self.platform_for(platform_code)
