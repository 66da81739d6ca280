"""Password hashes: Argon2id with the second recommended parameters of RFC 9106."""

import asyncio
import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY

from msgcenter.domain.password import checked_password

_hasher = PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)
_AT_ONCE = 2
"""Hashes at a time: each needs 64 MiB and a core."""
_turns = asyncio.Semaphore(_AT_ONCE)
_DECOY = "$argon2id$v=19$m=65536,t=3,p=4$vWiAU95ereQ8JeYCjAMetg$q++qwxSZIN1o3Hv9SrU0/6m2Y8F3WMqs6mFgFJ3H/+w"
"""The hash for unknown logins. A constant: computing it would take each process that starts 0.2 s of CPU."""

_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"
"""Letters and digits without those that look like another."""


async def hash_of_new_password(password: str, login: str, name: str) -> str:
    """Return the hash of a chosen password. Refuses with FIELD_MALFORMED (password) one that is too easy.

    Every new password of a person comes through here.
    """
    async with _turns:
        await asyncio.to_thread(checked_password, password, login, name)
    return await hash_password(password)


def new_one_time_password() -> tuple[str, str]:
    """Return the two halves of a new one-time password, ten letters and digits (50 bits) each; a dash joins them."""
    first, second = ("".join(secrets.choice(_ALPHABET) for _ in range(10)) for _ in range(2))
    return first, second


async def hash_password(password: str) -> str:
    """Return the hash of a password."""
    async with _turns:
        return await asyncio.to_thread(_hasher.hash, password)


async def password_matches(stored: str | None, password: str) -> bool:
    """Return whether a password matches a hash; takes the same time without a hash, so that timing leaks nothing."""
    async with _turns:
        return await asyncio.to_thread(_verify, stored, password)


def is_outdated(stored: str) -> bool:
    """Return whether a hash was made with other parameters than the current ones."""
    return _hasher.check_needs_rehash(stored)


def _verify(stored: str | None, password: str) -> bool:
    try:
        _hasher.verify(stored or _DECOY, password)
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None
