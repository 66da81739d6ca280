"""The access token: its request and its lifetime (protocol, "Access token")."""

import hashlib
import hmac
from typing import Any

from msgspec import Struct

from msgcenter_client.errors import MsgCenterError

PATH = "/apigateway/getAccessToken"
_MARGIN_MS = 60_000
_MARGIN_PART = 10
"""A token is renewed one minute before it expires, or after nine tenths of its lifetime if that is later."""


def key_info(app_id: str, app_key: str, time_stamp: int) -> str:
    """Return the keyInfo that proves knowledge of the appKey: HMAC-SHA256 in upper-case hex. `time_stamp`: Unix ms."""
    message = f"{app_id}{app_key}{time_stamp}"
    return hmac.new(app_key.encode(), message.encode(), hashlib.sha256).hexdigest().upper()


class Credentials(Struct, frozen=True):
    """The app's credentials from the portal."""

    app_id: str
    app_key: str

    def __repr__(self) -> str:
        return f"Credentials(app_id={self.app_id!r}, app_key=…)"

    def token_request(self, now_ms: int) -> dict[str, Any]:
        """Return the body of a token request. Sending the same body again returns the same token."""
        proof = key_info(self.app_id, self.app_key, now_ms)
        return {"appId": self.app_id, "timeStamp": now_ms, "keyInfo": proof}


class Token(Struct, frozen=True):
    """A token, and the time from which it is renewed (Unix ms)."""

    value: str
    renew_ms: int

    @classmethod
    def received(cls, value: str, valid_until_ms: int, now_ms: int) -> "Token":
        """Return the token of an answer received at `now_ms`."""
        lifetime = max(0, valid_until_ms - now_ms)
        return cls(value, valid_until_ms - min(_MARGIN_MS, lifetime // _MARGIN_PART))


class TokenState:
    """The token in use, shared by all calls of a client.

    Reading needs no lock. Only the holder of the client's token lock may call `keep` and `keep_failure`.
    """

    def __init__(self) -> None:
        self._token: Token | None = None
        self._failure: MsgCenterError | None = None
        self.failures = 0
        """The number of failed renewals. A call that waited for the lock while it rose raises the same failure
        instead of trying again: a hundred waiting calls must not try one by one while the server is down."""

    def usable(self, now_ms: int) -> str | None:
        """Return the token, or None if a new one is needed."""
        token = self._token
        return token.value if token is not None and now_ms < token.renew_ms else None

    def forget(self, value: str) -> None:
        """Drop a token that the server rejected, unless it has been replaced since."""
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
        """Return the latest failure if the count has changed since `failures`, else None."""
        return self._failure if self.failures != failures else None
