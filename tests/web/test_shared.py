"""A result that concurrent callers share."""

import asyncio

import pytest

from msgcenter.web.shared import SharedResult


class Computation:
    """Counts its computations, and raises `problem` while it is set."""

    def __init__(self) -> None:
        self.count = 0
        self.problem: Exception | None = None

    async def __call__(self) -> int:
        """Return the number of computations so far."""
        self.count += 1
        await asyncio.sleep(0.01)
        if self.problem is not None:
            raise self.problem
        return self.count


async def test_callers_within_the_time_get_the_last_result() -> None:
    computation = Computation()
    shared = SharedResult(computation, seconds=60)
    assert set(await asyncio.gather(*(shared.get() for _ in range(100)))) == {1}
    assert await shared.get() == 1


async def test_without_a_time_only_concurrent_callers_share_a_result() -> None:
    computation = Computation()
    shared = SharedResult(computation)
    assert set(await asyncio.gather(*(shared.get() for _ in range(100)))) == {1}
    assert await shared.get() == 2


async def test_a_failure_is_raised_to_all_waiting_callers_and_not_kept() -> None:
    computation = Computation()
    shared = SharedResult(computation, seconds=60)
    computation.problem = OSError("away")
    results = await asyncio.gather(*(shared.get() for _ in range(10)), return_exceptions=True)
    assert {str(result) for result in results} == {"away"}
    assert computation.count == 1
    computation.problem = None
    assert await shared.get() == 2


async def test_cancelling_one_caller_does_not_cancel_the_others() -> None:
    shared = SharedResult(Computation(), seconds=60)
    first, second = (asyncio.create_task(shared.get()) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert await second == 1
