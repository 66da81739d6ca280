"""The settings of an app, one at a time."""

import re
from collections.abc import Mapping, Sequence

from msgcenter.actions.apps.app_change import change_app
from msgcenter.actions.apps.branding import check_branding
from msgcenter.database.database import Connection, Database
from msgcenter.domain.account import MAX_ORIGINS
from msgcenter.domain.app_name import MAX_APP_NAME
from msgcenter.domain.language import Phrase
from msgcenter.domain.person import COMMAND, Actor
from msgcenter.domain.refusal import Reason, Refusal, malformed
from msgcenter.store.apps import apps
from msgcenter.store.apps.apps import AppRecord, InboxScope
from msgcenter.store.apps.platforms import platform_codes

_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?")
MAX_RATE = 100_000
MAX_QUOTA = 2_000_000_000


class AppSettings:
    """Changes the settings of apps. Every call refuses as `change_app` does, and returns the app after the change."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def set_inbox(
        self,
        app_id: str,
        *,
        scope: InboxScope | None = None,
        origins: Sequence[str] | None = None,
        by: Actor = COMMAND,
    ) -> AppRecord:
        """Set what an app's user tokens can see, and which websites can embed the inbox; None keeps it.

        Refuses with FIELD_MALFORMED (origin) an origin that is not like `https://school.example.edu`, and with
        TOO_MANY_ITEMS more than 20 of them.
        """
        for origin in origins or ():
            if not _ORIGIN.fullmatch(origin):
                raise malformed("origin", "须形如https://school.example.edu", "must be like https://school.example.edu")
        sorted_origins = None if origins is None else sorted(set(origins))
        if sorted_origins is not None and len(sorted_origins) > MAX_ORIGINS:
            rule = Phrase(f"最多{MAX_ORIGINS}个", f"at most {MAX_ORIGINS}")
            raise Refusal(Reason.TOO_MANY_ITEMS, field="origin", rule=rule)

        async def write(connection: Connection) -> None:
            if scope is not None:
                await apps.set_inbox_scope(connection, app_id, scope)
            if sorted_origins is not None:
                await apps.set_origins(connection, app_id, sorted_origins)

        detail = {"scope": scope, "origins": sorted_origins}
        changes = {name: value for name, value in detail.items() if value is not None}
        return await change_app(self._database, app_id, by, "app.inbox", write, **changes)

    async def set_branding(self, app_id: str, name: str, colour: str | None, *, by: Actor = COMMAND) -> AppRecord:
        """Set an app's name and the colour of its icon (like `2f6fde`; None: chosen by its id).

        Refuses with FIELD_MALFORMED as `check_branding` does.
        """

        async def write(connection: Connection) -> None:
            await check_branding(connection, name, colour)
            await apps.set_branding(connection, app_id, name, colour)

        return await change_app(self._database, app_id, by, "app.face", write, name=name, colour=colour)

    async def set_broadcasts(self, app_id: str, *, allowed: bool, by: Actor = COMMAND) -> AppRecord:
        """Set whether an app can send to everyone on a platform."""
        return await change_app(
            self._database,
            app_id,
            by,
            "app.broadcasts",
            lambda connection: apps.set_broadcasts(connection, app_id, allowed=allowed),
            allowed=allowed,
        )

    async def set_directory(self, app_id: str, *, allowed: bool, by: Actor = COMMAND) -> AppRecord:
        """Set whether an app may use the calls about the directory."""
        return await change_app(
            self._database,
            app_id,
            by,
            "app.directory",
            lambda connection: apps.set_directory(connection, app_id, allowed=allowed),
            allowed=allowed,
        )

    async def set_urgent(self, app_id: str, *, allowed: bool, by: Actor = COMMAND) -> AppRecord:
        """Set whether an app may send messages of urgent types."""
        return await change_app(
            self._database,
            app_id,
            by,
            "app.urgent",
            lambda connection: apps.set_urgent(connection, app_id, allowed=allowed),
            allowed=allowed,
        )

    async def set_live(self, app_id: str, *, live: bool, by: Actor = COMMAND) -> AppRecord:
        """Set whether an app can message all users of its platforms, or only its sandbox users."""
        return await change_app(
            self._database,
            app_id,
            by,
            "app.live",
            lambda connection: apps.set_live(connection, app_id, live=live),
            live=live,
        )

    async def set_platforms(self, app_id: str, codes: Sequence[str], *, by: Actor = COMMAND) -> AppRecord:
        """Set the platforms of an app besides its own.

        Refuses with FIELD_MALFORMED (platforms) an unknown code.
        """
        sorted_codes = sorted(set(codes))

        async def write(connection: Connection) -> None:
            unknown = set(codes).difference(await platform_codes(connection))
            if unknown:
                raise malformed("platforms", f"没有平台{min(unknown)}", f"there is no platform {min(unknown)}")
            await apps.set_platforms(connection, app_id, sorted_codes)

        return await change_app(self._database, app_id, by, "app.platforms", write, platforms=sorted_codes)

    async def set_limits(
        self, app_id: str, rate_limits: Mapping[str, int] | None, daily_quota: int | None, *, by: Actor = COMMAND
    ) -> AppRecord:
        """Set an app's calls per second by API name ("*": all others; 0: no limit), and its messages per day.

        None is the default of the installation. Refuses with FIELD_MALFORMED (rateLimits, dailyQuota) a number out of
        range.
        """
        for name, limit in (rate_limits or {}).items():
            if not 0 <= limit <= MAX_RATE or len(name) > MAX_APP_NAME:
                raise malformed("rateLimits", f"须为0–{MAX_RATE}的整数", f"must be whole numbers from 0 to {MAX_RATE}")
        if daily_quota is not None and not 0 <= daily_quota <= MAX_QUOTA:
            raise malformed("dailyQuota", f"须为0–{MAX_QUOTA}的整数", f"must be a whole number from 0 to {MAX_QUOTA}")
        return await change_app(
            self._database,
            app_id,
            by,
            "app.limits",
            lambda connection: apps.set_limits(connection, app_id, rate_limits, daily_quota),
            rate_limits=rate_limits,
            daily_quota=daily_quota,
        )
