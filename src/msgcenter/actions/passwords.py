"""Passwords, hashed with Argon2id (RFC 9106, the parameters of its second recommendation)."""

import asyncio

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY

_hasher = PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)
_AT_ONCE = 2
"""Each takes 64 MiB and a core for a while."""
_turns = asyncio.Semaphore(_AT_ONCE)
_DECOY = _hasher.hash("nobody has this password")


async def hash_password(password: str) -> str:
    """Return what is stored of a password."""
    async with _turns:
        return await asyncio.to_thread(_hasher.hash, password)


async def password_matches(stored: str | None, password: str) -> bool:
    """Tell whether a password is the stored one; as slowly if there is none (None), so that its time tells nothing."""
    async with _turns:
        return await asyncio.to_thread(_verify, stored, password)


def is_outdated(stored: str) -> bool:
    """Tell whether a stored password should be hashed anew, with the parameters of today."""
    return _hasher.check_needs_rehash(stored)


def _verify(stored: str | None, password: str) -> bool:
    try:
        _hasher.verify(stored or _DECOY, password)
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None
