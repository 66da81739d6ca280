"""Group commit without a database: which items share a batch, their order, and which callers get an error."""

import asyncio
from collections.abc import Sequence

import asyncpg
import pytest

from msgcenter.database import group_commit
from msgcenter.database.group_commit import GroupCommit
from msgcenter.domain.refusal import Reason, Refusal


class Recorder:
    """Records every flush. A cleared `gate` holds flushes back."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.running = 0

    async def flush(self, items: list[int]) -> Sequence[int | Refusal]:
        self.running += 1
        assert self.running == 1, "two flushes at once"
        try:
            await self.gate.wait()
            self.batches.append(items)
            if -1 in items:
                raise ValueError("poison")
            if -2 in items:
                raise Refusal(Reason.DATABASE_UNAVAILABLE)
            return [Refusal(Reason.MESSAGE_UNKNOWN) if item == 404 else item * 10 for item in items]
        finally:
            self.running -= 1


async def test_waiting_items_are_written_together_in_order() -> None:
    recorder = Recorder()
    group = GroupCommit(recorder.flush, batch_weight=100, waiting_limit=100)
    recorder.gate.clear()
    first = asyncio.create_task(group.submit(1))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    others = [asyncio.create_task(group.submit(number)) for number in range(2, 6)]
    await asyncio.sleep(0)
    recorder.gate.set()
    assert await asyncio.gather(first, *others) == [10, 20, 30, 40, 50]
    assert recorder.batches == [[1], [2, 3, 4, 5]]


async def test_batches_are_limited_by_weight() -> None:
    recorder = Recorder()
    group = GroupCommit(recorder.flush, batch_weight=10, waiting_limit=100, weigh=lambda item: item)
    assert await asyncio.gather(*(group.submit(item) for item in (4, 5, 6, 30, 1))) == [40, 50, 60, 300, 10]
    assert recorder.batches == [[4, 5], [6], [30], [1]]


async def test_without_weights_the_number_of_items_is_limited() -> None:
    recorder = Recorder()
    group = GroupCommit(recorder.flush, batch_weight=3, waiting_limit=100)
    await asyncio.gather(*(group.submit(item) for item in range(7)))
    assert [len(batch) for batch in recorder.batches] == [3, 3, 1]


async def test_an_item_that_causes_an_error_fails_alone() -> None:
    recorder = Recorder()
    group = GroupCommit(recorder.flush, batch_weight=100, waiting_limit=100)
    results = await asyncio.gather(*(group.submit(item) for item in (1, 2, -1, 4, 5)), return_exceptions=True)
    assert [result for result in results if not isinstance(result, Exception)] == [10, 20, 40, 50]
    assert isinstance(results[2], ValueError)


async def test_a_refusal_among_the_results_is_raised_to_its_caller_only() -> None:
    group = GroupCommit(Recorder().flush, batch_weight=100, waiting_limit=100)
    refused, result = await asyncio.gather(group.submit(404), group.submit(7), return_exceptions=True)
    assert isinstance(refused, Refusal)
    assert result == 70


async def test_a_refused_flush_is_raised_to_all_callers_and_not_split() -> None:
    recorder = Recorder()
    group = GroupCommit(recorder.flush, batch_weight=100, waiting_limit=100)
    results = await asyncio.gather(*(group.submit(item) for item in (1, -2, 3)), return_exceptions=True)
    assert all(isinstance(result, Refusal) for result in results)
    assert recorder.batches == [[1, -2, 3]]


class Rows:
    """Rows of a database. A flush that needs a locked row fails as with PostgreSQL's lock_timeout."""

    def __init__(self, locked: set[int]) -> None:
        self.locked = locked
        self.written: list[int] = []

    async def flush(self, items: list[int]) -> Sequence[int | Refusal]:
        await asyncio.sleep(0)
        if self.locked & set(items):
            try:
                raise asyncpg.LockNotAvailableError("canceling statement due to lock timeout")
            except asyncpg.LockNotAvailableError as error:
                raise Refusal(Reason.DATABASE_UNAVAILABLE) from error
        self.written += items
        return items


