"""What processes send each other over the bus, and when."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import asyncpg
import pytest
from msgspec.structs import replace

from msgcenter.database.database import Database
from msgcenter.domain.event import MailboxEvent
from msgcenter.live import bus as live_bus
from msgcenter.live.bus import Bus
from msgcenter.live.postgres_bus import CHANNEL, PostgresBus
from msgcenter.live.redis_bus import RedisBus
from msgcenter.redis.status import RedisStatus
from tests.services import Service, running_redis

EVENT = MailboxEvent("message", "420100", ("u",), (1,))


@asynccontextmanager
async def running(bus: Bus) -> AsyncIterator[None]:
    """Run a bus for the length of the block."""
    task = asyncio.create_task(bus.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def bus_of(url: str, received: list[MailboxEvent], on_gap: Callable[[], None] = lambda: None) -> Bus:
    """Return a bus that appends the events it receives to `received`."""

    def on_events(events: Sequence[MailboxEvent]) -> None:
        received.extend(events)

    if url.startswith("redis"):
        return RedisBus(url, "tests", RedisStatus(), on_events=on_events, on_gap=on_gap)
    return PostgresBus(url, on_events=on_events, on_gap=on_gap)


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Service]]:
    """A Redis for the tests of this file: its URL and its process."""
    with running_redis(tmp_path_factory.mktemp("redis")) as started:
        yield started


@pytest.fixture(params=["postgresql", "redis"])
def url(request: pytest.FixtureRequest) -> str:
    """The URL of each transport."""
    found: str = request.getfixturevalue("database_url" if request.param == "postgresql" else "redis_url")
    return found


@pytest.fixture
def redis_url(redis: tuple[str, Service]) -> str:
    """The URL of Redis."""
    return redis[0]


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


async def test_announced_returns_soon_without_a_connection(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_bus, "_ANNOUNCE_SECONDS", 0.05)
    bus = bus_of(url, [])
    bus.announce(streams=True)
    await bus.announced()


async def test_events_published_before_the_bus_connects_are_delivered(url: str) -> None:
    received: list[MailboxEvent] = []
    watching = bus_of(url, received)
    async with running(watching):
        watching.announce(streams=True)
        await watching.announced()
        starting = bus_of(url, [])
        starting.publish([EVENT])
        async with running(starting), asyncio.timeout(60):
            while not received:
                await asyncio.sleep(0.01)
    assert received == [EVENT]


async def test_nothing_is_sent_without_open_streams(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_bus, "_ANSWER_SECONDS", 0.0)
    received: list[MailboxEvent] = []
    bus = bus_of(url, received)
    async with running(bus):
        bus.announce(streams=True)
        await bus.announced()  # it is connected
        bus.announce(streams=False)
        bus.publish([EVENT])
        bus.announce(streams=True)
        await bus.announced()
        bus.publish([replace(EVENT, message_ids=(2,))])
        async with asyncio.timeout(60):
            while not received:
                await asyncio.sleep(0.01)
    assert [event.message_ids for event in received] == [(2,)]


async def test_streams_are_read_again_once_after_redis_was_away(redis: tuple[str, Service]) -> None:
    url, process = redis
    received: list[MailboxEvent] = []
    gaps: list[None] = []
    bus = bus_of(url, received, lambda: gaps.append(None))
    async with running(bus), asyncio.timeout(30):
        bus.announce(streams=True)
        await bus.announced()
        before = len(gaps)
        process.kill()
        while len(gaps) == before:
            await asyncio.sleep(0.01)
        bus.announce(streams=False)
        await bus.announced()  # a stream that opens meanwhile does not wait
        bus.announce(streams=True)
        bus.publish([EVENT])  # while it is away
        process.start()
        while not received:
            await asyncio.sleep(0.01)
    assert received == [EVENT]
    assert len(gaps) - before in {2, 3}, "at the loss, at the connection, and at the end of the block"


async def test_events_that_could_not_be_sent_are_a_gap_for_the_other_processes(redis: tuple[str, Service]) -> None:
    url, process = redis
    gaps: list[None] = []
    watching = bus_of(url, [], lambda: gaps.append(None))
    sending = bus_of(url, [])
    async with running(watching), running(sending), asyncio.timeout(60):
        watching.announce(streams=True)
        sending.announce(streams=True)
        await watching.announced()
        await sending.announced()
        process.send(signal.SIGSTOP)
        before = len(gaps)
        sending.publish([EVENT])  # it fails after its time-out, while the other process notices nothing
        while not sending._lost:
            await asyncio.sleep(0.01)
        process.send(signal.SIGCONT)
        while len(gaps) == before:
            await asyncio.sleep(0.01)
