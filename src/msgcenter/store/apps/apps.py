"""Platforms, apps and access tokens."""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import asyncpg
import msgspec

from msgcenter.database.database import Connection
from msgcenter.domain.account import App

_APP_COLUMNS = """a.number, a.app_id, a.name, a.platform_code, a.account, a.disabled_at, a.platforms, a.created_at,
       a.key_sealed, a.key_version, a.inbox_scope, a.origins, a.webhook_events, a.broadcasts,
       a.live, a.colour, a.previous_key_sealed, a.previous_key_until, a.rate_limits, a.daily_quota,
       a.notices,
       p.app_schemes"""


_limits = msgspec.json.Decoder(dict[str, int])
InboxScope = Literal["own", "platform"]
"""What an app's user tokens see: its own messages to the user, or the user's messages of all apps."""


class AppRecord(NamedTuple):
    """A registered app with what only its owner and the token calls may see.

    The key before the last rotation (version `key_version` - 1) holds until `previous_key_until` (ms since 1970).
    """

    app: App
    key_sealed: bytes
    key_version: int
    created_at: int
    inbox_scope: InboxScope
    origins: tuple[str, ...]
    colour: str | None
    previous_key_sealed: bytes | None
    previous_key_until: int | None

    def accepts(self, key_version: int, now: int) -> bool:
        """Tell whether what was made with this version of the key still holds at `now`."""
        is_previous = key_version == self.key_version - 1 and now < (self.previous_key_until or 0)
        return key_version == self.key_version or is_previous


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
        webhook_events=frozenset(row["webhook_events"]),
        broadcasts=row["broadcasts"],
        live=row["live"],
        rate_limits=None if row["rate_limits"] is None else _limits.decode(row["rate_limits"]),
        daily_quota=row["daily_quota"],
        notices=row["notices"],
    )


def _record(row: asyncpg.Record) -> AppRecord:
    return AppRecord(
        app=_app(row),
        key_sealed=row["key_sealed"],
        key_version=row["key_version"],
        created_at=row["created_at"],
        inbox_scope=row["inbox_scope"],
        origins=tuple(row["origins"]),
        colour=row["colour"],
        previous_key_sealed=row["previous_key_sealed"],
        previous_key_until=row["previous_key_until"],
    )


async def ensure_platform(connection: Connection, code: str, name: str, now: int) -> bool:
    """Add a platform unless it is there; tell whether it is new."""
    status = await connection.execute(
        "insert into platform (code, name, created_at) values ($1, $2, $3) on conflict (code) do nothing",
        code,
        name,
        now,
    )
    return status != "INSERT 0 0"


class PlatformRecord(NamedTuple):
    """A platform: a city, a district or a school group with users of its own."""

    code: str
    name: str
    app_schemes: tuple[str, ...]
    created_at: int
    apps: int


async def list_platforms(connection: Connection) -> list[PlatformRecord]:
    """Return all platforms with how many apps each is home to, by code."""
    rows = await connection.fetch(
        "select p.code, p.name, p.app_schemes, p.created_at,"
        " (select count(*) from app a where a.platform_code = p.code) as apps from platform p order by p.code"
    )
    return [PlatformRecord(row[0], row[1], tuple(row[2]), row[3], row[4]) for row in rows]


async def change_platform(connection: Connection, code: str, name: str, app_schemes: Sequence[str]) -> bool:
    """Give a platform another name and other URL schemes; return False if there is none."""
    status = await connection.execute(
        "update platform set name = $2, app_schemes = $3 where code = $1", code, name, app_schemes
    )
    await connection.execute("update app set name = $2 where platform_code = $1 and notices", code, name)
    return status != "UPDATE 0"


async def platform_codes(connection: Connection) -> list[str]:
    """Return the codes of all platforms, in order."""
    return [row["code"] for row in await connection.fetch("select code from platform order by code")]


async def insert_app(
    connection: Connection,
    *,
    app_id: str,
    name: str,
    platform_code: str,
    key_sealed: bytes,
    now: int,
    live: bool = True,
    broadcasts: bool = True,
) -> int | None:
    """Add an app, its account named like the app itself; return its number, None if the app id is taken."""
    number: int | None = await connection.fetchval(
        "insert into app (app_id, name, platform_code, account, key_sealed, created_at, live, broadcasts)"
        " values ($1, $2, $3, $1, $4, $5, $6, $7) on conflict (app_id) do nothing returning number",
        app_id,
        name,
        platform_code,
        key_sealed,
        now,
        live,
        broadcasts,
    )
    return number


async def ensure_notices_app(
    connection: Connection, platform_code: str, *, app_id: str, key_sealed: bytes, now: int
) -> bool:
    """Add the app that a platform's announcements are sent as, named like the platform, unless it is there."""
    status = await connection.execute(
        "insert into app (app_id, name, platform_code, account, key_sealed, created_at, notices)"
        " select $2, p.name, p.code, $2, $3, $4, true from platform p where p.code = $1"
        " on conflict (platform_code) where notices do nothing",
        platform_code,
        app_id,
        key_sealed,
        now,
    )
    return status != "INSERT 0 0"


