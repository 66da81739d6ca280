"""The encryption of push messages: aes128gcm for web push (RFC 8188, RFC 8291)."""

import secrets
from struct import pack

from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDH,
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

MAX_PLAINTEXT = 3_993
"""Maximum number of bytes: push services take 4,096 (RFC 8030, 7.2), of which 103 are for the encryption."""
_RECORD_SIZE = 4_096
_LAST_RECORD = b"\x02"


def encrypt(
    plaintext: bytes,
    *,
    p256dh: bytes,
    auth: bytes,
    sender_key: EllipticCurvePrivateKey | None = None,
    salt: bytes | None = None,
) -> bytes:
    """Return the body of a push message that only a browser with these keys can read.

    `p256dh` is its public key (65 bytes), `auth` its secret (16 bytes). `sender_key` and `salt` are for one message
    only, and random if left out. Raises ValueError if `p256dh` is not a point of the curve.
    """
    own_key = sender_key or generate_private_key(SECP256R1())
    own_point = point_of(own_key.public_key())
    salt = salt or secrets.token_bytes(16)
    shared = own_key.exchange(ECDH(), EllipticCurvePublicKey.from_encoded_point(SECP256R1(), p256dh))
    secret = _derive(shared, salt=auth, info=b"WebPush: info\x00" + p256dh + own_point, length=32)
    content_key = _derive(secret, salt=salt, info=b"Content-Encoding: aes128gcm\x00", length=16)
    nonce = _derive(secret, salt=salt, info=b"Content-Encoding: nonce\x00", length=12)
    header = salt + pack(">IB", _RECORD_SIZE, len(own_point)) + own_point
    return header + AESGCM(content_key).encrypt(nonce, plaintext + _LAST_RECORD, None)


def point_of(key: EllipticCurvePublicKey) -> bytes:
    """Return a public key as an uncompressed point, 65 bytes."""
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def _derive(key: bytes, *, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(algorithm=SHA256(), length=length, salt=salt, info=info).derive(key)
