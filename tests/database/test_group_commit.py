"""Group commit without a database: what is written together, in which order, and who learns of a failure."""

import asyncio
from collections.abc import Sequence

import asyncpg
import pytest

from msgcenter.database import group_commit
from msgcenter.database.group_commit import GroupCommit
from msgcenter.domain.refusal import Reason, Refusal


class Recorder:
    """Notes every flush; `gate` holds flushes back."""

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


async def test_what_waits_is_written_together_in_order() -> None:
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


async def test_without_weights_a_batch_has_so_many_items() -> None:
    recorder = Recorder()
    group = GroupCommit(recorder.flush, batch_weight=3, waiting_limit=100)
    await asyncio.gather(*(group.submit(item) for item in range(7)))
    assert [len(batch) for batch in recorder.batches] == [3, 3, 1]


async def test_an_item_at_fault_fails_alone() -> None:
    recorder = Recorder()
    group = GroupCommit(recorder.flush, batch_weight=100, waiting_limit=100)
    results = await asyncio.gather(*(group.submit(item) for item in (1, 2, -1, 4, 5)), return_exceptions=True)
    assert [result for result in results if not isinstance(result, Exception)] == [10, 20, 40, 50]
    assert isinstance(results[2], ValueError)


async def test_a_refusal_among_the_results_is_its_callers_alone() -> None:
    group = GroupCommit(Recorder().flush, batch_weight=100, waiting_limit=100)
    one, two = await asyncio.gather(group.submit(404), group.submit(7), return_exceptions=True)
    assert isinstance(one, Refusal)
    assert two == 70


async def test_a_refused_flush_is_everybodys_and_is_not_split() -> None:
    recorder = Recorder()
    group = GroupCommit(recorder.flush, batch_weight=100, waiting_limit=100)
    results = await asyncio.gather(*(group.submit(item) for item in (1, -2, 3)), return_exceptions=True)
    assert all(isinstance(result, Refusal) for result in results)
    assert recorder.batches == [[1, -2, 3]]


class Rows:
    """Rows that a database locks: what asks for a locked one fails as PostgreSQL's lock_timeout makes it fail."""

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


async def test_only_those_who_need_locked_rows_wait() -> None:
    rows = Rows({3, 4})
    group = GroupCommit(rows.flush, batch_weight=100, waiting_limit=100)
    calls = {item: asyncio.create_task(group.submit(item)) for item in range(1, 7)}
    free = [calls[item] for item in (1, 2, 5, 6)]
    assert await asyncio.gather(*free) == [1, 2, 5, 6]
    assert await group.submit(7) == 7  # the queue goes on
    assert not calls[3].done()
    assert group.waiting == 2
    rows.locked.clear()
    assert [await calls[3], await calls[4]] == [3, 4]
    await group.drained()
    assert sorted(rows.written) == [1, 2, 3, 4, 5, 6, 7]


async def test_rows_that_stay_locked_are_refused_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group_commit, "_LOCKED_OUT_SECONDS", 0.05)
    rows = Rows({1})
    group = GroupCommit(rows.flush, batch_weight=100, waiting_limit=100)
    with pytest.raises(Refusal) as refused:
        await group.submit(1)
    assert refused.value.reason is Reason.DATABASE_UNAVAILABLE
    await group.drained()


@pytest.mark.parametrize("error", [asyncpg.QueryCanceledError, asyncpg.DeadlockDetectedError])
async def test_a_database_error_of_one_item_fails_it_alone(error: type[Exception]) -> None:
    async def flush(items: list[int]) -> Sequence[int | Refusal]:
        if -1 in items:
            raise Refusal(Reason.DATABASE_UNAVAILABLE) from error("by one item")
        return items

    group = GroupCommit(flush, batch_weight=100, waiting_limit=100)
    results = await asyncio.gather(*(group.submit(item) for item in (1, 2, -1, 4)), return_exceptions=True)
    assert [result for result in results if not isinstance(result, Exception)] == [1, 2, 4]
    assert isinstance(results[2], Refusal)


async def test_a_database_that_is_away_is_asked_once() -> None:
    asked = 0

    async def flush(_: list[int]) -> Sequence[int | Refusal]:
        nonlocal asked
        asked += 1
        raise Refusal(Reason.DATABASE_UNAVAILABLE) from ConnectionRefusedError()

    group = GroupCommit(flush, batch_weight=100, waiting_limit=100)
    results = await asyncio.gather(*(group.submit(item) for item in range(5)), return_exceptions=True)
    assert all(isinstance(result, Refusal) for result in results)
    assert asked == 1


async def test_what_does_not_fit_in_the_queue_is_refused() -> None:
    recorder = Recorder()
    group = GroupCommit(recorder.flush, batch_weight=1, waiting_limit=2)
    recorder.gate.clear()
    accepted = [asyncio.create_task(group.submit(1))]
    await asyncio.sleep(0)
    await asyncio.sleep(0)  # the first is being written and waits no more
    accepted += [asyncio.create_task(group.submit(item)) for item in (2, 3)]
    await asyncio.sleep(0)
    with pytest.raises(Refusal) as refused:
        await group.submit(4)
    assert refused.value.reason is Reason.DATABASE_UNAVAILABLE
    recorder.gate.set()
    assert await asyncio.gather(*accepted) == [10, 20, 30]


async def test_what_a_caller_asked_for_is_done_even_if_it_goes_away() -> None:
    recorder = Recorder()
    group = GroupCommit(recorder.flush, batch_weight=100, waiting_limit=100)
    recorder.gate.clear()
    gone, stays = asyncio.create_task(group.submit(1)), asyncio.create_task(group.submit(2))
    await asyncio.sleep(0)
    gone.cancel()
    recorder.gate.set()
    assert await stays == 20
    await group.drained()
    assert recorder.batches == [[1, 2]]


async def test_drained_waits_for_all() -> None:
    recorder = Recorder()
    group = GroupCommit(recorder.flush, batch_weight=1, waiting_limit=100)
    tasks = [asyncio.create_task(group.submit(item)) for item in range(5)]
    await asyncio.sleep(0)
    await group.drained()
    assert len(recorder.batches) == 5
    await asyncio.gather(*tasks)
