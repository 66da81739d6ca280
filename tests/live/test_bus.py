"""What a process tells the others over the bus, and when."""

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


def bus_of(url: str, heard: list[MailboxEvent]) -> PostgresBus:
    """Return a bus that adds to `heard` what it hears."""

    def on_events(events: Sequence[MailboxEvent]) -> None:
        heard.extend(events)

    return PostgresBus(url, on_events=on_events, on_gap=lambda: None)


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """However busy the machine is, a bus has the time to connect."""
    monkeypatch.setattr(live_bus, "_ANNOUNCE_SECONDS", 60.0)


async def test_streams_are_announced_before_the_wait_for_it_ends(database: Database) -> None:
    told: list[object] = []
    listener: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(database.url)

    def hear(_connection: Any, _pid: int, _channel: str, payload: object) -> None:
        told.append(payload)

    await listener.add_listener(CHANNEL, hear)
    bus = bus_of(database.url, [])
    async with running(bus):
        for streams in (True, False) * 5:
            await bus.announced()
            bus.announce(streams=streams)
            await bus.announced()
            await listener.fetchval("select 1")  # what was notified before comes before the answer
            assert f'"streams":{str(streams).lower()}' in str(told[-1])
    await listener.close()


async def test_a_bus_that_is_cut_off_keeps_nobody_waiting(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_bus, "_ANNOUNCE_SECONDS", 0.05)
    bus = bus_of(database.url, [])
    bus.announce(streams=True)
    await bus.announced()


async def test_what_is_published_before_the_bus_connects_is_told(database: Database) -> None:
    heard: list[MailboxEvent] = []
    watching = bus_of(database.url, heard)
    async with running(watching):
        watching.announce(streams=True)
        await watching.announced()
        starting = bus_of(database.url, [])
        starting.publish([EVENT])
        async with running(starting), asyncio.timeout(20):
            while not heard:
                await asyncio.sleep(0.01)
    assert heard == [EVENT]


async def test_nothing_is_sent_while_nobody_watches(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_bus, "_ANSWER_SECONDS", 0.0)
    heard: list[MailboxEvent] = []
    bus = bus_of(database.url, heard)
    async with running(bus):
        bus.announce(streams=True)
        await bus.announced()  # it is connected
        bus.announce(streams=False)
        bus.publish([EVENT])
        bus.announce(streams=True)
        await bus.announced()
        bus.publish([replace(EVENT, message_ids=(2,))])
        async with asyncio.timeout(20):
            while not heard:
                await asyncio.sleep(0.01)
    assert [event.message_ids for event in heard] == [(2,)]
