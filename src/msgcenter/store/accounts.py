"""Platforms, apps and access tokens."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import asyncpg

from msgcenter.domain.account import App
from msgcenter.store.database import Connection

_APP_COLUMNS = """a.number, a.app_id, a.name, a.platform_code, a.account, a.disabled_at, a.platforms, a.created_at,
       a.key_sealed, a.key_version, a.inbox_scope, a.origins, p.app_schemes"""


InboxScope = Literal["own", "platform"]
"""What an app's user tokens see: its own messages to the user, or the user's messages of all apps."""


class AppRecord(NamedTuple):
    """A registered app with what only its owner and the token calls may see."""

    app: App
    key_sealed: bytes
    key_version: int
    created_at: int
    inbox_scope: InboxScope
    origins: tuple[str, ...]


class TokenRecord(NamedTuple):
    """A token that was found: whose it is, and until when (ms since 1970) it is valid."""

    app: App
    expires_at: int


def _app(row: asyncpg.Record) -> App:
    return App(
        number=row["number"],
        app_id=row["app_id"],
        name=row["name"],
        platform_code=row["platform_code"],
        account=row["account"],
        disabled=row["disabled_at"] is not None,
        platforms=frozenset(row["platforms"]),
        app_schemes=frozenset(row["app_schemes"]),
    )


def _record(row: asyncpg.Record) -> AppRecord:
    return AppRecord(
        app=_app(row),
        key_sealed=row["key_sealed"],
        key_version=row["key_version"],
        created_at=row["created_at"],
        inbox_scope=row["inbox_scope"],
        origins=tuple(row["origins"]),
    )


async def ensure_platform(connection: Connection, code: str, name: str, now: int) -> None:
    """Add a platform unless it is there."""
    await connection.execute(
        "insert into platform (code, name, created_at) values ($1, $2, $3) on conflict (code) do nothing",
        code,
        name,
        now,
    )


async def insert_app(
    connection: Connection, *, app_id: str, name: str, platform_code: str, key_sealed: bytes, now: int
) -> bool:
    """Add an app, its account named like the app itself; return False if the app id is taken."""
    number = await connection.fetchval(
        "insert into app (app_id, name, platform_code, account, key_sealed, created_at)"
        " values ($1, $2, $3, $1, $4, $5) on conflict (app_id) do nothing returning number",
        app_id,
        name,
        platform_code,
        key_sealed,
        now,
    )
    return number is not None


async def find_app(connection: Connection, app_id: str) -> AppRecord | None:
    """Return the app with this public id."""
    row = await connection.fetchrow(
        f"select {_APP_COLUMNS} from app a join platform p on p.code = a.platform_code where a.app_id = $1",  # noqa: S608
        app_id,
    )
    return _record(row) if row else None


async def list_apps(connection: Connection, platform_code: str | None = None) -> list[AppRecord]:
    """Return all apps, or those of one platform, oldest first."""
    rows = await connection.fetch(
        f"select {_APP_COLUMNS} from app a join platform p on p.code = a.platform_code"  # noqa: S608
        " where a.platform_code = $1 or $1 is null order by a.number",
        platform_code,
    )
    return [_record(row) for row in rows]


async def replace_key(connection: Connection, app_id: str, key_sealed: bytes) -> bool:
    """Give an app another key, which voids its tokens; return False if there is no such app."""
    status = await connection.execute(
        "update app set key_sealed = $2, key_version = key_version + 1 where app_id = $1", app_id, key_sealed
    )
    return status != "UPDATE 0"


async def set_disabled(connection: Connection, app_id: str, disabled_at: int | None) -> bool:
    """Disable an app at a time (ms since 1970), or enable it with None; return False if there is no such app.

    Disabling also raises the key's version: tokens from before stay void when the app is enabled again.
    """
    status = await connection.execute(
        "update app set disabled_at = $2, key_version = key_version + ($2::bigint is not null)::int where app_id = $1",
        app_id,
        disabled_at,
    )
    return status != "UPDATE 0"


async def set_inbox_scope(connection: Connection, app_id: str, scope: InboxScope) -> None:
    """Set what an app's user tokens see."""
    await connection.execute("update app set inbox_scope = $2 where app_id = $1", app_id, scope)


async def set_origins(connection: Connection, app_id: str, origins: Sequence[str]) -> None:
    """Set the websites that may embed the inbox with an app's user tokens."""
    await connection.execute("update app set origins = $2 where app_id = $1", app_id, origins)


async def find_apps(connection: Connection, numbers: Sequence[int]) -> dict[int, AppRecord]:
    """Return apps by their numbers."""
    rows = await connection.fetch(
        f"select {_APP_COLUMNS} from app a join platform p on p.code = a.platform_code where a.number = any($1)",  # noqa: S608
        numbers,
    )
    return {row["number"]: _record(row) for row in rows}


async def allowed_origins(connection: Connection) -> frozenset[str]:
    """Return all websites that may embed the inbox with some active app's user tokens."""
    rows = await connection.fetch("select distinct unnest(origins) from app where disabled_at is null")
    return frozenset(row[0] for row in rows)


async def add_token(connection: Connection, digest: bytes, app_number: int, key_version: int, expires_at: int) -> int:
    """Store a token's hash and return when it expires: earlier than asked if the token is already there."""
    await connection.execute(
        "insert into access_token (digest, app_number, key_version, expires_at) values ($1, $2, $3, $4)"
        " on conflict (digest) do nothing",
        digest,
        app_number,
        key_version,
        expires_at,
    )
    stored: int = await connection.fetchval("select expires_at from access_token where digest = $1", digest)
    return stored


async def find_tokens(connection: Connection, digests: Sequence[bytes], now: int) -> dict[bytes, TokenRecord]:
    """Return the tokens among these that are valid at `now`, disabled apps' included; the caller refuses those."""
    rows = await connection.fetch(
        f"select t.digest, t.expires_at, {_APP_COLUMNS}"  # noqa: S608
        " from access_token t join app a on a.number = t.app_number join platform p on p.code = a.platform_code"
        " where t.digest = any($1) and t.expires_at > $2"
        " and (t.key_version = a.key_version or a.disabled_at is not null)",
        digests,
        now,
    )
    return {row["digest"]: TokenRecord(_app(row), row["expires_at"]) for row in rows}


async def delete_expired_tokens(connection: Connection, now: int, limit: int) -> int:
    """Delete up to `limit` tokens that expired before `now`; return how many."""
    status = await connection.execute(
        "delete from access_token where digest = any(array("
        "select digest from access_token where expires_at <= $1 order by expires_at limit $2))",
        now,
        limit,
    )
    return int(status.rpartition(" ")[2])
