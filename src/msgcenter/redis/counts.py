"""Counts that all processes of an installation share, for their rate limits.

Counts that wait at the same time share one round trip: while one is on its way, the next ones gather. When Redis does
not answer in time, nobody asks it again until it has answered a background check; meanwhile there are no counts, and
each process keeps its own.
"""

import asyncio
from collections import defaultdict
from contextlib import suppress
from contextvars import Context
from typing import NamedTuple

from msgcenter.redis.connection import FAILURES, redis_client
from msgcenter.redis.status import RedisStatus

_ANSWER_SECONDS = 0.1
"""The longest time that an outage of Redis delays a call, once."""
_CONNECT_SECONDS = 2.0
_RETRY_SECONDS = 3.0
_CHECK_SECONDS = 5.0
_CONNECTIONS = 2
"""One for the counts, one for the checks."""

_SCRIPT = """
local counts = {}
for i, key in ipairs(KEYS) do
  local amount = tonumber(ARGV[i])
  counts[i] = redis.call('incrby', key, amount)
  if counts[i] == amount then
    redis.call('pexpire', key, ARGV[#KEYS + i])
  end
end
return counts
"""
"""Add amounts (the first arguments) to keys, which end some milliseconds (the other arguments) after their first."""


class _Waiting(NamedTuple):
    key: str
    window_ms: int
    amount: int
    answer: "asyncio.Future[int | None]"


class SharedCounts:
    """Counts in Redis at `url`, under names that begin with `namespace`. `run` must be running."""

    def __init__(self, url: str, namespace: str, status: RedisStatus) -> None:
        self._client = redis_client(url, connections=_CONNECTIONS)
        self._namespace = namespace
        self._status = status
        self._script: str | None = None
        self._waiting: list[_Waiting] = []
        self._writer: asyncio.Task[None] | None = None
        self._failed = asyncio.Event()

    async def add(self, key: str, window_ms: int, amount: int = 1) -> int | None:
        """Add to the count of a key and return it, as if the callers had come one after the other.

        The count ends `window_ms` after its first addition. An amount of 0 reads it. None means that Redis does not
        answer.
        """
        if self._script is None:
            return None
        answer: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(key, window_ms, amount, answer))
        if self._writer is None:
            # An empty context: the task works for all callers, so no log line may carry the id of one request.
            self._writer = asyncio.create_task(self._write_all(), context=Context())
        return await answer

    async def run(self) -> None:
        """Connect, check the connection, and connect again after a failure, until cancelled."""
        try:
            while True:
                try:
                    async with asyncio.timeout(_CONNECT_SECONDS):
                        script: str = await self._client.script_load(_SCRIPT)
                except FAILURES as error:
                    self._status.failed("counts", error)
                else:
                    self._status.answered("counts")
                    self._script = script
                    await self._until_failure()
                    self._script = None
                await asyncio.sleep(_RETRY_SECONDS)
        finally:
            self._script = None
            await self._client.aclose()

    async def _until_failure(self) -> None:
        self._failed.clear()
        while not self._failed.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(_CHECK_SECONDS):
                    await self._failed.wait()
                    return
            try:
                async with asyncio.timeout(_ANSWER_SECONDS):
                    await self._client.ping()
            except FAILURES as error:
                self._fail(error)

    def _fail(self, error: BaseException) -> None:
        self._script = None
        self._status.failed("counts", error)
        self._failed.set()

    async def _write_all(self) -> None:
        try:
            while self._waiting:
                # Yield once so that other ready tasks can join this batch; adds no delay on an idle server.
                await asyncio.sleep(0)
                batch, self._waiting = self._waiting, []
                try:
                    counts = await self._count(batch)
                except FAILURES as error:
                    self._fail(error)
                    counts = [None] * len(batch)
                except BaseException:
                    _answer(batch, [None] * len(batch))
                    raise
                _answer(batch, counts)
        finally:
            self._writer = None

    async def _count(self, batch: list[_Waiting]) -> list[int | None]:
        """Return the counts of a batch, none of them if Redis has failed meanwhile."""
        script = self._script
        if script is None:
            return [None] * len(batch)
        amounts: defaultdict[str, int] = defaultdict(int)
        windows: dict[str, int] = {}
        for waiting in batch:
            amounts[waiting.key] += waiting.amount
            windows.setdefault(waiting.key, waiting.window_ms)
        keys = [f"{self._namespace}:{key}" for key in amounts]
        async with asyncio.timeout(_ANSWER_SECONDS):
            totals = await self._client.evalsha(script, len(keys), *keys, *amounts.values(), *windows.values())
        before = {key: total - amount for (key, amount), total in zip(amounts.items(), totals, strict=True)}
        counts: list[int | None] = []
        for waiting in batch:
            before[waiting.key] += waiting.amount
            counts.append(before[waiting.key])
        return counts


def _answer(batch: list[_Waiting], counts: list[int | None]) -> None:
    for waiting, count in zip(batch, counts, strict=True):
        if not waiting.answer.done():  # its caller may have been cancelled
            waiting.answer.set_result(count)
