"""Platforms: the cities, districts or school groups whose users get messages."""

import re
from collections.abc import Sequence

from msgcenter.database.database import Connection, Database
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
    list_platforms,
    platform_codes,
)

_MAX_NAME = 64
_SCHEME = re.compile("[a-z][a-z0-9+.-]{1,31}")
_FORBIDDEN_SCHEMES = {"javascript", "data", "file", "vbscript", "blob", "about"}


class UnknownPlatformError(Exception):
    """An operator named a platform that is not there; `known` are those that are."""

    def __init__(self, code: str, known: Sequence[str]) -> None:
        super().__init__(code)
        self.code = code
        self.known = known


async def check_platform(database: Database, code: str) -> None:
    """Raise UnknownPlatformError if there is no such platform."""
    async with database.connection() as connection:
        known = await platform_codes(connection)
    if code not in known:
        raise UnknownPlatformError(code, known)


class Platforms:
    """The register of platforms; each can also be made with its first app (`Apps.create`)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> list[PlatformRecord]:
        """Return all platforms, by code."""
        async with self._database.connection() as connection:
            return await list_platforms(connection)

    async def find(self, code: str) -> PlatformRecord:
        """Return one. Refuses with FIELD_MALFORMED (platform) a code that none has."""
        for record in await self.all():
            if record.code == code:
                return record
        raise malformed("platform", "请选择一个平台", "must be one of the platforms")

    async def save(self, code: str, name: str, *, schemes: Sequence[str], is_new: bool, by: Actor) -> None:
        """Add a platform, or give one another name and other URL schemes that appUrl may use.

        Refuses with FIELD_MALFORMED a code over 32 characters or one that is taken, a name over 64 or one that an app
        has (users could not tell announcements from its messages), or a scheme that is none or that a browser would
        run.
        """
        if not 1 <= len(code) <= MAX_PLATFORM_CODE or not code.isprintable():
            raise malformed("code", f"须为1–{MAX_PLATFORM_CODE}个字符", f"must be 1-{MAX_PLATFORM_CODE} characters")
        if len(name) > _MAX_NAME or not name.isprintable() or shows_nothing(name):
            raise malformed("name", f"须为1–{_MAX_NAME}个字符", f"must be 1-{_MAX_NAME} printable characters")
        for scheme in schemes:
            if not _SCHEME.fullmatch(scheme) or scheme in _FORBIDDEN_SCHEMES:
                raise malformed("schemes", f"{scheme[:40]}不可用", f"{scheme[:40]} cannot be allowed")

        async def write(connection: Connection) -> None:
            now = now_ms()
            if any(skeleton(app) in (skeleton(name), skeleton(code)) for app in await apps.app_names(connection)):
                raise malformed("name", "已有应用使用此名称", "is the name of an app")
            if is_new:
                if code in await platform_codes(connection):
                    raise malformed("code", "已存在", "is taken")
                await ensure_platform(connection, code, name, now)
            if not await change_platform(connection, code, name, sorted(set(schemes))):
                raise malformed("code", "没有此平台", "there is no such platform")
            action = "platform.create" if is_new else "platform.change"
            await audit.record(connection, by, action, code, now=now, name=name, schemes=sorted(set(schemes)))

        await self._database.in_transaction(write)
