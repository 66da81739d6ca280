"""Group commit: one statement and one commit for many waiting calls.

Items that arrive during a flush are written by the next one. Under load, hundreds of calls share a commit; an idle
server flushes a call at once. Each caller is answered after the commit that contains its item.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from functools import partial
from typing import Generic, NamedTuple, TypeVar

from msgcenter.database.database import LockPatience, lock_patience
from msgcenter.database.failures import lock_timed_out, may_concern_one_item
from msgcenter.domain.refusal import Reason, Refusal

Item = TypeVar("Item")
Result = TypeVar("Result")

_LOCKED_OUT_SECONDS = 10.0
_LANES = 2
"""Connections that may wait for locked rows at a time. The rest of the pool stays free for other work."""
_PROBES = 4


class _Waiting(NamedTuple, Generic[Item, Result]):
    item: Item
    answer: "asyncio.Future[Result]"


class GroupCommit(Generic[Item, Result]):
    """Collects items and passes them to `flush` in batches: one flush at a time, in order of arrival.

    `flush` returns one result per item. A `Refusal` among the results is raised to the caller of that item.

    If `flush` raises an error that one item may have caused, the batch is split in halves until that item fails alone
    and the others are written. A refusal that means "the database is unavailable" goes to all callers of the batch.

    If rows stay locked, each item is tried alone. The items that need the locked rows then wait outside the queue for
    up to ten seconds, and the queue continues.

    The weights of a batch's items, by `weigh` (default: 1 each), add up to `batch_weight` at most; one heavier item is
    a batch of its own. When `waiting_limit` items are waiting, further ones are refused with DATABASE_UNAVAILABLE, so
    that the queue does not grow without bound.
    """

    def __init__(
        self,
        flush: Callable[[list[Item]], Awaitable[Sequence[Result | Refusal]]],
        *,
        batch_weight: int,
        waiting_limit: int,
        weigh: Callable[[Item], int] | None = None,
        lanes: asyncio.Semaphore | None = None,
    ) -> None:
        self._flush = flush
        self._weigh = weigh
        self._batch_weight = batch_weight
        self._waiting_limit = waiting_limit
        self._waiting: deque[_Waiting[Item, Result]] = deque()
        self._writer: asyncio.Task[None] | None = None
        self._locked_out: set[asyncio.Task[None]] = set()
        self._lanes = asyncio.Semaphore(_LANES) if lanes is None else lanes

    async def submit(self, item: Item) -> Result:
        """Return the result of `item` once it is committed, or raise its refusal."""
        if self.waiting >= self._waiting_limit:
            raise Refusal(Reason.DATABASE_UNAVAILABLE)
        answer: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(item, answer))
        if self._writer is None:
            # An empty context: the task works for all callers, so no log line may carry the id of one request.
            self._writer = asyncio.create_task(self._write_all(), context=Context())
        return await answer

    @property
    def waiting(self) -> int:
        """The number of items in the queue or waiting for locked rows."""
        return len(self._waiting) + len(self._locked_out)

    async def drained(self) -> None:
        """Wait until no item is waiting or being written."""
        while self._writer is not None or self._locked_out:
            await asyncio.wait([*self._locked_out, *filter(None, [self._writer])])

    async def _write_all(self) -> None:
        try:
            while self._waiting:
                # Yield once so that other ready tasks can join this batch; adds no delay on an idle server.
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
        """Write the items of a batch that need no locked row; start a waiting task for each of the others."""
        probes = asyncio.Semaphore(_PROBES)

        async def probe(waiting: _Waiting[Item, Result]) -> None:
            async with probes:
                if await self._write_one(waiting, LockPatience.PROBE) is None:
                    return
            # An empty context: the task outlives this batch.
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
        """Write one item and answer its caller. If its rows are locked, return the refusal without answering."""
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


class CellCommits(Generic[Item, Result]):
    """A group commit for each cell: the items of a batch are of one cell, and the cells are flushed in parallel.

    So a batch is one statement or transaction on one node of a cluster, and a cell whose node is away refuses no call
    of another cell. The arguments are those of `GroupCommit`; `waiting_limit` is for all cells together.
    """

    def __init__(
        self,
        flush: Callable[[list[Item]], Awaitable[Sequence[Result | Refusal]]],
        *,
        batch_weight: int,
        waiting_limit: int,
        weigh: Callable[[Item], int] | None = None,
    ) -> None:
        self._waiting_limit = waiting_limit
        self._submitted = 0
        self._cells: dict[int, GroupCommit[Item, Result]] = {}
        self._new = partial(
            GroupCommit[Item, Result],
            flush,
            batch_weight=batch_weight,
            waiting_limit=waiting_limit,
            weigh=weigh,
            lanes=asyncio.Semaphore(_LANES),
        )

    async def submit(self, cell: int, item: Item) -> Result:
        """Return the result of an item of a cell once it is committed, or raise its refusal."""
        if self._submitted >= self._waiting_limit:
            raise Refusal(Reason.DATABASE_UNAVAILABLE)
        commit = self._cells.get(cell)
        if commit is None:
            commit = self._cells[cell] = self._new()
        self._submitted += 1
        try:
            return await commit.submit(item)
        finally:
            self._submitted -= 1

    @property
    def waiting(self) -> int:
        """The number of items in the queues or waiting for locked rows."""
        return sum(commit.waiting for commit in self._cells.values())

    async def drained(self) -> None:
        """Wait until no item is waiting or being written."""
        await asyncio.gather(*(commit.drained() for commit in self._cells.values()))


def _answer_each(batch: Sequence[_Waiting[Item, Result]], results: Sequence[Result | Refusal]) -> None:
    for waiting, result in zip(batch, results, strict=True):
        if waiting.answer.done():
            continue  # the caller was cancelled; its item is committed all the same
        if isinstance(result, Refusal):
            waiting.answer.set_exception(result)
        else:
            waiting.answer.set_result(result)


def _answer_all(batch: Sequence[_Waiting[Item, Result]], error: Exception) -> None:
    for waiting in batch:
        if not waiting.answer.done():
            waiting.answer.set_exception(error)
