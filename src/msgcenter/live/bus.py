"""The bus for mailbox events between server processes; its transports are PostgreSQL and Redis.

Events are published after their commit, never inside the transaction. The events of a few milliseconds are sent
together. Nothing is sent while no process has an open stream. A process that has just connected cannot know that yet,
so it sends.
"""

import asyncio
import math
import secrets
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from itertools import chain
from typing import ClassVar, Protocol

import msgspec
from msgspec import Struct

from msgcenter.domain.event import MailboxEvent

_COALESCE_SECONDS = 0.005
_USERS_PER_EVENT = 100
_IDS_PER_EVENT = 20
_OUTBOX_LIMIT = 20_000
_PRESENCE_SECONDS = 10.0
_RECONNECT_SECONDS = 0.5
_ANSWER_SECONDS = 2.0
"""Within this time after a connection, the other processes have answered whether they have open streams."""
_ANNOUNCE_SECONDS = 1.0


class Presence(Struct, frozen=True, tag=True):
    """Tells the other processes whether this one has open streams. `asks` makes them answer."""

    process: str
    streams: bool
    asks: bool = False


class Events(Struct, frozen=True, tag=True):
    """Some mailbox events. `lost`: others could not be sent."""

    events: list[MailboxEvent]
    lost: bool = False


_decoder = msgspec.json.Decoder(Presence | Events)


class Line(Protocol):
    """A connection of a bus."""

    def is_closed(self) -> bool:
        """Return whether the connection was lost."""

    async def send(self, payloads: Sequence[str]) -> None:
        """Send notifications to every process, including this one."""


