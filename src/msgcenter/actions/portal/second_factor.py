"""The second factor: time-based codes (RFC 6238), and recovery codes for a lost phone."""

import base64
import re
import secrets
import time
from hashlib import sha256
from typing import NamedTuple

import pyotp
import segno

from msgcenter.actions.apps.key_ring import KeyRing
from msgcenter.database.database import Database
from msgcenter.store.portal import people
from msgcenter.store.portal.people import PersonRecord

SECOND_FACTOR = "portal totp"
"""The purpose that secrets are sealed for, followed by the person's number."""
_ISSUER = "MsgCenter"
_STEP_SECONDS = 30
_RECOVERY_CODES = 10
_SECRET = re.compile("[A-Z2-7]{32}")


class Enrolment(NamedTuple):
    """A secret for an authenticator app: as text, as a URI, and as a QR code (SVG)."""

    secret: str
    uri: str
    svg: str


def new_enrolment(login: str, secret: str | None = None) -> Enrolment:
    """Return an enrolment with a new secret, or with `secret`."""
    secret = secret or pyotp.random_base32()
    uri = pyotp.TOTP(secret).provisioning_uri(name=login, issuer_name=_ISSUER)
    svg = segno.make(uri, error="m").svg_inline(scale=5, border=2, dark="#000", light="#fff", omitsize=True)
    return Enrolment(secret, uri, svg)


def is_secret(text: str) -> bool:
    """Return whether a text is a secret: 160 bits in Base32."""
    return _SECRET.fullmatch(text) is not None


def step_of(secret: str, code: str) -> int | None:
    """Return the time step of a code: the current one, the one before or the one after; None for a wrong code."""
    digits = code.replace(" ", "")
    now = int(time.time()) // _STEP_SECONDS
    totp = pyotp.TOTP(secret)
    for step in (now, now - 1, now + 1):
        if secrets.compare_digest(totp.at(step * _STEP_SECONDS), digits.encode("ascii", "replace").decode()):
            return step
    return None


def new_recovery_codes() -> list[str]:
    """Return ten codes for one login each: two groups of five letters and digits."""
    codes = []
    for _ in range(_RECOVERY_CODES):
        text = base64.b32encode(secrets.token_bytes(7)).decode().lower()[:10]
        codes.append(f"{text[:5]}-{text[5:]}")
    return codes


def recovery_digest(code: str) -> bytes:
    """Return the hash that is stored of a recovery code."""
    return sha256(code.strip().lower().replace("-", "").replace(" ", "").encode()).digest()


async def takes_code(database: Database, keys: KeyRing, record: PersonRecord, code: str) -> bool:
    """Return whether a code or recovery code is right, and use it up. Every code is right without a second factor."""
    if record.second_factor_sealed is None:
        return True
    number = record.person.number
    step = step_of(keys.open(f"{SECOND_FACTOR} {number}", record.second_factor_sealed), code)
    async with database.connection() as connection:
        if step is not None:
            return await people.use_step(connection, number, step)
        return await people.use_recovery_code(connection, number, recovery_digest(code))
