"""Many waiting calls, one statement, one commit.

Whatever arrives while a flush is under way is written by the next one: under load hundreds of calls share a commit, on
an idle server a call is flushed at once. Each caller is answered only after the commit that holds its item.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from typing import Generic, NamedTuple, TypeVar

from msgcenter.domain.refusal import Reason, Refusal

Item = TypeVar("Item")
Result = TypeVar("Result")


class _Waiting(NamedTuple, Generic[Item, Result]):
    item: Item
    answer: "asyncio.Future[Result]"


class GroupCommit(Generic[Item, Result]):
    """Collects items and hands them to `flush` together, one flush at a time, in the order of arrival.

    `flush` returns one result per item, a `Refusal` among them being raised to that caller alone. If it raises
    anything but a `Refusal`, the batch is split until the item at fault fails alone and the others are written.
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

    async def submit(self, item: Item) -> Result:
        """Return the item's result once it is committed; raise its refusal."""
        if len(self._waiting) >= self._waiting_limit:
            raise Refusal(Reason.DATABASE_UNAVAILABLE)
        answer: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(item, answer))
        if self._writer is None:
            # Of no caller's context: what it does, it does for all of them.
            self._writer = asyncio.create_task(self._write_all(), context=Context())
        return await answer

    @property
    def waiting(self) -> int:
        """How many items are in the queue."""
        return len(self._waiting)

    async def drained(self) -> None:
        """Wait until nothing is waiting or being written."""
        while self._writer is not None:
            await asyncio.wait([self._writer])

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
            results = await self._flush([waiting.item for waiting in batch])
        except Refusal as refusal:
            _answer_all(batch, refusal)
        except Exception as error:
            if len(batch) == 1:
                _answer_all(batch, error)
                return
            middle = len(batch) // 2
            await self._write(batch[:middle])
            await self._write(batch[middle:])
        except BaseException:
            _answer_all(batch, Refusal(Reason.SHUTTING_DOWN))
            raise
        else:
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