class Bus(ABC):
    """One process's end of the bus.

    `on_events` is called with the events of all processes, including this one. `on_gap` is called when events may have
    been missed, so that streams must be read again.
    """

    payload_bytes: ClassVar[int]
    """The largest notification."""
    failures: ClassVar[tuple[type[Exception], ...]]
    """Errors that mean: the connection is lost or cannot be made."""

    def __init__(self, *, on_events: Callable[[Sequence[MailboxEvent]], None], on_gap: Callable[[], None]) -> None:
        self._on_events = on_events
        self._on_gap = on_gap
        self._process = secrets.token_hex(8)
        # The other processes with open streams, and the time of the last report of each.
        self._seen_streaming: dict[str, float] = {}
        self._has_streams = False
        self._presence_due = False
        self._is_announced = asyncio.Event()
        self._is_announced.set()
        self._unknown_until = math.inf
        self._is_down = False
        self._outbox: list[MailboxEvent] = []
        self._lost = False
        self._wake = asyncio.Event()

    def publish(self, events: Iterable[MailboxEvent]) -> None:
        """Send events to every process soon, or drop them unread if no process has an open stream."""
        if not (self._has_streams or self._others_have_streams() or time.monotonic() < self._unknown_until):
            return
        events = list(events)
        if not events:
            return
        if len(self._outbox) + len(events) > _OUTBOX_LIMIT:
            self._outbox.clear()
            self._lost = True
        else:
            self._outbox.extend(events)
        self._wake.set()

    def announce(self, *, streams: bool) -> None:
        """Tell the other processes whether this one has open streams."""
        if streams != self._has_streams:
            self._has_streams = streams
            self._presence_due = True
            self._is_announced.clear()
            self._wake.set()

    async def announced(self) -> None:
        """Wait until the last announcement is sent, at most a second while the bus connects.

        A bus that has lost its connection cannot send it. All streams are read again when it has a new one.
        """
        if self._is_down:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(_ANNOUNCE_SECONDS):
                await self._is_announced.wait()

    @abstractmethod
    def connected(self) -> AbstractAsyncContextManager[Line]:
        """Connect, and pass what arrives to `received`; a line that is lost calls `wake`. Raises one of `failures`."""

    @abstractmethod
    def report(self, error: Exception) -> None:
        """Tell the operator that the connection was lost or cannot be made."""

    async def run(self) -> None:
        """Stay connected until cancelled."""
        while True:
            try:
                async with self.connected() as line:
                    try:
                        await self._use(line)
                    finally:
                        self._unknown_until = math.inf
                        self._is_down = True
                        self._on_gap()
            except self.failures as error:
                self._is_down = True
                self.report(error)
            await asyncio.sleep(_RECONNECT_SECONDS)

    async def _use(self, line: Line) -> None:
        """Announce this process, and send what is pending until the line is lost."""
        await _send(line, [Presence(self._process, self._has_streams, asks=True)])
        self._unknown_until = time.monotonic() + _ANSWER_SECONDS
        self._is_down = False
        self._on_gap()
        announced_at = time.monotonic()
        while not line.is_closed():
            with suppress(TimeoutError):
                async with asyncio.timeout(_PRESENCE_SECONDS / 2):
                    await self._wake.wait()
            if self._outbox or self._lost:
                await asyncio.sleep(_COALESCE_SECONDS)
            self._wake.clear()
            notifications: list[Presence | Events] = list(self._drain_outbox())
            if self._presence_due or (self._has_streams and time.monotonic() - announced_at > _PRESENCE_SECONDS):
                notifications.insert(0, Presence(self._process, self._has_streams))
                self._presence_due = False
                announced_at = time.monotonic()
            if notifications:
                try:
                    await _send(line, notifications)
                except BaseException:
                    self._lost = True  # the other processes learn it from the next connection
                    raise
            if not self._presence_due:
                self._is_announced.set()

    def wake(self) -> None:
        """Look at the line again, because it was lost."""
        self._wake.set()

    def _others_have_streams(self) -> bool:
        if not self._seen_streaming:
            return False
        oldest = time.monotonic() - 3 * _PRESENCE_SECONDS
        self._seen_streaming = {process: at for process, at in self._seen_streaming.items() if at > oldest}
        return bool(self._seen_streaming)

    def _drain_outbox(self) -> Iterator[Events]:
        outbox, lost = self._outbox, self._lost
        self._outbox, self._lost = [], False
        if lost:
            yield Events([], lost=True)
        batch: list[MailboxEvent] = []
        size = 0
        for event in chain.from_iterable(map(_parts, outbox)):
            length = len(msgspec.json.encode(event)) + 1
            if batch and size + length > self.payload_bytes:
                yield Events(batch)
                batch, size = [], 0
            batch.append(event)
            size += length
        if batch:
            yield Events(batch)

    def received(self, payload: str | bytes) -> None:
        """Pass a notification on."""
        try:
            notification = _decoder.decode(payload)
        except msgspec.DecodeError:
            self._on_gap()  # another version has sent what this one does not know
            return
        if isinstance(notification, Events):
            if notification.lost:
                self._on_gap()
            if notification.events:
                self._on_events(notification.events)
        elif notification.process != self._process:
            if notification.streams:
                self._seen_streaming[notification.process] = time.monotonic()
            else:
                self._seen_streaming.pop(notification.process, None)
            if notification.asks and self._has_streams:
                self._presence_due = True
                self._wake.set()


async def _send(line: Line, notifications: Sequence[Presence | Events]) -> None:
    await line.send([msgspec.json.encode(notification).decode() for notification in notifications])


def _parts(event: MailboxEvent) -> Iterator[MailboxEvent]:
    """Split an event into parts that fit a notification. Too many message ids become none: read everything again."""
    ids = event.message_ids if len(event.message_ids) <= _IDS_PER_EVENT else ()
    if event.topic_number is not None:
        yield MailboxEvent(event.kind, event.platform_code, (), ids, event.topic_number)
    for start in range(0, len(event.user_ids), _USERS_PER_EVENT):
        users = event.user_ids[start : start + _USERS_PER_EVENT]
        yield MailboxEvent(event.kind, event.platform_code, users, ids)
