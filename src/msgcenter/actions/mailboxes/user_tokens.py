"""User tokens: a browser shows one user's inbox with one."""

from collections.abc import Sequence
from time import time
from typing import NamedTuple

import jwt
from jwt.types import Options
from msgspec import Struct

from msgcenter.actions.apps.key_ring import KeyRing
from msgcenter.actions.mailboxes.old_user_ids import check_old_user_ids
from msgcenter.database.database import Database
from msgcenter.database.group_commit import GroupCommit
from msgcenter.domain.account import MAX_ORIGINS, App, Recipient
from msgcenter.domain.message_id import now_ms
from msgcenter.domain.refusal import Refusal
from msgcenter.store.apps import apps
from msgcenter.store.apps.apps import AppRecord
from msgcenter.store.mailboxes import users

_ALGORITHM = "HS256"
_ISSUER = "msgcenter"
_AUDIENCE = "msgcenter inbox"
_REQUIRED = ["sub", "platform", "app", "key", "exp", "iss"]
_VERIFIED_TOKENS = 4_096
"""Tokens whose signature is not verified again; about 3 MiB per process."""


class UserTokenError(Exception):
    """A user token is refused. `expired`: a new token from the app would be accepted."""

    def __init__(self, *, expired: bool) -> None:
        super().__init__("expired" if expired else "invalid")
        self.expired = expired


class UserToken(NamedTuple):
    """A signed token and its expiry time (ms since 1970)."""

    token: str
    expires_at: int


class _Claims(NamedTuple):
    """What a token with a valid signature says. `expires` is seconds since 1970."""

    user_id: str
    platform_code: str
    app_number: int
    key_version: int
    expires: int


class AppName(Struct, frozen=True, gc=False):
    """The app that sent a message, as users see it. `is_platform` marks the one that sends announcements."""

    app_id: str
    name: str
    is_platform: bool

    @classmethod
    def of(cls, app: App) -> "AppName":
        """Return the name of an app."""
        return cls(app.app_id, app.name, app.notices)


class Viewer(Struct, frozen=True, gc=False):
    """Who looks at an inbox. `app_number` None sees the messages of all apps. `app_name` is that of the token's app.

    `origins` are the websites that may call with the token. `frames` are those that may show the page `/inbox` in a
    frame with it: none before the app is live. `expires_at` is ms since 1970. `token` is checked again by open streams.
    """

    recipient: Recipient
    app_number: int | None
    origins: tuple[str, ...]
    frames: tuple[str, ...]
    expires_at: int
    token: str = ""
    app_name: AppName | None = None


