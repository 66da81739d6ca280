"""One look for all who ask at the same time."""

import asyncio

import pytest

from msgcenter.web.shared import SharedResult


class Looker:
    """Counts how often it looks, and fails while it is told to."""

    def __init__(self) -> None:
        self.looks = 0
        self.problem: Exception | None = None

    async def __call__(self) -> int:
        """Look."""
        self.looks += 1
        await asyncio.sleep(0.01)
        if self.problem is not None:
            raise self.problem
        return self.looks


async def test_all_who_ask_within_the_time_get_what_was_seen() -> None:
    looker = Looker()
    shared = SharedResult(looker, seconds=60)
    assert set(await asyncio.gather(*(shared.get() for _ in range(100)))) == {1}
    assert await shared.get() == 1


async def test_without_a_time_only_those_who_ask_meanwhile_share_a_look() -> None:
    looker = Looker()
    shared = SharedResult(looker)
    assert set(await asyncio.gather(*(shared.get() for _ in range(100)))) == {1}
    assert await shared.get() == 2


async def test_a_failure_is_told_to_all_and_not_kept() -> None:
    looker = Looker()
    shared = SharedResult(looker, seconds=60)
    looker.problem = OSError("away")
    told = await asyncio.gather(*(shared.get() for _ in range(10)), return_exceptions=True)
    assert {str(one) for one in told} == {"away"}
    assert looker.looks == 1
    looker.problem = None
    assert await shared.get() == 2


async def test_one_who_goes_away_does_not_take_the_look_from_the_others() -> None:
    shared = SharedResult(Looker(), seconds=60)
    first, second = (asyncio.create_task(shared.get()) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert await second == 1
