"""The identification of a sender to push services (VAPID, RFC 8292)."""

import time
from urllib.parse import urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    derive_private_key,
    generate_private_key,
)

from msgcenter.channels.base64url import from_base64url, to_base64url
from msgcenter.channels.push_encryption import point_of

_LIFETIME = 12 * 3_600
"""Seconds. Push services accept at most a day."""
_MAX_TOKENS = 200
"""Tokens that are kept. Users name the push services, so their number has no limit of its own."""


def new_private_key() -> str:
    """Return a new private key: 32 bytes in base64url."""
    return to_base64url(generate_private_key(SECP256R1()).private_numbers().private_value.to_bytes(32))


def parse_private_key(text: str) -> EllipticCurvePrivateKey | None:
    """Return a private key (32 bytes in base64url), None if the text is none."""
    try:
        raw = from_base64url(text)
        return derive_private_key(int.from_bytes(raw), SECP256R1()) if len(raw) == 32 else None
    except ValueError:
        return None


def public_key_of(key: EllipticCurvePrivateKey) -> str:
    """Return the public key as browsers need it to subscribe (`applicationServerKey`): 65 bytes in base64url."""
    return to_base64url(point_of(key.public_key()))


class Vapid:
    """Makes the header Authorization. A token serves all messages to a push service for hours: signing is slow."""

    def __init__(self, key: EllipticCurvePrivateKey, contact: str) -> None:
        """`contact` is a mailto: or https: URL at which the push service can reach the operator."""
        self._key = key
        self._contact = contact
        self._public_key = public_key_of(key)
        self._tokens: dict[str, tuple[int, str]] = {}

    def authorization(self, endpoint: str) -> str:
        """Return the value of the header for a message to an endpoint."""
        parts = urlsplit(endpoint)
        return f"vapid t={self._token(f'{parts.scheme}://{parts.netloc}')}, k={self._public_key}"

    def _token(self, audience: str) -> str:
        now = int(time.time())
        renew_at, token = self._tokens.get(audience, (0, ""))
        if now < renew_at:
            return token
        claims = {"aud": audience, "exp": now + _LIFETIME, "sub": self._contact}
        token = jwt.encode(claims, self._key, algorithm="ES256")
        if len(self._tokens) >= _MAX_TOKENS:
            self._tokens.clear()
        self._tokens[audience] = (now + _LIFETIME // 2, token)
        return token
