"""Apps: registered, shown, given a new key, disabled."""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import NamedTuple

from msgcenter.actions.apps.key_ring import KeyRing, WrongSecretKeyError, new_app_id, new_app_key
from msgcenter.database.database import Connection, Database
from msgcenter.domain.account import MAX_ORIGINS, App
from msgcenter.domain.app_name import MAX_APP_NAME, check_app_name
from msgcenter.domain.language import Phrase
from msgcenter.domain.message import MAX_PLATFORM_CODE
from msgcenter.domain.message_id import now_ms
from msgcenter.domain.person import COMMAND, Actor, Person
from msgcenter.domain.refusal import Reason, Refusal, malformed
from msgcenter.store import audit, installation
from msgcenter.store.apps import apps
from msgcenter.store.apps.apps import AppRecord, InboxScope
from msgcenter.store.apps.platforms import ensure_platform, platform_codes, platform_names
from msgcenter.store.portal.members import add_member

_PROOF = "secret key"
_PROOF_TEXT = "msgcenter"
_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?")
_COLOUR = re.compile("[0-9a-f]{6}")
MAX_OVERLAP_SECONDS = 30 * 86_400
MAX_RATE = 100_000
MAX_QUOTA = 2_000_000_000
_MAX_APP_ID = 64
_MAX_APP_KEY = 128


class AppCredentials(NamedTuple):
    """An app with its appKey in clear."""

    app: App
    app_key: str


