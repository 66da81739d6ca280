"""The background work of a server process, from its start to its end."""

import asyncio
import gc
import signal
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import TYPE_CHECKING

from msgcenter.actions.apps.call_counter import CallCounter
from msgcenter.actions.mailboxes.statuses import Statuses
from msgcenter.actions.maintenance import run_maintenance
from msgcenter.actions.messages.sending import Sending
from msgcenter.database.database import Database
from msgcenter.delivery.channels.dispatcher import ChannelDispatcher
from msgcenter.delivery.channels.planner import Planner
from msgcenter.delivery.webhooks import WebhookDispatcher
from msgcenter.delivery.worker import Worker
from msgcenter.gateway.endpoint import Gateway
from msgcenter.live.bus import Bus
from msgcenter.live.hub import Hub
from msgcenter.monitor.monitor import Monitor
from msgcenter.outbound.guarded_network import Resolver
from msgcenter.store.messages.node_lease import NodeLease

if TYPE_CHECKING:
    from msgcenter.redis.counts import SharedCounts

_STOP_SECONDS = 10
"""How long background work may take to finish after the last request."""


@dataclass(frozen=True)
class Lifespan:
    """Starts the background work of a process, and ends it in order: requests, accepted writes, background work."""

    database: Database
    lease: NodeLease
    monitor: Monitor
    gateway: Gateway
    sending: Sending
    statuses: Statuses
    counter: CallCounter
    worker: Worker
    dispatcher: WebhookDispatcher
    planner: Planner
    channels: ChannelDispatcher
    resolver: Resolver
    bus: Bus
    counts: "SharedCounts | None"
    hub: Hub

    @asynccontextmanager
    async def __call__(self, _: object) -> AsyncIterator[None]:
        """Run until the server stops (the ASGI lifespan)."""
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self.database)
            await stack.enter_async_context(self.lease)
            await stack.enter_async_context(self.monitor.watching())
            stack.enter_context(on_stop_signals(self.hub.close))
            tune_gc()
            # These finish what they have begun; the others are cancelled.
            finishing = (self.worker, self.dispatcher, self.planner, self.channels, self.counter)
            workers = [asyncio.create_task(each.run()) for each in finishing]
            loops = [
                asyncio.create_task(work)
                for work in (run_maintenance(self.database), self.bus.run(), self.hub.run(), self.lease.keep())
            ]
            if self.counts is not None:
                loops.append(asyncio.create_task(self.counts.run()))
            try:
                yield
            finally:
                self.gateway.closing = True
                await self.sending.drained()
                await self.statuses.drained()
                for task in loops:
                    task.cancel()
                for each in finishing:
                    each.stop()
                await asyncio.wait([*workers, *loops], timeout=_STOP_SECONDS)
                await self.counter.close()
                self.resolver.close()


def tune_gc() -> None:
    """Freeze the objects made at start-up, and raise the thresholds of the garbage collector.

    Reference counts free what a request makes; looking for cycles in it cost some 7 % of a busy process.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


@contextmanager
def on_stop_signals(act: Callable[[], None]) -> Iterator[None]:
    """Call `act` in the event loop on SIGTERM or SIGINT, before the server's own handler.

    The server waits for open streams to end before it ends the lifespan, so they must be closed by then. Does nothing
    outside the main thread.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def stop(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(act)
        handler = handlers[signal.Signals(number)]
        if callable(handler):
            handler(number, frame)

    for number in handlers:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in handlers.items():
            if signal.getsignal(number) is stop:
                signal.signal(number, handler)
