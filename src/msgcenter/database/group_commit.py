"""Many waiting calls, one statement, one commit.

Whatever arrives while a flush is under way is written by the next one: under load hundreds of calls share a commit, on
an idle server a call is flushed at once. Each caller is answered only after the commit that holds its item.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from typing import Generic, NamedTuple, TypeVar

from msgcenter.database.database import LockPatience, lock_patience, lock_timed_out, may_concern_one_item
from msgcenter.domain.refusal import Reason, Refusal

Item = TypeVar("Item")
Result = TypeVar("Result")

_LOCKED_OUT_SECONDS = 10.0
_LANES = 2
"""Connections that may wait for locked rows at a time, so that there are some left for everybody else."""
_PROBES = 4


class _Waiting(NamedTuple, Generic[Item, Result]):
    item: Item
    answer: "asyncio.Future[Result]"


class GroupCommit(Generic[Item, Result]):
    """Collects items and hands them to `flush` together, one flush at a time, in the order of arrival.

    `flush` returns one result per item, a `Refusal` among them being raised to that caller alone. If it raises an error
    that may lie in one item, the batch is split until that item fails alone and the others are written; a `Refusal`
    that says the database is away is everybody's. If rows stay locked, each item is tried alone, and those that need
    the locked rows wait apart, for some ten seconds, while the queue goes on.

    A flush gets at most `batch_weight`, by `weigh`; more than `waiting_limit` items in the queue are refused with
    DATABASE_UNAVAILABLE instead of taking memory.
    """

    def __init__(
        self,
        flush: Callable[[list[Item]], Awaitable[Sequence[Result | Refusal]]],
        *,
        batch_weight: int,
        waiting_limit: int,
        weigh: Callable[[Item], int] | None = None,
    ) -> None:
        self._flush = flush
        self._weigh = weigh
        self._batch_weight = batch_weight
        self._waiting_limit = waiting_limit
        self._waiting: deque[_Waiting[Item, Result]] = deque()
        self._writer: asyncio.Task[None] | None = None
        self._locked_out: set[asyncio.Task[None]] = set()
        self._lanes = asyncio.Semaphore(_LANES)

    async def submit(self, item: Item) -> Result:
        """Return the item's result once it is committed; raise its refusal."""
        if self.waiting >= self._waiting_limit:
            raise Refusal(Reason.DATABASE_UNAVAILABLE)
        answer: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(item, answer))
        if self._writer is None:
            # Of no caller's context: what it does, it does for all of them.
            self._writer = asyncio.create_task(self._write_all(), context=Context())
        return await answer

    @property
    def waiting(self) -> int:
        """How many items are in the queue, or wait for locked rows."""
        return len(self._waiting) + len(self._locked_out)

    async def drained(self) -> None:
        """Wait until nothing is waiting or being written."""
        while self._writer is not None or self._locked_out:
            await asyncio.wait([*self._locked_out, *filter(None, [self._writer])])

    async def _write_all(self) -> None:
        try:
            while self._waiting:
                # Whatever is ready in this turn of the event loop joins first; an idle server loses nothing by it.
                await asyncio.sleep(0)
                await self._write(self._take_batch())
        finally:
            self._writer = None

    def _take_batch(self) -> list[_Waiting[Item, Result]]:
        if self._weigh is None:
            if len(self._waiting) <= self._batch_weight:
                batch = list(self._waiting)
                self._waiting.clear()
                return batch
            return [self._waiting.popleft() for _ in range(self._batch_weight)]
        batch = [self._waiting.popleft()]
        weight = self._weigh(batch[0].item)
        while self._waiting:
            weight += self._weigh(self._waiting[0].item)
            if weight > self._batch_weight:
                break
            batch.append(self._waiting.popleft())
        return batch

    async def _write(self, batch: list[_Waiting[Item, Result]]) -> None:
        try:
            with lock_patience(LockPatience.BATCH):
                results = await self._flush([waiting.item for waiting in batch])
        except Exception as error:
            if isinstance(error, Refusal) and lock_timed_out(error):
                await self._separate(batch)
            elif len(batch) == 1 or (isinstance(error, Refusal) and not may_concern_one_item(error)):
                _answer_all(batch, error)
            else:
                middle = len(batch) // 2
                await self._write(batch[:middle])
                await self._write(batch[middle:])
        except BaseException:
            _answer_all(batch, Refusal(Reason.SHUTTING_DOWN))
            raise
        else:
            _answer_each(batch, results)

    async def _separate(self, batch: list[_Waiting[Item, Result]]) -> None:
        """Write those items of a batch that need no locked row, and let the others wait apart."""
        probes = asyncio.Semaphore(_PROBES)

        async def probe(waiting: _Waiting[Item, Result]) -> None:
            async with probes:
                if await self._write_one(waiting, LockPatience.PROBE) is None:
                    return
            # The task's own context: it outlives this batch.
            task = asyncio.create_task(self._wait_for_lock(waiting), context=Context())
            self._locked_out.add(task)
            task.add_done_callback(self._locked_out.discard)

        await asyncio.gather(*map(probe, batch))

    async def _wait_for_lock(self, waiting: _Waiting[Item, Result]) -> None:
        deadline = time.monotonic() + _LOCKED_OUT_SECONDS
        async with self._lanes:
            while (refusal := await self._write_one(waiting, LockPatience.PATIENT)) is not None:
                if time.monotonic() > deadline:
                    _answer_all([waiting], refusal)
                    return

    async def _write_one(self, waiting: _Waiting[Item, Result], patience: LockPatience) -> Refusal | None:
        """Write one item and answer its caller; return the refusal, unanswered, if its rows are locked."""
        try:
            with lock_patience(patience):
                results = await self._flush([waiting.item])
        except Exception as error:
            if isinstance(error, Refusal) and lock_timed_out(error):
                return error
            _answer_all([waiting], error)
        except BaseException:
            _answer_all([waiting], Refusal(Reason.SHUTTING_DOWN))
            raise
        else:
            _answer_each([waiting], results)
        return None


def _answer_each(batch: Sequence[_Waiting[Item, Result]], results: Sequence[Result | Refusal]) -> None:
    for waiting, result in zip(batch, results, strict=True):
        if waiting.answer.done():
            continue  # the caller went away; what it asked for is done all the same
        if isinstance(result, Refusal):
            waiting.answer.set_exception(result)
        else:
            waiting.answer.set_result(result)


def _answer_all(batch: Sequence[_Waiting[Item, Result]], error: Exception) -> None:
    for waiting in batch:
        if not waiting.answer.done():
            waiting.answer.set_exception(error)
