"""Apps: identity, keys, permissions and limits."""

from collections.abc import Collection, Mapping, Sequence
from typing import Literal, NamedTuple

import asyncpg
import msgspec

from msgcenter.database.database import Connection
from msgcenter.database.statements import affected_rows, column_arrays, columns
from msgcenter.domain.account import App, AppVersion, Platform

_APP = columns(
    "app",
    "number, app_id, name, platform_code, account, disabled_at, webhook_events, broadcasts, live, rate_limits,"
    " daily_quota, notices, directory, urgent",
)
_OTHER_PLATFORMS = """
    case when app.platforms <> '{}' then array(
        select array[other.code, other.first_cell::text, other.cells::text]
        from platform as other
        where other.code = any(app.platforms)
    ) end as other_platforms
"""
APP_COLUMNS = f"{_APP}, platform.app_schemes, platform.first_cell, platform.cells, {_OTHER_PLATFORMS}"
"""The columns of `app_of`, from `app join platform on platform.code = app.platform_code`."""
APP_VERSION = "app.xmin as version"
"""The version of an app's row: the transaction that has written it, so each change makes a new one."""
_RECORD = columns(
    "app", "key_sealed, key_version, created_at, inbox_scope, origins, colour, previous_key_sealed, previous_key_until"
)
_RECORD_COLUMNS = f"{APP_COLUMNS}, {_RECORD}"

_rate_limits = msgspec.json.Decoder(dict[str, int])
InboxScope = Literal["own", "platform"]
"""What an app's user tokens see: its own messages to the user, or the user's messages of all apps."""


class AppRecord(NamedTuple):
    """A registered app with the data that only its owner and the token calls may see.

    The key before the last rotation, of version `key_version` - 1, is valid until `previous_key_until` (ms since 1970).
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
        """Return whether a token that was made with this version of the key is valid at `now` (ms since 1970)."""
        is_previous = key_version == self.key_version - 1 and now < (self.previous_key_until or 0)
        return key_version == self.key_version or is_previous


def app_of(row: asyncpg.Record) -> App:
    """Return the app of a row that has the columns `APP_COLUMNS`."""
    return App(
        number=row["number"],
        app_id=row["app_id"],
        name=row["name"],
        platform=Platform(row["platform_code"], row["first_cell"], row["cells"]),
        account=row["account"],
        disabled=row["disabled_at"] is not None,
        platforms={
            code: Platform(code, int(first_cell), int(cells))
            for code, first_cell, cells in row["other_platforms"] or ()
        },
        app_schemes=frozenset(row["app_schemes"]),
        webhook_events=frozenset(row["webhook_events"]),
        broadcasts=row["broadcasts"],
        live=row["live"],
        rate_limits=None if row["rate_limits"] is None else _rate_limits.decode(row["rate_limits"]),
        daily_quota=row["daily_quota"],
        notices=row["notices"],
        directory=row["directory"],
        urgent=row["urgent"],
    )


def _record_of(row: asyncpg.Record) -> AppRecord:
    return AppRecord(
        app=app_of(row),
        key_sealed=row["key_sealed"],
        key_version=row["key_version"],
        created_at=row["created_at"],
        inbox_scope=row["inbox_scope"],
        origins=tuple(row["origins"]),
        colour=row["colour"],
        previous_key_sealed=row["previous_key_sealed"],
        previous_key_until=row["previous_key_until"],
    )


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
    """Add an app, whose account is its app id; return its number, or None if the app id is taken."""
    number: int | None = await connection.fetchval(
        """
        insert into app (app_id, name, platform_code, account, key_sealed, created_at, live, broadcasts)
        values ($1, $2, $3, $1, $4, $5, $6, $7)
        on conflict (app_id) do nothing
        returning number
        """,
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
    """Add the app that sends a platform's announcements, unless it exists; return whether it is new.

    It has the name of the platform.
    """
    status = await connection.execute(
        """
        insert into app (app_id, name, platform_code, account, key_sealed, created_at, notices)
        select $2, platform.name, platform.code, $2, $3, $4, true
        from platform
        where platform.code = $1
        on conflict (platform_code) where notices do nothing
        """,
        platform_code,
        app_id,
        key_sealed,
        now,
    )
    return affected_rows(status) > 0


async def notices_app(connection: Connection, platform_code: str) -> AppRecord | None:
    """Return the app that sends a platform's announcements."""
    row = await connection.fetchrow(
        f"""
        select {_RECORD_COLUMNS}
        from app join platform on platform.code = app.platform_code
        where app.platform_code = $1 and app.notices
        """,
        platform_code,
    )
    return _record_of(row) if row else None


async def find_app(connection: Connection, app_id: str) -> AppRecord | None:
    """Return the app with this public id."""
    row = await connection.fetchrow(
        f"""
        select {_RECORD_COLUMNS}
        from app join platform on platform.code = app.platform_code
        where app.app_id = $1
        """,
        app_id,
    )
    return _record_of(row) if row else None


async def find_apps(connection: Connection, numbers: Sequence[int]) -> dict[int, AppRecord]:
    """Return apps by their numbers."""
    rows = await connection.fetch(
        f"""
        select {_RECORD_COLUMNS}
        from app join platform on platform.code = app.platform_code
        where app.number = any($1)
        """,
        numbers,
    )
    return {row["number"]: _record_of(row) for row in rows}


