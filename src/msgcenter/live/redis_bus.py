"""The bus over sharded pub/sub of Redis.

On a single server, SPUBLISH does what PUBLISH does, except that no pattern subscription of another program receives it.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from msgcenter.domain.event import MailboxEvent
from msgcenter.live.bus import Bus
from msgcenter.redis.connection import FAILURES, redis_client
from msgcenter.redis.status import RedisStatus

if TYPE_CHECKING:
    from redis.asyncio import Redis
    from redis.asyncio.client import PubSub

_ANSWER_SECONDS = 2.0
_CONNECTIONS = 2
"""One that listens, one that sends."""


class RedisBus(Bus):
    """The bus over Redis at `url`, on a channel whose name begins with `namespace`."""

    payload_bytes = 60_000
    failures = FAILURES

    def __init__(
        self,
        url: str,
        namespace: str,
        status: RedisStatus,
        *,
        on_events: Callable[[Sequence[MailboxEvent]], None],
        on_gap: Callable[[], None],
    ) -> None:
        super().__init__(on_events=on_events, on_gap=on_gap)
        self._url = url
        self._channel = f"{namespace}:live"
        self._status = status

    def report(self, error: Exception) -> None:
        """Log, at most once a minute, that Redis does not answer."""
        self._status.failed("live", error)

    @asynccontextmanager
    async def connected(self) -> "AsyncIterator[_RedisLine]":
        """Connect and subscribe to the channel."""
        client = redis_client(self._url, connections=_CONNECTIONS)
        pubsub = client.pubsub()
        reader: asyncio.Task[None] | None = None
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                await pubsub.ssubscribe(self._channel)
                await pubsub.get_message(timeout=None)  # the confirmation: what is published from here on arrives
            self._status.answered("live")
            reader = asyncio.create_task(self._read(pubsub))
            reader.add_done_callback(lambda _: self.wake())
            yield _RedisLine(client, self._channel, reader)
            reader.result()  # raises why it has ended
        finally:
            if reader is not None:
                reader.cancel()
                with suppress(asyncio.CancelledError, *FAILURES):
                    await reader
            with suppress(*FAILURES):
                await pubsub.aclose()  # type: ignore[no-untyped-call]
                await client.aclose()

    async def _read(self, pubsub: "PubSub") -> None:
        async for message in pubsub.listen():
            if message["type"] == "smessage":
                self.received(message["data"])


class _RedisLine:
    def __init__(self, client: "Redis", channel: str, reader: "asyncio.Task[None]") -> None:
        self._client = client
        self._channel = channel
        self._reader = reader

    def is_closed(self) -> bool:
        return self._reader.done()

    async def send(self, payloads: Sequence[str]) -> None:
        pipeline = self._client.pipeline(transaction=False)
        for payload in payloads:
            pipeline.spublish(self._channel, payload)
        async with asyncio.timeout(_ANSWER_SECONDS):
            await pipeline.execute()
