"""User tokens: what lets a browser show one user's inbox."""

from collections.abc import Sequence
from typing import NamedTuple

import jwt
from jwt.types import Options

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
_CLAIMS = ["sub", "platform", "app", "key", "exp", "iss"]


class UserTokenError(Exception):
    """A user token is refused; `expired` tells whether a new one from the app would help."""

    def __init__(self, *, expired: bool) -> None:
        super().__init__("expired" if expired else "invalid")
        self.expired = expired


class UserToken(NamedTuple):
    """A signed token and when it ends (ms since 1970)."""

    token: str
    expires_at: int


class Viewer(NamedTuple):
    """Who looks at an inbox. `app_number` None sees the messages of all apps.

    `origins` are the websites that may call with the token. `frames` are those that may show the page `/inbox` in a
    frame with it: none before the app is live. `expires_at` is ms since 1970. `token` is checked again by open streams.
    """

    recipient: Recipient
    app_number: int | None
    origins: tuple[str, ...]
    frames: tuple[str, ...]
    expires_at: int
    token: str = ""


class UserTokens:
    """Issues and checks user tokens. `default_ttl` is seconds."""

    def __init__(self, database: Database, keys: KeyRing, *, default_ttl: int, waiting_limit: int) -> None:
        self._database = database
        self._key = keys.user_token_key
        self._default_ttl = default_ttl
        self._reads = GroupCommit(self._find, batch_weight=500, waiting_limit=waiting_limit)

    async def issue(self, app: App, user_id: str, *, platform_code: str | None, ttl: int | None) -> UserToken:
        """Return a token for one user, good for `ttl` seconds.

        Refuses with NOT_AUTHORISED (platform, sandbox) or FIELD_MALFORMED (publisherId).
        The user is known to the platform from now on: what is sent to everyone is for this user too.
        """
        platform = app.platform_for(platform_code)
        app.check_receivers([user_id])
        await check_old_user_ids(self._database, [Recipient(user_id, platform)], "publisherId")
        record = await self._reads.submit(app.number)
        async with self._database.connection() as connection:
            await users.register(connection, platform, [user_id])
        expires = now_ms() // 1_000 + (self._default_ttl if ttl is None else ttl)
        claims = {
            "iss": _ISSUER,
            "aud": _AUDIENCE,
            "sub": user_id,
            "platform": platform,
            "app": app.number,
            "key": 0 if record is None else record.key_version,
            "exp": expires,
        }
        return UserToken(jwt.encode(claims, self._key, _ALGORITHM), expires * 1_000)

    async def viewer(self, token: str) -> Viewer:
        """Return whose inbox a token opens, and how much of it. Raises UserTokenError.

        The app is read afresh: a rotated key, a disabled app, another scope or a right that was withdrawn takes effect
        at once.
        """
        options: Options = {"require": _CLAIMS, "verify_sub": True, "verify_aud": False}
        try:
            claims = jwt.decode(token, self._key, [_ALGORITHM], issuer=_ISSUER, options=options)
        except jwt.ExpiredSignatureError:
            raise UserTokenError(expired=True) from None
        except (jwt.InvalidTokenError, RecursionError):  # a header may be nested without end
            raise UserTokenError(expired=False) from None
        # Tokens of earlier versions name no audience; they are good until they end.
        if claims.get("aud", _AUDIENCE) != _AUDIENCE:
            raise UserTokenError(expired=False)
        record = await self._reads.submit(claims["app"])
        if record is None or record.app.disabled or not record.accepts(claims["key"], now_ms()):
            raise UserTokenError(expired=True)
        try:
            record.app.platform_for(claims["platform"])
            record.app.check_receivers([claims["sub"]])
        except Refusal:
            raise UserTokenError(expired=True) from None
        return Viewer(
            recipient=Recipient(claims["sub"], claims["platform"]),
            app_number=None if record.inbox_scope == "platform" else record.app.number,
            origins=record.origins,
            frames=_frames(record),
            expires_at=claims["exp"] * 1_000,
            token=token,
        )

    async def may_call(self, origin: str) -> bool:
        """Tell whether a website may call with some app's tokens; with which, is seen when it does."""
        async with self._database.connection() as connection:
            return await apps.origin_is_allowed(connection, origin, live_only=False)

    async def may_frame(self, origin: str) -> bool:
        """Tell whether a website may show the page `/inbox` in a frame, with some app's tokens."""
        async with self._database.connection() as connection:
            return await apps.origin_is_allowed(connection, origin, live_only=True)

    async def frames_of(self, app_id: str) -> tuple[str, ...]:
        """Return the websites that may show the page `/inbox` in a frame with tokens of an app."""
        async with self._database.connection() as connection:
            record = await apps.find_app(connection, app_id)
        return () if record is None or record.app.disabled else _frames(record)

    async def _find(self, numbers: list[int]) -> Sequence[AppRecord | None]:
        async with self._database.connection() as connection:
            found = await apps.find_apps(connection, sorted(set(numbers)))
        return [found.get(number) for number in numbers]


def _frames(record: AppRecord) -> tuple[str, ...]:
    return record.origins[:MAX_ORIGINS] if record.app.live else ()