async def changed_apps(connection: Connection, versions: Collection[AppVersion]) -> set[AppVersion]:
    """Return those of the versions of apps that are not the current ones."""
    rows = await connection.fetch(
        """
        select seen.number, seen.version
        from unnest($1::int[], $2::xid[]) as seen (number, version)
        left join app on app.number = seen.number and app.xmin = seen.version
        where app.number is null
        """,
        *column_arrays(versions, 2),
    )
    return {(row["number"], row["version"]) for row in rows}


async def list_apps(connection: Connection, platform_code: str | None = None) -> list[AppRecord]:
    """Return the apps of all platforms or of one, the oldest first."""
    rows = await connection.fetch(
        f"""
        select {_RECORD_COLUMNS}
        from app join platform on platform.code = app.platform_code
        where app.platform_code = $1 or $1 is null
        order by app.number
        """,
        platform_code,
    )
    return [_record_of(row) for row in rows]


async def app_names(connection: Connection) -> list[str]:
    """Return the names of all apps except those that send announcements."""
    return [row["name"] for row in await connection.fetch("select name from app where not notices")]


async def origin_is_allowed(connection: Connection, origin: str, *, live_only: bool) -> bool:
    """Return whether a website may use the user tokens of an enabled app, which must be live if `live_only`."""
    is_allowed: bool = await connection.fetchval(
        "select exists (select from app where disabled_at is null and (live or not $2) and $1 = any(origins))",
        origin,
        live_only,
    )
    return is_allowed


# --- Keys -----------------------------------------------------------------------------------------------------------


async def replace_key(
    connection: Connection, app_id: str, key_sealed: bytes, *, previous_until: int | None = None
) -> bool:
    """Replace the key of an app; return False if there is no such app.

    The previous key and the tokens made with it stay valid until `previous_until` (ms since 1970); None ends them now.
    """
    status = await connection.execute(
        """
        update app
        set key_sealed = $2,
            key_version = key_version + 1,
            previous_key_until = $3,
            previous_key_sealed = case when $3::bigint is null then null else key_sealed end
        where app_id = $1
        """,
        app_id,
        key_sealed,
        previous_until,
    )
    return affected_rows(status) > 0


async def end_previous_key(connection: Connection, app_id: str) -> None:
    """End the validity of the key before the last rotation."""
    await connection.execute(
        "update app set previous_key_until = null, previous_key_sealed = null where app_id = $1", app_id
    )


async def set_disabled(connection: Connection, app_id: str, disabled_at: int | None) -> bool:
    """Disable an app at a time (ms since 1970), or enable it with None; return False if there is no such app.

    Disabling also raises the version of the key, so that earlier tokens stay invalid when the app is enabled again.
    Disabling a disabled app changes nothing, nor does enabling an enabled one.
    """
    status = await connection.execute(
        """
        update app
        set disabled_at = case when $2::bigint is not null then coalesce(disabled_at, $2) end,
            key_version = key_version + ($2::bigint is not null and disabled_at is null)::int,
            previous_key_until = case when $2::bigint is null then previous_key_until end,
            previous_key_sealed = case when $2::bigint is null then previous_key_sealed end
        where app_id = $1
        """,
        app_id,
        disabled_at,
    )
    return affected_rows(status) > 0


# --- Settings -------------------------------------------------------------------------------------------------------


async def set_branding(connection: Connection, app_id: str, name: str, colour: str | None) -> None:
    """Set an app's name and the colour of its icon: six hex digits, or None for a colour derived from the name."""
    await connection.execute("update app set name = $2, colour = $3 where app_id = $1", app_id, name, colour)


async def set_platforms(connection: Connection, app_id: str, codes: Sequence[str]) -> None:
    """Set the platforms that an app is authorised for besides its own."""
    await connection.execute("update app set platforms = $2 where app_id = $1", app_id, codes)


async def set_live(connection: Connection, app_id: str, *, live: bool) -> None:
    """Set whether an app reaches all users of its platforms or only its sandbox users."""
    await connection.execute("update app set live = $2 where app_id = $1", app_id, live)


async def set_broadcasts(connection: Connection, app_id: str, *, allowed: bool) -> None:
    """Set whether an app may send broadcasts."""
    await connection.execute("update app set broadcasts = $2 where app_id = $1", app_id, allowed)


async def set_directory(connection: Connection, app_id: str, *, allowed: bool) -> None:
    """Set whether an app may use the calls about the directory."""
    await connection.execute("update app set directory = $2 where app_id = $1", app_id, allowed)


async def set_urgent(connection: Connection, app_id: str, *, allowed: bool) -> None:
    """Set whether an app may send messages of urgent types."""
    await connection.execute("update app set urgent = $2 where app_id = $1", app_id, allowed)


async def set_inbox_scope(connection: Connection, app_id: str, scope: InboxScope) -> None:
    """Set what an app's user tokens see."""
    await connection.execute("update app set inbox_scope = $2 where app_id = $1", app_id, scope)


async def set_origins(connection: Connection, app_id: str, origins: Sequence[str]) -> None:
    """Set the websites that may embed the inbox with an app's user tokens."""
    await connection.execute("update app set origins = $2 where app_id = $1", app_id, origins)


async def set_limits(
    connection: Connection, app_id: str, rate_limits: Mapping[str, int] | None, daily_quota: int | None
) -> None:
    """Set an app's rate limits (calls per second, by API name) and its messages per day; None means the default."""
    await connection.execute(
        "update app set rate_limits = $2, daily_quota = $3 where app_id = $1",
        app_id,
        None if rate_limits is None else msgspec.json.encode(rate_limits).decode(),
        daily_quota,
    )