async def notices_app(connection: Connection, platform_code: str) -> AppRecord | None:
    """Return the app that a platform's announcements are sent as."""
    row = await connection.fetchrow(
        f"select {_APP_COLUMNS} from app a join platform p on p.code = a.platform_code"  # noqa: S608
        " where a.platform_code = $1 and a.notices",
        platform_code,
    )
    return _record(row) if row else None


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


async def replace_key(
    connection: Connection, app_id: str, key_sealed: bytes, *, previous_until: int | None = None
) -> bool:
    """Give an app another key; return False if there is no such app.

    The key that it had, and tokens made with it, hold until `previous_until` (ms since 1970), or end at once.
    """
    status = await connection.execute(
        "update app set key_sealed = $2, key_version = key_version + 1, previous_key_until = $3,"
        " previous_key_sealed = case when $3::bigint is null then null else key_sealed end where app_id = $1",
        app_id,
        key_sealed,
        previous_until,
    )
    return status != "UPDATE 0"


async def end_previous_key(connection: Connection, app_id: str) -> None:
    """Let the key before the last rotation end at once."""
    await connection.execute(
        "update app set previous_key_until = null, previous_key_sealed = null where app_id = $1", app_id
    )


async def set_disabled(connection: Connection, app_id: str, disabled_at: int | None) -> bool:
    """Disable an app at a time (ms since 1970), or enable it with None; return False if there is no such app.

    Disabling also raises the key's version: tokens from before stay void when the app is enabled again. What is so
    already is left alone.
    """
    status = await connection.execute(
        "update app set disabled_at = case when $2::bigint is not null then coalesce(disabled_at, $2) end,"
        " key_version = key_version + ($2::bigint is not null and disabled_at is null)::int,"
        " previous_key_until = case when $2::bigint is null then previous_key_until end,"
        " previous_key_sealed = case when $2::bigint is null then previous_key_sealed end where app_id = $1",
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


async def set_broadcasts(connection: Connection, app_id: str, *, allowed: bool) -> None:
    """Set whether an app may send to everyone of a platform."""
    await connection.execute("update app set broadcasts = $2 where app_id = $1", app_id, allowed)


async def set_live(connection: Connection, app_id: str, *, live: bool) -> None:
    """Let an app reach all users of its platforms, or its sandbox users only."""
    await connection.execute("update app set live = $2 where app_id = $1", app_id, live)


async def set_branding(connection: Connection, app_id: str, name: str, colour: str | None) -> None:
    """Give an app another name, and its icon a colour (six hex digits; None for one by its name)."""
    await connection.execute("update app set name = $2, colour = $3 where app_id = $1", app_id, name, colour)


async def set_platforms(connection: Connection, app_id: str, codes: Sequence[str]) -> None:
    """Set which platforms an app is authorised for besides its own."""
    await connection.execute("update app set platforms = $2 where app_id = $1", app_id, codes)


async def set_limits(
    connection: Connection, app_id: str, rate_limits: Mapping[str, int] | None, daily_quota: int | None
) -> None:
    """Set an app's own rate limits (calls per second by API name) and its messages a day; None for the defaults."""
    await connection.execute(
        "update app set rate_limits = $2, daily_quota = $3 where app_id = $1",
        app_id,
        None if rate_limits is None else msgspec.json.encode(rate_limits).decode(),
        daily_quota,
    )


async def find_apps(connection: Connection, numbers: Sequence[int]) -> dict[int, AppRecord]:
    """Return apps by their numbers."""
    rows = await connection.fetch(
        f"select {_APP_COLUMNS} from app a join platform p on p.code = a.platform_code where a.number = any($1)",  # noqa: S608
        numbers,
    )
    return {row["number"]: _record(row) for row in rows}


async def origin_is_allowed(connection: Connection, origin: str, *, live_only: bool) -> bool:
    """Tell whether a website may use the user tokens of some app that is enabled, and live if that is asked for."""
    found: bool = await connection.fetchval(
        "select exists (select from app where disabled_at is null and (live or not $2) and $1 = any(origins))",
        origin,
        live_only,
    )
    return found


async def app_names(connection: Connection) -> list[str]:
    """Return the names of all apps but those of announcements."""
    return [row["name"] for row in await connection.fetch("select name from app where not notices")]


async def platform_names(connection: Connection) -> list[str]:
    """Return the names and the codes of all platforms."""
    return [text for row in await connection.fetch("select code, name from platform") for text in row]


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
        " and (t.key_version = a.key_version or a.disabled_at is not null"
        " or (t.key_version = a.key_version - 1 and a.previous_key_until > $2))",
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