async def test_only_items_that_need_locked_rows_wait() -> None:
    rows = Rows({3, 4})
    group = GroupCommit(rows.flush, batch_weight=100, waiting_limit=100)
    calls = {item: asyncio.create_task(group.submit(item)) for item in range(1, 7)}
    free = [calls[item] for item in (1, 2, 5, 6)]
    assert await asyncio.gather(*free) == [1, 2, 5, 6]
    assert await group.submit(7) == 7  # the queue continues
    assert not calls[3].done()
    assert group.waiting == 2
    rows.locked.clear()
    assert [await calls[3], await calls[4]] == [3, 4]
    await group.drained()
    assert sorted(rows.written) == [1, 2, 3, 4, 5, 6, 7]


async def test_items_whose_rows_stay_locked_are_refused_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group_commit, "_LOCKED_OUT_SECONDS", 0.05)
    rows = Rows({1})
    group = GroupCommit(rows.flush, batch_weight=100, waiting_limit=100)
    with pytest.raises(Refusal) as refused:
        await group.submit(1)
    assert refused.value.reason is Reason.DATABASE_UNAVAILABLE
    await group.drained()


@pytest.mark.parametrize("error", [asyncpg.QueryCanceledError, asyncpg.DeadlockDetectedError])
async def test_an_item_that_causes_a_database_error_fails_alone(error: type[Exception]) -> None:
    async def flush(items: list[int]) -> Sequence[int | Refusal]:
        if -1 in items:
            raise Refusal(Reason.DATABASE_UNAVAILABLE) from error("by one item")
        return items

    group = GroupCommit(flush, batch_weight=100, waiting_limit=100)
    results = await asyncio.gather(*(group.submit(item) for item in (1, 2, -1, 4)), return_exceptions=True)
    assert [result for result in results if not isinstance(result, Exception)] == [1, 2, 4]
    assert isinstance(results[2], Refusal)


async def test_an_unavailable_database_is_tried_once() -> None:
    flushes = 0

    async def flush(_: list[int]) -> Sequence[int | Refusal]:
        nonlocal flushes
        flushes += 1
        raise Refusal(Reason.DATABASE_UNAVAILABLE) from ConnectionRefusedError()

    group = GroupCommit(flush, batch_weight=100, waiting_limit=100)
    results = await asyncio.gather(*(group.submit(item) for item in range(5)), return_exceptions=True)
    assert all(isinstance(result, Refusal) for result in results)
    assert flushes == 1


async def test_items_over_the_waiting_limit_are_refused() -> None:
    recorder = Recorder()
    group = GroupCommit(recorder.flush, batch_weight=1, waiting_limit=2)
    recorder.gate.clear()
    accepted = [asyncio.create_task(group.submit(1))]
    await asyncio.sleep(0)
    await asyncio.sleep(0)  # the first is being written and no longer waits
    accepted += [asyncio.create_task(group.submit(item)) for item in (2, 3)]
    await asyncio.sleep(0)
    with pytest.raises(Refusal) as refused:
        await group.submit(4)
    assert refused.value.reason is Reason.DATABASE_UNAVAILABLE
    recorder.gate.set()
    assert await asyncio.gather(*accepted) == [10, 20, 30]


async def test_the_item_of_a_cancelled_caller_is_written() -> None:
    recorder = Recorder()
    group = GroupCommit(recorder.flush, batch_weight=100, waiting_limit=100)
    recorder.gate.clear()
    cancelled, waiting = asyncio.create_task(group.submit(1)), asyncio.create_task(group.submit(2))
    await asyncio.sleep(0)
    cancelled.cancel()
    recorder.gate.set()
    assert await waiting == 20
    await group.drained()
    assert recorder.batches == [[1, 2]]


async def test_drained_waits_for_all_items() -> None:
    recorder = Recorder()
    group = GroupCommit(recorder.flush, batch_weight=1, waiting_limit=100)
    tasks = [asyncio.create_task(group.submit(item)) for item in range(5)]
    await asyncio.sleep(0)
    await group.drained()
    assert len(recorder.batches) == 5
    await asyncio.gather(*tasks)
