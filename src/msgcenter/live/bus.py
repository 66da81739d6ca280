"""The bus for mailbox events between server processes: PostgreSQL NOTIFY on a separate connection.

Events are published after their commit, never inside the transaction: a NOTIFY holds a cluster-wide lock until commit.
The events of a few milliseconds are sent together. Nothing is sent while no process has an open stream. A process that
has just connected cannot know that yet, so it sends.
"""

import asyncio
import math
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import chain
from typing import Any

import asyncpg
import msgspec
import structlog
from msgspec import Struct

from msgcenter.database.connections import KEEPALIVE, LastingConnection
from msgcenter.domain.event import MailboxEvent

_log = structlog.get_logger(__name__)
CHANNEL = "msgcenter_live"
_COALESCE_SECONDS = 0.005
_PAYLOAD_BYTES = 7_000
"""The limit of PostgreSQL is just under 8,000 bytes."""
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


class PostgresBus:
    """One process's end of the bus.

    `on_events` is called with the events of all processes, including this one. `on_gap` is called when events may have
    been missed, so that streams must be read again.
    """

    def __init__(
        self, url: str, *, on_events: Callable[[Sequence[MailboxEvent]], None], on_gap: Callable[[], None]
    ) -> None:
        self._url = url
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
        self._outbox: list[MailboxEvent] = []
        self._lost = False
        self._wake = asyncio.Event()

    def publish(self, events: Sequence[MailboxEvent]) -> None:
        """Send events to every process soon, or drop them if no process has an open stream."""
        if not events or not (
            self._has_streams or self._others_have_streams() or time.monotonic() < self._unknown_until
        ):
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
        """Wait until the last announcement is sent, at most a second if the bus is disconnected."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_ANNOUNCE_SECONDS):
                await self._is_announced.wait()

    async def run(self) -> None:
        """Stay connected until cancelled."""
        while True:
            try:
                await self._stay_connected()
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as error:
                _log.warning("the live bus lost its connection and connects again", reason=str(error) or repr(error))
            self._on_gap()
            await asyncio.sleep(_RECONNECT_SECONDS)

    async def _stay_connected(self) -> None:
        """Connect, announce this process, and send what is pending until the connection is lost."""
        connection = await asyncpg.connect(
            self._url,
            connection_class=LastingConnection,
            timeout=10,
            command_timeout=10,
            server_settings={**KEEPALIVE, "application_name": "msgcenter live"},
        )
        connection.add_termination_listener(lambda _: self._wake.set())
        try:
            await connection.add_listener(CHANNEL, self._received)
            await self._send(connection, [Presence(self._process, self._has_streams, asks=True)])
            self._unknown_until = time.monotonic() + _ANSWER_SECONDS
            self._on_gap()
            announced_at = time.monotonic()
            while not connection.is_closed():
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
                    await self._send(connection, notifications)
                if not self._presence_due:
                    self._is_announced.set()
        finally:
            self._unknown_until = math.inf
            connection.terminate()

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
            if batch and size + length > _PAYLOAD_BYTES:
                yield Events(batch)
                batch, size = [], 0
            batch.append(event)
            size += length
        if batch:
            yield Events(batch)

    @staticmethod
    async def _send(
        connection: "asyncpg.Connection[asyncpg.Record]", notifications: Sequence[Presence | Events]
    ) -> None:
        payloads = [msgspec.json.encode(notification).decode() for notification in notifications]
        await connection.execute("select pg_notify($1, p) from unnest($2::text[]) as p", CHANNEL, payloads)

    def _received(self, _connection: Any, _pid: int, _channel: str, payload: object) -> None:
        notification = _decoder.decode(str(payload))
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


def _parts(event: MailboxEvent) -> Iterator[MailboxEvent]:
    """Split an event into parts that fit a notification. Too many message ids become none: read everything again."""
    ids = event.message_ids if len(event.message_ids) <= _IDS_PER_EVENT else ()
    if event.topic_number is not None:
        yield MailboxEvent(event.kind, event.platform_code, (), ids, event.topic_number)
    for start in range(0, len(event.user_ids), _USERS_PER_EVENT):
        users = event.user_ids[start : start + _USERS_PER_EVENT]
        yield MailboxEvent(event.kind, event.platform_code, users, ids)
