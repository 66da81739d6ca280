"""The access token: how it is asked for, and which one is in use (protocol, "Access token")."""

import hashlib
import hmac
from typing import Any

from msgspec import Struct

from msgcenter_client.errors import MsgCenterError

PATH = "/apigateway/getAccessToken"
_MARGIN_MS = 60_000
_MARGIN_PART = 10
"""A token is renewed a minute before its end, or a tenth of its life if that is less."""


def key_info(app_id: str, app_key: str, time_stamp: int) -> str:
    """Return the proof of knowing the appKey: upper-case hex of HMAC-SHA256. `time_stamp`: ms since 1970."""
    message = f"{app_id}{app_key}{time_stamp}"
    return hmac.new(app_key.encode(), message.encode(), hashlib.sha256).hexdigest().upper()


class Credentials(Struct, frozen=True):
    """What the portal gave the app."""

    app_id: str
    app_key: str

    def __repr__(self) -> str:
        return f"Credentials(app_id={self.app_id!r}, app_key=…)"

    def token_request(self, now_ms: int) -> dict[str, Any]:
        """Return the body that asks for a token. Sent again as it is, it is answered with the same token."""
        proof = key_info(self.app_id, self.app_key, now_ms)
        return {"appId": self.app_id, "timeStamp": now_ms, "keyInfo": proof}


class Token(Struct, frozen=True):
    """A token, and from when on it is to be renewed (ms since 1970)."""

    value: str
    renew_ms: int

    @classmethod
    def received(cls, value: str, valid_until_ms: int, now_ms: int) -> "Token":
        """Return the token of an answer that came at `now_ms`."""
        life = max(0, valid_until_ms - now_ms)
        return cls(value, valid_until_ms - min(_MARGIN_MS, life // _MARGIN_PART))


class TokenState:
    """The token in use, shared by all calls of a client.

    Reading needs no lock. `keep` and `keep_failure` are for the one who holds the client's token lock.
    """

    def __init__(self) -> None:
        self._token: Token | None = None
        self._failure: MsgCenterError | None = None
        self.failures = 0
        """How often a renewal failed. Whoever waited for the lock while it rose shares that failure
        instead of trying in turn: a hundred waiting calls must not queue up for a server that is down."""

    def usable(self, now_ms: int) -> str | None:
        """Return the token, or None if it is time to get a new one."""
        token = self._token
        return token.value if token is not None and now_ms < token.renew_ms else None

    def forget(self, value: str) -> None:
        """Drop a token that the server rejected, unless it was replaced meanwhile."""
        token = self._token
        if token is not None and token.value == value:
            self._token = None

    def keep(self, token: Token) -> None:
        """Use `token` from now on."""
        self._token = token

    def keep_failure(self, error: MsgCenterError) -> None:
        """Remember why the renewal failed."""
        self._failure = error
        self.failures += 1

    def failure_since(self, failures: int) -> MsgCenterError | None:
        """Return the newest failure, if there is one that the caller has not seen yet."""
        return self._failure if self.failures != failures else None
