"""Apps: registered, shown, given a new key, disabled."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from msgcenter.actions.key_ring import KeyRing, WrongSecretKeyError, new_app_id, new_app_key
from msgcenter.domain.account import App
from msgcenter.domain.message import MAX_PLATFORM_CODE
from msgcenter.domain.message_id import now_ms
from msgcenter.domain.refusal import Reason, Refusal, malformed
from msgcenter.store import accounts, installation
from msgcenter.store.accounts import AppRecord, InboxScope
from msgcenter.store.database import Connection, Database

_PROOF = "secret key"
_PROOF_TEXT = "msgcenter"
_MAX_NAME = 64
_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?")
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
        self, name: str, platform_code: str, *, app_id: str | None = None, app_key: str | None = None
    ) -> AppCredentials:
        """Register an app, and its platform if that is new; ids and keys are made unless given.

        Refuses with FIELD_MALFORMED a name or appId over 64 characters, a platform code over 32, an appKey over 128,
        or an appId that is taken.
        """
        _check_text("name", name, _MAX_NAME)
        _check_text("platform", platform_code, MAX_PLATFORM_CODE)
        _check_text("appId", app_id or "-", _MAX_APP_ID)
        _check_text("appKey", app_key or "-", _MAX_APP_KEY)
        credentials = (app_id or new_app_id(), app_key or new_app_key())

        async def write(connection: Connection) -> bool:
            now = now_ms()
            await accounts.ensure_platform(connection, platform_code, platform_code, now)
            return await accounts.insert_app(
                connection,
                app_id=credentials[0],
                name=name,
                platform_code=platform_code,
                key_sealed=self._keys.seal(*credentials),
                now=now,
            )

        if not await self._database.in_transaction(write):
            raise malformed("appId", f"{credentials[0]}已被使用", f"{credentials[0]} is taken")
        return await self.credentials(credentials[0])

    async def registered(self, platform_code: str | None = None) -> list[AppRecord]:
        """Return all apps, or a platform's, oldest first."""
        async with self._database.connection() as connection:
            return await accounts.list_apps(connection, platform_code)

    async def find(self, app_id: str) -> AppRecord:
        """Return one app. Refuses with APP_UNKNOWN."""
        async with self._database.connection() as connection:
            record = await accounts.find_app(connection, app_id)
        if record is None:
            raise Refusal(Reason.APP_UNKNOWN)
        return record

    async def credentials(self, app_id: str) -> AppCredentials:
        """Return one app with its appKey. Refuses with APP_UNKNOWN."""
        record = await self.find(app_id)
        return AppCredentials(record.app, self._keys.open(app_id, record.key_sealed))

    async def rotate_key(self, app_id: str) -> AppCredentials:
        """Give an app a new appKey; its tokens end at once. Refuses with APP_UNKNOWN."""
        sealed = self._keys.seal(app_id, new_app_key())
        async with self._database.connection() as connection:
            await accounts.replace_key(connection, app_id, sealed)
        return await self.credentials(app_id)

    async def set_inbox(
        self, app_id: str, *, scope: InboxScope | None = None, origins: Sequence[str] | None = None
    ) -> AppRecord:
        """Set what an app's user tokens see, and which websites may embed the inbox with them; None keeps it.

        Refuses with APP_UNKNOWN, or FIELD_MALFORMED an origin that is not like `https://school.example.edu`.
        """
        for origin in origins or ():
            _check_origin(origin)
        async with self._database.connection() as connection:
            if scope is not None:
                await accounts.set_inbox_scope(connection, app_id, scope)
            if origins is not None:
                await accounts.set_origins(connection, app_id, sorted(set(origins)))
        return await self.find(app_id)

    async def set_disabled(self, app_id: str, *, disabled: bool) -> AppRecord:
        """Disable an app, which ends its tokens at once, or enable it again. Refuses with APP_UNKNOWN."""
        async with self._database.connection() as connection:
            await accounts.set_disabled(connection, app_id, now_ms() if disabled else None)
        return await self.find(app_id)


def _check_origin(origin: str) -> None:
    if not _ORIGIN.fullmatch(origin):
        raise malformed("origin", "须形如https://school.example.edu", "must be like https://school.example.edu")


def _check_text(field: str, value: str, limit: int) -> None:
    if not 1 <= len(value) <= limit or not value.isprintable():
        raise malformed(field, f"须为1–{limit}个字符", f"must be 1-{limit} printable characters")


__all__ = ["AppCredentials", "Apps", "WrongSecretKeyError"]
