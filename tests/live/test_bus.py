"""What processes send each other over the bus, and when."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import asyncpg
import pytest
from msgspec.structs import replace

from msgcenter.database.database import Database
from msgcenter.domain.event import MailboxEvent
from msgcenter.live import bus as live_bus
from msgcenter.live.bus import CHANNEL, PostgresBus

EVENT = MailboxEvent("message", "420100", ("u",), (1,))


@asynccontextmanager
async def running(bus: PostgresBus) -> AsyncIterator[None]:
    """Run a bus for the length of the block."""
    task = asyncio.create_task(bus.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def bus_of(url: str, received: list[MailboxEvent]) -> PostgresBus:
    """Return a bus that appends the events it receives to `received`."""

    def on_events(events: Sequence[MailboxEvent]) -> None:
        received.extend(events)

    return PostgresBus(url, on_events=on_events, on_gap=lambda: None)


@pytest.fixture(autouse=True)
def _no_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give a bus time to connect, also on a busy machine."""
    monkeypatch.setattr(live_bus, "_ANNOUNCE_SECONDS", 60.0)


async def test_announced_returns_after_the_announcement_is_sent(database: Database) -> None:
    payloads: list[object] = []
    listener: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(database.url)

    def receive(_connection: Any, _pid: int, _channel: str, payload: object) -> None:
        payloads.append(payload)

    await listener.add_listener(CHANNEL, receive)
    bus = bus_of(database.url, [])
    async with running(bus):
        for streams in (True, False) * 5:
            await bus.announced()
            bus.announce(streams=streams)
            await bus.announced()
            await listener.fetchval("select 1")  # earlier notifications arrive before the answer
            assert f'"streams":{str(streams).lower()}' in str(payloads[-1])
    await listener.close()


async def test_announced_returns_soon_without_a_connection(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_bus, "_ANNOUNCE_SECONDS", 0.05)
    bus = bus_of(database.url, [])
    bus.announce(streams=True)
    await bus.announced()


async def test_events_published_before_the_bus_connects_are_delivered(database: Database) -> None:
    received: list[MailboxEvent] = []
    watching = bus_of(database.url, received)
    async with running(watching):
        watching.announce(streams=True)
        await watching.announced()
        starting = bus_of(database.url, [])
        starting.publish([EVENT])
        async with running(starting), asyncio.timeout(20):
            while not received:
                await asyncio.sleep(0.01)
    assert received == [EVENT]


async def test_nothing_is_sent_without_open_streams(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_bus, "_ANSWER_SECONDS", 0.0)
    received: list[MailboxEvent] = []
    bus = bus_of(database.url, received)
    async with running(bus):
        bus.announce(streams=True)
        await bus.announced()  # it is connected
        bus.announce(streams=False)
        bus.publish([EVENT])
        bus.announce(streams=True)
        await bus.announced()
        bus.publish([replace(EVENT, message_ids=(2,))])
        async with asyncio.timeout(20):
            while not received:
                await asyncio.sleep(0.01)
    assert [event.message_ids for event in received] == [(2,)]