class Apps:
    """The register of apps; for operators."""

    def __init__(self, database: Database, keys: KeyRing) -> None:
        self._database = database
        self._keys = keys

    async def check_secret_key(self) -> None:
        """Raise WrongSecretKeyError if this database's keys were sealed with another secret key."""

        async def write(connection: Connection) -> bytes:
            return await installation.remember(connection, _PROOF, self._keys.seal(_PROOF, _PROOF_TEXT))

        if self._keys.open(_PROOF, await self._database.in_transaction(write)) != _PROOF_TEXT:
            raise WrongSecretKeyError

    async def create(
        self,
        name: str,
        platform_code: str,
        *,
        app_id: str | None = None,
        app_key: str | None = None,
        by: Actor = COMMAND,
        owner: Person | None = None,
    ) -> AppCredentials:
        """Register an app, and its platform if that is new; ids and keys are made unless given.

        With an `owner`, this person looks after it. What a developer makes begins in the sandbox: it reaches its
        sandbox users only until an operator lets it go live, and nobody's app may send to everyone before.
        Refuses with FIELD_MALFORMED a name that is reserved, a name or appId over 64 characters, a platform code over
        32, an appKey over 128, or an appId that is taken.
        """
        check_app_name(name, [platform_code])
        _check_text("platform", platform_code, MAX_PLATFORM_CODE)
        if platform_code != platform_code.strip():
            raise malformed("platform", "首尾不能有空白", "must have no white space at its ends")
        _check_text("appId", app_id or "-", _MAX_APP_ID)
        _check_text("appKey", app_key or "-", _MAX_APP_KEY)
        credentials = (app_id or new_app_id(), app_key or new_app_key())
        trusted = owner is None or owner.is_operator

        async def write(connection: Connection) -> None:
            now = now_ms()
            check_app_name(name, await platform_names(connection))
            if await ensure_platform(connection, platform_code, platform_code, now):
                await audit.record(connection, by, "platform.create", platform_code, now=now, name=platform_code)
            number = await apps.insert_app(
                connection,
                app_id=credentials[0],
                name=name,
                platform_code=platform_code,
                key_sealed=self._keys.seal(*credentials),
                now=now,
                live=trusted,
                broadcasts=trusted,
            )
            if number is None:
                raise malformed("appId", f"{credentials[0]}已被使用", f"{credentials[0]} is taken")
            if owner is not None:
                await add_member(connection, number, owner.number, now)
            told = {"name": name, "platform": platform_code}
            await audit.record(connection, by, "app.create", credentials[0], now=now, app_number=number, **told)

        await self._database.in_transaction(write)
        return await self.credentials(credentials[0])

    async def registered(self, platform_code: str | None = None) -> list[AppRecord]:
        """Return all apps, or a platform's, oldest first."""
        async with self._database.connection() as connection:
            return await apps.list_apps(connection, platform_code)

    async def find(self, app_id: str) -> AppRecord:
        """Return one app. Refuses with APP_UNKNOWN."""
        async with self._database.connection() as connection:
            record = await apps.find_app(connection, app_id)
        if record is None:
            raise Refusal(Reason.APP_UNKNOWN)
        return record

    async def credentials(self, app_id: str) -> AppCredentials:
        """Return one app with its appKey. Refuses with APP_UNKNOWN, or NOT_AUTHORISED if nobody may have its key."""
        record = await self.find(app_id)
        _refuse_notices(record)
        return AppCredentials(record.app, self._keys.open(app_id, record.key_sealed))

    async def keys(self, record: AppRecord) -> tuple[str, str | None]:
        """Return an app's appKey in clear, and the one before the last rotation while that holds too.

        Refuses with NOT_AUTHORISED if nobody may have its key.
        """
        _refuse_notices(record)
        app_id, previous = record.app.app_id, record.previous_key_sealed
        holds = previous is not None and record.accepts(record.key_version - 1, now_ms())
        return (
            self._keys.open(app_id, record.key_sealed),
            self._keys.open(app_id, previous) if previous is not None and holds else None,
        )

    async def rotate_key(self, app_id: str, *, overlap_seconds: int = 0, by: Actor = COMMAND) -> AppCredentials:
        """Give an app a new appKey. Refuses with APP_UNKNOWN.

        The old key and its tokens hold for `overlap_seconds` more (at most 30 days), or end at once.
        """
        sealed = self._keys.seal(app_id, new_app_key())
        until = now_ms() + min(overlap_seconds, MAX_OVERLAP_SECONDS) * 1_000 if overlap_seconds > 0 else None
        await self._change(
            app_id,
            by,
            "app.key.rotate",
            lambda connection: apps.replace_key(connection, app_id, sealed, previous_until=until),
            overlap_seconds=overlap_seconds,
        )
        return await self.credentials(app_id)

    async def end_previous_key(self, app_id: str, *, by: Actor = COMMAND) -> AppRecord:
        """Let the key before the last rotation end at once. Refuses with APP_UNKNOWN."""
        return await self._change(
            app_id, by, "app.key.end", lambda connection: apps.end_previous_key(connection, app_id)
        )

    async def set_inbox(
        self,
        app_id: str,
        *,
        scope: InboxScope | None = None,
        origins: Sequence[str] | None = None,
        by: Actor = COMMAND,
    ) -> AppRecord:
        """Set what an app's user tokens see, and which websites may embed the inbox with them; None keeps it.

        Refuses with APP_UNKNOWN, FIELD_MALFORMED an origin that is not like `https://school.example.edu`, or
        TOO_MANY_ITEMS more than 20 of them.
        """
        for origin in origins or ():
            _check_origin(origin)
        sorted_origins = None if origins is None else sorted(set(origins))
        if sorted_origins is not None and len(sorted_origins) > MAX_ORIGINS:
            rule = Phrase(f"最多{MAX_ORIGINS}个", f"at most {MAX_ORIGINS}")
            raise Refusal(Reason.TOO_MANY_ITEMS, field="origin", rule=rule)

        async def write(connection: Connection) -> None:
            if scope is not None:
                await apps.set_inbox_scope(connection, app_id, scope)
            if sorted_origins is not None:
                await apps.set_origins(connection, app_id, sorted_origins)

        told = {"scope": scope, "origins": sorted_origins}
        return await self._change(app_id, by, "app.inbox", write, **{k: v for k, v in told.items() if v is not None})

    async def set_branding(self, app_id: str, name: str, colour: str | None, *, by: Actor = COMMAND) -> AppRecord:
        """Give an app another name, and its icon a colour (like `2f6fde`; None: one by its name).

        Refuses with APP_UNKNOWN, or FIELD_MALFORMED also a name that is reserved (`domain.app_name`).
        """

        async def write(connection: Connection) -> None:
            await check_branding(connection, name, colour)
            await apps.set_branding(connection, app_id, name, colour)

        return await self._change(app_id, by, "app.face", write, name=name, colour=colour)

    async def set_broadcasts(self, app_id: str, *, allowed: bool, by: Actor = COMMAND) -> AppRecord:
        """Set whether an app may send to everyone of a platform. Refuses with APP_UNKNOWN."""
        return await self._change(
            app_id,
            by,
            "app.broadcasts",
            lambda connection: apps.set_broadcasts(connection, app_id, allowed=allowed),
            allowed=allowed,
        )

    async def set_live(self, app_id: str, *, live: bool, by: Actor = COMMAND) -> AppRecord:
        """Let an app reach all users of its platforms, or its sandbox users only. Refuses with APP_UNKNOWN."""
        return await self._change(
            app_id, by, "app.live", lambda connection: apps.set_live(connection, app_id, live=live), live=live
        )

    async def set_platforms(self, app_id: str, codes: Sequence[str], *, by: Actor = COMMAND) -> AppRecord:
        """Set which platforms an app is authorised for besides its own.

        Refuses with APP_UNKNOWN, or FIELD_MALFORMED a code that no platform has.
        """

        async def write(connection: Connection) -> None:
            unknown = set(codes).difference(await platform_codes(connection))
            if unknown:
                raise malformed("platforms", f"没有平台{min(unknown)}", f"there is no platform {min(unknown)}")
            await apps.set_platforms(connection, app_id, sorted(set(codes)))

        return await self._change(app_id, by, "app.platforms", write, platforms=sorted(set(codes)))

    async def set_limits(
        self, app_id: str, rate_limits: Mapping[str, int] | None, daily_quota: int | None, *, by: Actor = COMMAND
    ) -> AppRecord:
        """Set an app's own calls per second by API name ("*": the others; 0: no limit) and its messages a day.

        None is the installation's own limit. Refuses with APP_UNKNOWN, or FIELD_MALFORMED a number out of range.
        """
        for name, limit in (rate_limits or {}).items():
            if not 0 <= limit <= MAX_RATE or len(name) > MAX_APP_NAME:
                raise malformed("rateLimits", f"须为0–{MAX_RATE}的整数", f"must be whole numbers from 0 to {MAX_RATE}")
        if daily_quota is not None and not 0 <= daily_quota <= MAX_QUOTA:
            raise malformed("dailyQuota", f"须为0–{MAX_QUOTA}的整数", f"must be a whole number from 0 to {MAX_QUOTA}")
        return await self._change(
            app_id,
            by,
            "app.limits",
            lambda connection: apps.set_limits(connection, app_id, rate_limits, daily_quota),
            rate_limits=rate_limits,
            daily_quota=daily_quota,
        )

    async def set_disabled(self, app_id: str, *, disabled: bool, by: Actor = COMMAND) -> AppRecord:
        """Disable an app, which ends its tokens at once, or enable it again. Refuses with APP_UNKNOWN."""
        return await self._change(
            app_id,
            by,
            "app.disable" if disabled else "app.enable",
            lambda connection: apps.set_disabled(connection, app_id, now_ms() if disabled else None),
        )

    async def _change(
        self,
        app_id: str,
        by: Actor,
        action: str,
        write: Callable[[Connection], Awaitable[object]],
        **detail: object,
    ) -> AppRecord:
        """Change an app and write it down, both or neither; return it as it is then.

        What was so already is no change. Refuses with APP_UNKNOWN, or NOT_AUTHORISED to change the app of a platform's
        announcements.
        """

        async def work(connection: Connection) -> AppRecord:
            before = await apps.find_app(connection, app_id)
            await write(connection)
            record = await apps.find_app(connection, app_id)
            if record is None:
                raise Refusal(Reason.APP_UNKNOWN)
            _refuse_notices(record)
            if record != before:
                number = record.app.number
                await audit.record(connection, by, action, app_id, now=now_ms(), app_number=number, **detail)
            return record

        return await self._database.in_transaction(work)


async def check_branding(connection: Connection, name: str, colour: str | None) -> None:
    """Refuse with FIELD_MALFORMED a name that no app may have, or a colour that is none (None: one by the name)."""
    check_app_name(name, await platform_names(connection))
    if colour is not None and not _COLOUR.fullmatch(colour):
        raise malformed("colour", "须为六位十六进制,例如2f6fde", "must be six hex digits, like 2f6fde")


def _refuse_notices(record: AppRecord) -> None:
    if record.app.notices:
        raise Refusal(
            Reason.NOT_AUTHORISED,
            rule=Phrase("平台公告由系统发送,没有密钥,不能更改", "the platform's announcements: no key, no settings"),
        )


def _check_origin(origin: str) -> None:
    if not _ORIGIN.fullmatch(origin):
        raise malformed("origin", "须形如https://school.example.edu", "must be like https://school.example.edu")


def _check_text(field: str, value: str, limit: int) -> None:
    if not 1 <= len(value) <= limit or not value.isprintable():
        raise malformed(field, f"须为1–{limit}个字符", f"must be 1-{limit} printable characters")


__all__ = ["AppCredentials", "Apps", "WrongSecretKeyError"]
