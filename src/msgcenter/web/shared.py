"""One look for all who ask at the same time."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Generic, TypeVar

Seen = TypeVar("Seen")


class SharedLook(Generic[Seen]):
    """Gives what `look` returned at most so many `seconds` ago; callers at the same time wait for one look.

    What `look` raises is raised to all who waited for it, and not kept.
    """

    def __init__(self, look: Callable[[], Awaitable[Seen]], *, seconds: float = 0.0) -> None:
        self._look = look
        self._seconds = seconds
        self._looking: asyncio.Task[Seen] | None = None
        self._until = 0.0

    async def get(self) -> Seen:
        """Return what was seen last, or look anew."""
        task = self._looking
        if task is None or (task.done() and self._is_over(task)):
            task = self._looking = asyncio.create_task(self._seen())
        # A caller who is cancelled ends its own waiting, not the others'.
        return await asyncio.shield(task)

    def _is_over(self, task: "asyncio.Task[Seen]") -> bool:
        return task.cancelled() or task.exception() is not None or monotonic() >= self._until

    async def _seen(self) -> Seen:
        seen = await self._look()
        self._until = monotonic() + self._seconds
        return seen
