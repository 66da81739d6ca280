"""Platforms: the cities, districts or school groups whose users get messages."""

import re
from collections.abc import Sequence

from msgcenter.database.database import Connection, Database, transactional
from msgcenter.domain.account import MAX_CELLS, Platform
from msgcenter.domain.app_name import skeleton
from msgcenter.domain.message import MAX_PLATFORM_CODE
from msgcenter.domain.message_id import now_ms
from msgcenter.domain.person import Actor
from msgcenter.domain.refusal import malformed
from msgcenter.domain.visible import shows_nothing
from msgcenter.store import audit
from msgcenter.store.apps import apps
from msgcenter.store.apps.platforms import (
    PlatformRecord,
    change_platform,
    ensure_platform,
    find_platforms,
    list_platforms,
    platform_codes,
)

_MAX_NAME = 64
_SCHEME = re.compile("[a-z][a-z0-9+.-]{1,31}")
_FORBIDDEN_SCHEMES = {"javascript", "data", "file", "vbscript", "blob", "about"}


class UnknownPlatformError(Exception):
    """There is no platform with this code; `known` are the codes of all platforms."""

    def __init__(self, code: str, known: Sequence[str]) -> None:
        super().__init__(code)
        self.code = code
        self.known = known


async def check_platform(database: Database, code: str) -> Platform:
    """Return the platform with this code. Raises UnknownPlatformError."""
    async with database.connection() as connection:
        known = await find_platforms(connection)
    if code not in known:
        raise UnknownPlatformError(code, list(known))
    return known[code]


class Platforms:
    """All platforms. `Apps.create` also creates one, with its first app."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> list[PlatformRecord]:
        """Return all platforms, by code."""
        async with self._database.connection() as connection:
            return await list_platforms(connection)

    async def find(self, code: str) -> PlatformRecord:
        """Return the platform with this code. Refuses with FIELD_MALFORMED (platform) an unknown code."""
        for record in await self.all():
            if record.code == code:
                return record
        raise malformed("platform", "请选择一个平台", "must be one of the platforms")

    async def create(self, code: str, name: str, *, cells: int | None, by: Actor) -> None:
        """Add a platform with a number of cells, which never changes; None for the default, one.

        Refuses as `save` does, and with FIELD_MALFORMED (cells) a number that is not 1-1024.
        """
        if cells is not None and not 1 <= cells <= MAX_CELLS:
            raise malformed("cells", f"须为1–{MAX_CELLS}", f"must be 1-{MAX_CELLS}")
        await self.save(code, name, schemes=(), is_new=True, cells=cells, by=by)

    async def save(
        self, code: str, name: str, *, schemes: Sequence[str], is_new: bool, cells: int | None = None, by: Actor
    ) -> None:
        """Add a platform, or change a platform's name and the URL schemes that appUrl can use.

        Refuses with FIELD_MALFORMED a code over 32 characters or one that is taken (code), a name over 64 characters or
        one that an app has, since users could not tell announcements from its messages (name), or a scheme that is
        malformed or that a browser would run (schemes).
        """
        if not 1 <= len(code) <= MAX_PLATFORM_CODE or not code.isprintable():
            raise malformed("code", f"须为1–{MAX_PLATFORM_CODE}个字符", f"must be 1-{MAX_PLATFORM_CODE} characters")
        if len(name) > _MAX_NAME or not name.isprintable() or shows_nothing(name):
            raise malformed("name", f"须为1–{_MAX_NAME}个字符", f"must be 1-{_MAX_NAME} printable characters")
        for scheme in schemes:
            if not _SCHEME.fullmatch(scheme) or scheme in _FORBIDDEN_SCHEMES:
                raise malformed("schemes", f"{scheme[:40]}不可用", f"{scheme[:40]} cannot be allowed")
        await self._save(code, name, schemes=sorted(set(schemes)), is_new=is_new, cells=cells, by=by)

    @transactional
    async def _save(
        self,
        connection: Connection,
        code: str,
        name: str,
        *,
        schemes: list[str],
        is_new: bool,
        cells: int | None,
        by: Actor,
    ) -> None:
        now = now_ms()
        if any(skeleton(app) in (skeleton(name), skeleton(code)) for app in await apps.app_names(connection)):
            raise malformed("name", "已有应用使用此名称", "is the name of an app")
        if is_new:
            if code in await platform_codes(connection):
                raise malformed("code", "已存在", "is taken")
            await ensure_platform(connection, code, name, now, cells=cells)
        if not await change_platform(connection, code, name, schemes):
            raise malformed("code", "没有此平台", "there is no such platform")
        action = "platform.create" if is_new else "platform.change"
        await audit.record(connection, by, action, code, now=now, name=name, schemes=schemes)
