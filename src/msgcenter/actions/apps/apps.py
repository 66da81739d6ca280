"""The register of apps: create and find them, their keys, disable them."""

from typing import NamedTuple

from msgcenter.actions.apps.app_change import change_app, refuse_notices
from msgcenter.actions.apps.key_ring import KeyRing, WrongSecretKeyError, new_app_id, new_app_key
from msgcenter.database.database import Connection, Database, transactional
from msgcenter.domain.account import App
from msgcenter.domain.app_name import check_app_name
from msgcenter.domain.message import MAX_PLATFORM_CODE
from msgcenter.domain.message_id import now_ms
from msgcenter.domain.person import COMMAND, Actor, Person
from msgcenter.domain.refusal import Reason, Refusal, malformed
from msgcenter.store import audit, installation
from msgcenter.store.apps import apps
from msgcenter.store.apps.apps import AppRecord
from msgcenter.store.apps.platforms import ensure_platform, platform_names
from msgcenter.store.portal.members import add_member

_PROOF = "secret key"
_PROOF_TEXT = "msgcenter"
MAX_OVERLAP_SECONDS = 30 * 86_400
_MAX_APP_ID = 64
_MAX_APP_KEY = 128


class AppCredentials(NamedTuple):
    """An app with its appKey in clear."""

    app: App
    app_key: str


class Apps:
    """All apps of the installation."""

    def __init__(self, database: Database, keys: KeyRing) -> None:
        self._database = database
        self._keys = keys

    async def check_secret_key(self) -> None:
        """Raise WrongSecretKeyError if this database's keys were sealed with another secret key."""
        sealed = self._keys.seal(_PROOF, _PROOF_TEXT)
        first = await self._database.in_transaction(installation.remember, _PROOF, sealed)
        if self._keys.open(_PROOF, first) != _PROOF_TEXT:
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
        """Register an app, and its platform if that is new. `app_id` and `app_key` are generated if None.

        `owner` becomes its member. An app that a developer creates starts in the sandbox: it can only message its
        sandbox users until an operator lets it go live, and broadcasts stay disabled until then.
        Refuses with FIELD_MALFORMED a name that is reserved, a name or appId over 64 characters, a platform code over
        32, an appKey over 128, or an appId that is taken.
        """
        check_app_name(name, [platform_code])
        _check_text("platform", platform_code, MAX_PLATFORM_CODE)
        if platform_code != platform_code.strip():
            raise malformed("platform", "首尾不能有空白", "must have no white space at its ends")
        _check_text("appId", app_id or "-", _MAX_APP_ID)
        _check_text("appKey", app_key or "-", _MAX_APP_KEY)
        app_id, app_key = app_id or new_app_id(), app_key or new_app_key()
        sealed = self._keys.seal(app_id, app_key)
        await self._insert(app_id, name, platform_code, key_sealed=sealed, by=by, owner=owner)
        return await self.credentials(app_id)

    @transactional
    async def _insert(
        self,
        connection: Connection,
        app_id: str,
        name: str,
        platform_code: str,
        *,
        key_sealed: bytes,
        by: Actor,
        owner: Person | None,
    ) -> None:
        now = now_ms()
        trusted = owner is None or owner.is_operator
        check_app_name(name, await platform_names(connection))
        if await ensure_platform(connection, platform_code, platform_code, now):
            await audit.record(connection, by, "platform.create", platform_code, now=now, name=platform_code)
        number = await apps.insert_app(
            connection,
            app_id=app_id,
            name=name,
            platform_code=platform_code,
            key_sealed=key_sealed,
            now=now,
            live=trusted,
            broadcasts=trusted,
        )
        if number is None:
            raise malformed("appId", f"{app_id}已被使用", f"{app_id} is taken")
        if owner is not None:
            await add_member(connection, number, owner.number, now)
        await audit.record(
            connection, by, "app.create", app_id, now=now, app_number=number, name=name, platform=platform_code
        )

    async def registered(self, platform_code: str | None = None) -> list[AppRecord]:
        """Return all apps, or those of a platform, oldest first."""
        async with self._database.connection() as connection:
            return await apps.list_apps(connection, platform_code)

    async def find(self, app_id: str) -> AppRecord:
        """Return the app with this appId. Refuses with APP_UNKNOWN."""
        async with self._database.connection() as connection:
            record = await apps.find_app(connection, app_id)
        if record is None:
            raise Refusal(Reason.APP_UNKNOWN)
        return record

    async def credentials(self, app_id: str) -> AppCredentials:
        """Return an app with its appKey. Refuses with APP_UNKNOWN, or NOT_AUTHORISED if its key is never shown."""
        record = await self.find(app_id)
        refuse_notices(record)
        return AppCredentials(record.app, self._keys.open(app_id, record.key_sealed))

    async def keys(self, record: AppRecord) -> tuple[str, str | None]:
        """Return an app's appKey in clear, and the one before the last rotation if that is still valid.

        Refuses with NOT_AUTHORISED if its key is never shown.
        """
        refuse_notices(record)
        app_id, previous = record.app.app_id, record.previous_key_sealed
        is_valid = previous is not None and record.accepts(record.key_version - 1, now_ms())
        return (
            self._keys.open(app_id, record.key_sealed),
            self._keys.open(app_id, previous) if previous is not None and is_valid else None,
        )

    async def rotate_key(self, app_id: str, *, overlap_seconds: int = 0, by: Actor = COMMAND) -> AppCredentials:
        """Give an app a new appKey. Refuses with APP_UNKNOWN.

        The old key and its tokens stay valid for `overlap_seconds` (at most 30 days; 0 ends them at once).
        """
        sealed = self._keys.seal(app_id, new_app_key())
        until = now_ms() + min(overlap_seconds, MAX_OVERLAP_SECONDS) * 1_000 if overlap_seconds > 0 else None
        await change_app(
            self._database,
            app_id,
            by,
            "app.key.rotate",
            lambda connection: apps.replace_key(connection, app_id, sealed, previous_until=until),
            overlap_seconds=overlap_seconds,
        )
        return await self.credentials(app_id)

    async def end_previous_key(self, app_id: str, *, by: Actor = COMMAND) -> AppRecord:
        """Revoke the key before the last rotation at once. Refuses with APP_UNKNOWN."""
        return await change_app(
            self._database, app_id, by, "app.key.end", lambda connection: apps.end_previous_key(connection, app_id)
        )

    async def set_disabled(self, app_id: str, *, disabled: bool, by: Actor = COMMAND) -> AppRecord:
        """Disable an app, which ends its tokens at once, or enable it again. Refuses with APP_UNKNOWN."""
        disabled_at = now_ms() if disabled else None
        return await change_app(
            self._database,
            app_id,
            by,
            "app.disable" if disabled else "app.enable",
            lambda connection: apps.set_disabled(connection, app_id, disabled_at),
        )


def _check_text(field: str, value: str, limit: int) -> None:
    if not 1 <= len(value) <= limit or not value.isprintable():
        raise malformed(field, f"须为1–{limit}个字符", f"must be 1-{limit} printable characters")
