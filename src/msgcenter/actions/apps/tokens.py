"""Access tokens: issued for a proof of the appKey, checked with each call."""

import sys
from collections.abc import Callable, Mapping, Sequence
from time import monotonic
from typing import NamedTuple

from msgspec.structs import replace

from msgcenter.actions.apps.key_ring import KeyRing, new_token, token_digest
from msgcenter.database.database import Database
from msgcenter.database.group_commit import GroupCommit
from msgcenter.domain.account import App
from msgcenter.domain.message_id import now_ms
from msgcenter.domain.refusal import Reason, Refusal
from msgcenter.domain.time_stamp import milliseconds_of
from msgcenter.store.apps import apps
from msgcenter.store.apps.apps import AppRecord
from msgcenter.store.apps.tokens import TokenRecord, add_token, find_tokens

_RECENT_SECONDS = 1.0
"""How long what was read of a token may serve as a guess about it."""


class IssuedToken(NamedTuple):
    """A token, its app, and when it expires (ms since 1970)."""

    token: str
    app: App
    expires_at: int


class Tokens:
    """Issues and checks access tokens. `ttl` and `clock_window` are seconds."""

    def __init__(self, database: Database, keys: KeyRing, *, ttl: int, clock_window: int, waiting_limit: int) -> None:
        self._database = database
        self._keys = keys
        self._ttl_ms = ttl * 1_000
        self.window_ms = clock_window * 1_000
        # Each call reads its token and its app, so that a rotated key or a disabled app takes effect at once in every
        # process; calls that wait together share one query.
        self._reads = GroupCommit(self._find, batch_weight=500, waiting_limit=waiting_limit)
        self._recent: dict[bytes, TokenRecord] = {}
        self._recent_until = 0.0

    async def issue(self, app_id: str, timestamp: str, key_info: str) -> IssuedToken:
        """Return a token for an HMAC proof of the appKey; for a repeated request, the same one.

        `timestamp` is digits as sent, ms since 1970, or seconds if there are at most 11. Refuses with
        TIMESTAMP_OUTSIDE_WINDOW, APP_UNKNOWN, KEY_INFO_WRONG or APP_DISABLED (docs/protocol.md, "Access token").
        """
        now = now_ms()
        if abs(milliseconds_of(timestamp) - now) > self.window_ms:
            raise Refusal(Reason.TIMESTAMP_OUTSIDE_WINDOW, minutes=max(1, self.window_ms // 60_000))
        record = await self._app(app_id)

        def proves(sealed: bytes | None) -> bool:
            return self._keys.key_info_matches(app_id, sealed, timestamp, key_info)

        proven = _proven(record, proves, now)
        token = self._keys.token_for(proven.record.app.number, proven.key_version, timestamp, key_info)
        return await self._store(token, proven, now)

    async def issue_for_secret(self, app_id: str, secret: str) -> IssuedToken:
        """Return a new token for the appKey itself (OAuth 2.0 client credentials). Refuses as `issue` does."""
        now = now_ms()
        record = await self._app(app_id)
        proven = _proven(record, lambda sealed: self._keys.secret_matches(app_id, sealed, secret), now)
        return await self._store(new_token(), proven, now)

    async def issue_for_owner(self, app_id: str) -> IssuedToken:
        """Return a new token for an app whose member is logged in. Refuses with APP_UNKNOWN or APP_DISABLED."""
        record = await self._app(app_id)
        proven = _proven(record, lambda sealed: sealed is not None, now_ms())
        return await self._store(new_token(), proven, now_ms())

    async def authenticate(self, token: str) -> App:
        """Return the app that a token belongs to. Refuses with TOKEN_UNKNOWN or APP_DISABLED."""
        record = await self._reads.submit(token_digest(token))
        if record.app.disabled:
            raise Refusal(Reason.APP_DISABLED)
        return record.app

    def recent(self, token: str) -> App | None:
        """Return the app that a token belonged to a moment ago, with its version; None if that is not known.

        The token may have ended since: a call may change something for this app only in a statement that compares the
        version, and must `authenticate` before it refuses or answers anything else.
        """
        if monotonic() >= self._recent_until:
            return None
        record = self._recent.get(token_digest(token))
        return record.app if record is not None and record.expires_at > now_ms() else None

    def waiting(self) -> int:
        """Return the number of calls that wait for the lookup of their token."""
        return self._reads.waiting

    async def _find(self, digests: list[bytes]) -> Sequence[TokenRecord | Refusal]:
        began = monotonic()
        async with self._database.connection() as connection:
            records = await find_tokens(connection, list(set(digests)), now_ms())
        if self._database.is_on_one_node:
            self._remember(records, began)
        return [records.get(digest) or Refusal(Reason.TOKEN_UNKNOWN) for digest in digests]

    def _remember(self, records: Mapping[bytes, TokenRecord], read_at: float) -> None:
        if read_at >= self._recent_until:
            self._recent, self._recent_until = {}, read_at + _RECENT_SECONDS
        for digest, record in records.items():
            if not record.app.disabled:
                self._recent[digest] = record._replace(app=replace(record.app, version=record.app_version))

    async def _app(self, app_id: str) -> AppRecord | None:
        async with self._database.connection() as connection:
            return await apps.find_app(connection, app_id)

    async def _store(self, token: str, proven: "_Proven", now: int) -> IssuedToken:
        app, until = proven.record.app, min(now + self._ttl_ms, proven.until)
        expires_at = await self._database.in_transaction(
            add_token, token_digest(token), app.number, proven.key_version, until
        )
        return IssuedToken(token, app, expires_at)


class _Proven(NamedTuple):
    """An app that has proven one of its keys: its version, and when that key expires (ms since 1970)."""

    record: AppRecord
    key_version: int
    until: int


def _proven(record: AppRecord | None, proves: Callable[[bytes | None], bool], now: int) -> _Proven:
    proven = proves(record and record.key_sealed)
    if record is None:
        raise Refusal(Reason.APP_UNKNOWN)
    result = _Proven(record, record.key_version, sys.maxsize)
    if not proven and record.accepts(record.key_version - 1, now) and proves(record.previous_key_sealed):
        result = _Proven(record, record.key_version - 1, record.previous_key_until or now)
        proven = True
    if not proven:
        raise Refusal(Reason.KEY_INFO_WRONG)
    if record.app.disabled or record.app.notices:
        raise Refusal(Reason.APP_DISABLED)
    return result