class UserTokens:
    """Issues and checks user tokens. `default_ttl` is seconds."""

    def __init__(self, database: Database, keys: KeyRing, *, default_ttl: int, waiting_limit: int) -> None:
        self._database = database
        self._key = keys.user_token_key
        self._default_ttl = default_ttl
        self._verified: dict[str, _Claims] = {}
        self._app_reads = GroupCommit(self._find_apps, batch_weight=500, waiting_limit=waiting_limit)

    async def issue(self, app: App, user_id: str, *, platform_code: str | None, ttl: int | None) -> UserToken:
        """Return a token for one user that expires after `ttl` seconds.

        The user becomes known to the platform, so broadcasts reach the user from now on. Refuses with NOT_AUTHORISED
        (platform, sandbox) or FIELD_MALFORMED (publisherId).
        """
        recipient = await self._recipient(app, user_id, platform_code)
        async with self._database.connection() as connection:
            await users.register(connection, recipient.cell, [user_id])
        return await self._signed(app, recipient, ttl)

    async def issue_to_known(self, app: App, user_id: str, *, platform_code: str | None, ttl: int | None) -> UserToken:
        """Return a token as `issue` does, for a user who is known: this changes nothing."""
        return await self._signed(app, await self._recipient(app, user_id, platform_code), ttl)

    async def _recipient(self, app: App, user_id: str, platform_code: str | None) -> Recipient:
        platform = app.platform_for(platform_code)
        app.check_receivers([user_id])
        recipient = platform.recipient(user_id)
        await check_old_user_ids(self._database, [recipient], "publisherId")
        return recipient

    async def _signed(self, app: App, recipient: Recipient, ttl: int | None) -> UserToken:
        record = await self._app_reads.submit(app.number)
        expires = now_ms() // 1_000 + (self._default_ttl if ttl is None else ttl)
        claims = {
            "iss": _ISSUER,
            "aud": _AUDIENCE,
            "sub": recipient.user_id,
            "platform": recipient.platform_code,
            "app": app.number,
            "key": 0 if record is None else record.key_version,
            "exp": expires,
        }
        return UserToken(jwt.encode(claims, self._key, _ALGORITHM), expires * 1_000)

    async def viewer(self, token: str) -> Viewer:
        """Return the viewer that a token stands for. Raises UserTokenError.

        The app is read from the database, so a rotated key, a disabled app, a changed scope and a withdrawn right take
        effect at once.
        """
        claims = self._verified.get(token) or self._verify(token)
        if claims.expires <= time():
            raise UserTokenError(expired=True)
        record = await self._app_reads.submit(claims.app_number)
        if record is None or record.app.disabled or not record.accepts(claims.key_version, now_ms()):
            raise UserTokenError(expired=True)
        try:
            platform = record.app.platform_for(claims.platform_code)
            record.app.check_receivers([claims.user_id])
        except Refusal:
            raise UserTokenError(expired=True) from None
        return Viewer(
            recipient=platform.recipient(claims.user_id),
            app_number=None if record.inbox_scope == "platform" else record.app.number,
            origins=record.origins,
            frames=_frames(record),
            expires_at=claims.expires * 1_000,
            token=token,
            app_name=AppName.of(record.app),
        )

    def _verify(self, token: str) -> _Claims:
        """Verify a token's signature and return its claims, which are kept: neither changes while the process runs.

        Raises UserTokenError.
        """
        options: Options = {"require": _REQUIRED, "verify_sub": True, "verify_aud": False}
        try:
            decoded = jwt.decode(token, self._key, [_ALGORITHM], issuer=_ISSUER, options=options)
        except jwt.ExpiredSignatureError:
            raise UserTokenError(expired=True) from None
        except (jwt.InvalidTokenError, RecursionError):  # a token's header may be nested too deeply
            raise UserTokenError(expired=False) from None
        # Tokens of earlier versions have no audience; they are valid until they expire.
        if decoded.get("aud", _AUDIENCE) != _AUDIENCE:
            raise UserTokenError(expired=False)
        claims = _Claims(decoded["sub"], decoded["platform"], decoded["app"], decoded["key"], int(decoded["exp"]))
        if len(self._verified) >= _VERIFIED_TOKENS:
            del self._verified[next(iter(self._verified))]  # the oldest
        self._verified[token] = claims
        return claims

    async def may_call(self, origin: str) -> bool:
        """Return whether a website may call with tokens of any app. Each call checks its own token."""
        async with self._database.connection() as connection:
            return await apps.origin_is_allowed(connection, origin, live_only=False)

    async def may_frame(self, origin: str) -> bool:
        """Return whether a website may show the page `/inbox` in a frame with tokens of any app."""
        async with self._database.connection() as connection:
            return await apps.origin_is_allowed(connection, origin, live_only=True)

    async def frames_of(self, app_id: str) -> tuple[str, ...]:
        """Return the websites that may show the page `/inbox` in a frame with tokens of an app."""
        async with self._database.connection() as connection:
            record = await apps.find_app(connection, app_id)
        return () if record is None or record.app.disabled else _frames(record)

    async def _find_apps(self, numbers: list[int]) -> Sequence[AppRecord | None]:
        async with self._database.connection() as connection:
            records = await apps.find_apps(connection, sorted(set(numbers)))
        return [records.get(number) for number in numbers]


def _frames(record: AppRecord) -> tuple[str, ...]:
    return record.origins[:MAX_ORIGINS] if record.app.live else ()
