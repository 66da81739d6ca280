"""Passwords are hashed off the event loop, and take the same time for unknown people."""

import asyncio

from msgcenter.actions.portal import passwords
from msgcenter.actions.portal.passwords import hash_password, is_outdated, password_matches


async def test_a_password_matches_its_hash_only() -> None:
    stored = await hash_password("correct horse battery")
    assert stored.startswith("$argon2id$v=19$m=65536,t=3,p=4$"), "RFC 9106, the second recommendation"
    assert await password_matches(stored, "correct horse battery")
    assert not await password_matches(stored, "Correct horse battery")
    assert not await password_matches("no hash at all", "no hash at all")


async def test_no_password_matches_the_decoy_hash() -> None:
    assert not await password_matches(None, "nobody has this password")
    assert not is_outdated(passwords._DECOY), "it must take as long as the hash of a person"


async def test_hashing_does_not_block_the_event_loop() -> None:
    for work in (hash_password("correct horse battery"), password_matches(None, "a guess")):
        task, turns = asyncio.ensure_future(work), 0
        while not task.done():
            await asyncio.sleep(0)
            turns += 1
        assert turns > 10
