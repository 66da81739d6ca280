"""A browser's side of web push: its keys, and how it decrypts (RFC 8291), by HMAC alone and not by the product."""

import hashlib
import hmac
import json
import secrets
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import ECDH, SECP256R1, EllipticCurvePublicKey, generate_private_key
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from msgcenter.channels.base64url import to_base64url


def _hmac(key: bytes, data: bytes) -> bytes:
    return hmac.new(key, data, hashlib.sha256).digest()


class Browser:
    """A browser with a subscription."""

    def __init__(self) -> None:
        self._key = generate_private_key(SECP256R1())
        self.point = self._key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        self.auth = secrets.token_bytes(16)

    def subscription(self, endpoint: str) -> str:
        """Return the subscription as its JSON."""
        keys = {"p256dh": to_base64url(self.point), "auth": to_base64url(self.auth)}
        return json.dumps({"endpoint": endpoint, "expirationTime": None, "keys": keys})

    def decrypt(self, body: bytes) -> bytes:
        """Return the plaintext of a message of one record."""
        salt, size, length = body[:16], int.from_bytes(body[16:20]), body[20]
        sender, sealed = body[21 : 21 + length], body[21 + length :]
        assert length == 65
        assert len(sealed) <= size
        shared = self._key.exchange(ECDH(), EllipticCurvePublicKey.from_encoded_point(SECP256R1(), sender))
        combined = _hmac(_hmac(self.auth, shared), b"WebPush: info\0" + self.point + sender + b"\x01")
        extracted = _hmac(salt, combined)
        key = _hmac(extracted, b"Content-Encoding: aes128gcm\0\x01")[:16]
        nonce = _hmac(extracted, b"Content-Encoding: nonce\0\x01")[:12]
        padded = AESGCM(key).decrypt(nonce, sealed, None).rstrip(b"\0")
        assert padded.endswith(b"\x02")
        return padded[:-1]

    def read(self, body: bytes) -> Any:
        """Return the JSON of a message."""
        return json.loads(self.decrypt(body))
