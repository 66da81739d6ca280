"""A result that concurrent callers share."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Generic, TypeVar

Result = TypeVar("Result")


class SharedResult(Generic[Result]):
    """Returns the result of `compute`, at most `seconds` old; concurrent callers wait for the same computation.

    An exception of `compute` is raised to all callers who waited for it, and is not kept.
    """

    def __init__(self, compute: Callable[[], Awaitable[Result]], *, seconds: float = 0.0) -> None:
        self._compute = compute
        self._seconds = seconds
        self._running: asyncio.Task[Result] | None = None
        self._until = 0.0

    async def get(self) -> Result:
        """Return the last result, or compute a new one."""
        task = self._running
        if task is None or (task.done() and self._is_stale(task)):
            task = self._running = asyncio.create_task(self._computed())
        # Cancelling one caller must not cancel the computation for the others.
        return await asyncio.shield(task)

    def _is_stale(self, task: "asyncio.Task[Result]") -> bool:
        return task.cancelled() or task.exception() is not None or monotonic() >= self._until

    async def _computed(self) -> Result:
        result = await self._compute()
        self._until = monotonic() + self._seconds
        return result
