"""The secrets of apps: keys are encrypted at rest, tokens are derived, hashes are compared in constant time."""

import hmac
import secrets
from hashlib import sha256
from typing import get_args

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from msgcenter.domain.channels.sealing import Purpose

_NONCE = 12
_SHA1_HEX = 40


class WrongSecretKeyError(Exception):
    """A value was encrypted with another secret key than this installation's current one."""


class KeyRing:
    """All cryptography that uses the installation's secret key.

    `installation` is the same in all its processes, and another one elsewhere. It reveals nothing about the key.
    """

    def __init__(self, secret_key: str) -> None:
        self._seal = AESGCM(_derive(secret_key, b"msgcenter app key"))
        self._token_key = _derive(secret_key, b"msgcenter access token")
        self._values = {
            purpose: AESGCM(_derive(secret_key, f"msgcenter {purpose} value".encode())) for purpose in get_args(Purpose)
        }
        self.user_token_key = _derive(secret_key, b"msgcenter user token")
        self.csrf_key = _derive(secret_key, b"msgcenter portal form")
        self.installation = _derive(secret_key, b"msgcenter installation").hex()[:16]
        self._decoy = self.seal("", new_app_key())

    def seal(self, app_id: str, app_key: str) -> bytes:
        """Return an appKey encrypted with AES-256-GCM and bound to its appId."""
        nonce = secrets.token_bytes(_NONCE)
        return nonce + self._seal.encrypt(nonce, app_key.encode(), app_id.encode())

    def open(self, app_id: str, sealed: bytes) -> str:
        """Return the appKey. Raises WrongSecretKeyError if it was sealed with another secret key."""
        try:
            return self._seal.decrypt(sealed[:_NONCE], sealed[_NONCE:], app_id.encode()).decode()
        except InvalidTag:
            raise WrongSecretKeyError from None

    def seal_value(self, purpose: Purpose, binding: str, value: str) -> bytes:
        """Return a value encrypted with AES-256-GCM and the key of its purpose, bound to the place of `binding`."""
        nonce = secrets.token_bytes(_NONCE)
        return nonce + self._values[purpose].encrypt(nonce, value.encode(), binding.encode())

    def open_value(self, purpose: Purpose, binding: str, sealed: bytes) -> str:
        """Return a sealed value. Raises WrongSecretKeyError if it was sealed with another key or for another place."""
        try:
            return self._values[purpose].decrypt(sealed[:_NONCE], sealed[_NONCE:], binding.encode()).decode()
        except InvalidTag:
            raise WrongSecretKeyError from None

    def key_info_matches(self, app_id: str, sealed: bytes | None, timestamp: str, key_info: str) -> bool:
        """Return whether `key_info` is the HMAC (SHA-1 or SHA-256, by its length) with the app's key.

        `sealed` is None for an unknown app: the same work is done, so that timing leaks nothing.
        """
        app_key = self.open("", self._decoy) if sealed is None else self.open(app_id, sealed)
        algorithm = "sha1" if len(key_info) == _SHA1_HEX else "sha256"
        expected = hmac.new(app_key.encode(), f"{app_id}{app_key}{timestamp}".encode(), algorithm).hexdigest()
        return hmac.compare_digest(expected, key_info.lower()) and sealed is not None

    def secret_matches(self, app_id: str, sealed: bytes | None, secret: str) -> bool:
        """Return whether `secret` is the app's key; takes the same time for an unknown app (`sealed` None)."""
        app_key = self.open("", self._decoy) if sealed is None else self.open(app_id, sealed)
        return hmac.compare_digest(sha256(app_key.encode()).digest(), sha256(secret.encode()).digest()) and (
            sealed is not None
        )

    def token_for(self, app_number: int, key_version: int, timestamp: str, key_info: str) -> str:
        """Return the token for a getAccessToken request; the same request always gets the same token."""
        request = f"{app_number}|{key_version}|{timestamp}|{key_info.lower()}"
        return hmac.new(self._token_key, request.encode(), "sha256").hexdigest()[:32]


def new_app_key() -> str:
    """Return a new appKey: 32 hex digits."""
    return secrets.token_hex(16)


def new_app_id() -> str:
    """Return a new appId: 16 hex digits."""
    return secrets.token_hex(8)


def new_token() -> str:
    """Return a random token: 32 hex digits."""
    return secrets.token_hex(16)


def token_digest(token: str) -> bytes:
    """Return the hash that is stored of a token."""
    return sha256(token.encode()).digest()


def _derive(secret_key: str, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose).derive(secret_key.encode())
