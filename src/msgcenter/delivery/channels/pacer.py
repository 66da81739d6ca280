"""A gateway's rate: the start of each send is a fixed time after the one before."""

import asyncio


class Pacer:
    """Spaces sends so that there are never more than `rate` in a second, across turns and processes.

    The first one waits as well: another process may have sent just before.
    """

    def __init__(self, rate: float) -> None:
        self._interval = 1 / rate
        self._next = asyncio.get_running_loop().time() + self._interval

    async def ready(self) -> None:
        """Wait until a send may start, without starting it."""
        delay = self._next - asyncio.get_running_loop().time()
        if delay > 0:
            await asyncio.sleep(delay)

    async def wait(self) -> None:
        """Wait until the next send may start, and count it as started."""
        await self.ready()
        loop = asyncio.get_running_loop()
        # Counted from when it was to start, unless it starts much later: a late timer does not lower the rate.
        self._next = max(self._next, loop.time() - self._interval / 10) + self._interval
