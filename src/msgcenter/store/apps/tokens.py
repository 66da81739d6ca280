"""Access tokens: stored as hashes, valid until a time or until the app's key ends."""

from collections.abc import Sequence
from typing import NamedTuple

from msgcenter.database.database import Connection
from msgcenter.database.statements import affected_rows
from msgcenter.domain.account import App
from msgcenter.store.apps.apps import APP_COLUMNS, APP_VERSION, app_of


class TokenRecord(NamedTuple):
    """A stored token: the app it belongs to, the version of the app, and when it expires (ms since 1970).

    It is valid until then as long as the app has this version.
    """

    app: App
    app_version: int
    expires_at: int


async def add_token(connection: Connection, digest: bytes, app_number: int, key_version: int, expires_at: int) -> int:
    """Store the hash of a token; return when it expires (ms since 1970).

    If the token is already stored, it keeps its earlier time.
    """
    await connection.execute(
        """
        insert into access_token (digest, app_number, key_version, expires_at)
        values ($1, $2, $3, $4)
        on conflict (digest) do nothing
        """,
        digest,
        app_number,
        key_version,
        expires_at,
    )
    stored_expiry: int = await connection.fetchval("select expires_at from access_token where digest = $1", digest)
    return stored_expiry


async def find_tokens(connection: Connection, digests: Sequence[bytes], now: int) -> dict[bytes, TokenRecord]:
    """Return the tokens that are valid at `now` (ms since 1970), by digest.

    Tokens of disabled apps are included, so that the caller can refuse them with the right reason.
    """
    rows = await connection.fetch(
        f"""
        select access_token.digest, {APP_VERSION}, {APP_COLUMNS},
            case
                when access_token.key_version = app.key_version then access_token.expires_at
                else least(access_token.expires_at, app.previous_key_until)
            end as expires_at
        from access_token
        join app on app.number = access_token.app_number
        join platform on platform.code = app.platform_code
        where access_token.digest = any($1)
            and access_token.expires_at > $2
            and (
                access_token.key_version = app.key_version
                or app.disabled_at is not null
                or (access_token.key_version = app.key_version - 1 and app.previous_key_until > $2)
            )
        """,
        digests,
        now,
    )
    return {row["digest"]: TokenRecord(app_of(row), row["version"], row["expires_at"]) for row in rows}


async def delete_expired_tokens(connection: Connection, now: int, limit: int) -> int:
    """Delete up to `limit` tokens that have expired at `now` (ms since 1970); return how many."""
    status = await connection.execute(
        """
        delete from access_token
        where digest = any(array(
            select digest from access_token where expires_at <= $1 order by expires_at limit $2
        ))
        """,
        now,
        limit,
    )
    return affected_rows(status)
