"""A push subscription: where a browser's push service takes messages for it, and the keys to encrypt them with."""

from base64 import b64decode, urlsafe_b64encode
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from msgspec import Struct
from msgspec.json import encode

from msgcenter.domain.refusal import malformed

MAX_SUBSCRIPTIONS = 10
"""Maximum number of a user's subscriptions; one more replaces the oldest."""
_AUTH_BYTES = 16
_POINT_BYTES = 65
"""The length of an uncompressed point, as browsers send it."""


class PushKeys(Struct, frozen=True):
    """The keys of a subscription (RFC 8291) in base64url: a point on P-256 (65 bytes), and a secret (16 bytes)."""

    p256dh: str
    auth: str


class PushAddress(Struct, frozen=True):
    """What a browser's `PushSubscription.toJSON()` says of where and how to reach it."""

    endpoint: str
    keys: PushKeys

    @property
    def digest(self) -> bytes:
        """What the subscription is known by: the SHA-256 of its endpoint."""
        return sha256(self.endpoint.encode()).digest()

    def as_json(self) -> str:
        """Return it as JSON: the address of a parcel for the channel `push`."""
        return encode(self).decode()


def check_keys(keys: PushKeys) -> PushKeys:
    """Return keys without padding. Refuses with FIELD_MALFORMED keys that no browser makes."""
    point, secret = _decoded(keys.p256dh), _decoded(keys.auth)
    if point is None or not _is_point(point):
        raise malformed(
            "keys.p256dh", "须为P-256公钥(base64url,65字节)", "must be a P-256 public key, 65 bytes in base64url"
        )
    if secret is None or len(secret) != _AUTH_BYTES:
        raise malformed("keys.auth", "须为16字节(base64url)", "must be 16 bytes in base64url")
    return PushKeys(base64url(point), base64url(secret))


def base64url(value: bytes) -> str:
    """Return bytes in base64url without padding."""
    return urlsafe_b64encode(value).rstrip(b"=").decode()


def subscription_digest(subscription_id: str) -> bytes | None:
    """Return the digest that an id in base64url stands for; None for a text that is no id."""
    digest = _decoded(subscription_id)
    return digest if digest is not None and len(digest) == sha256().digest_size else None


def decoded_base64url(text: str) -> bytes:
    """Return the bytes of a text in base64url, with or without padding. Raises ValueError for other texts."""
    unpadded = text.rstrip("=")
    return b64decode(unpadded + "=" * (-len(unpadded) % 4), altchars=b"-_", validate=True)


def _decoded(text: str) -> bytes | None:
    try:
        return decoded_base64url(text)
    except ValueError:
        return None


def _is_point(point: bytes) -> bool:
    try:
        EllipticCurvePublicKey.from_encoded_point(SECP256R1(), point)
    except ValueError:
        return False
    return len(point) == _POINT_BYTES
