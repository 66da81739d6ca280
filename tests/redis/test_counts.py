"""Counts that processes share in a real Redis, and what happens without it."""

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from msgcenter.domain.refusal import Refusal
from msgcenter.redis import counts as module
from msgcenter.redis.connection import diagnose_redis
from msgcenter.redis.counts import SharedCounts
from msgcenter.redis.status import RedisStatus
from msgcenter.web.limits import WINDOW_SECONDS, RequestLimits
from tests.services import Service, running_redis

MINUTE = 60_000


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Service]]:
    """A Redis for the tests of this file: its URL and its process."""
    with running_redis(tmp_path_factory.mktemp("redis")) as started:
        yield started


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give Redis time to answer on a busy machine, and let checks follow each other quickly."""
    monkeypatch.setattr(module, "_ANSWER_SECONDS", 1.0)
    monkeypatch.setattr(module, "_RETRY_SECONDS", 0.05)
    monkeypatch.setattr(module, "_CHECK_SECONDS", 0.05)


@asynccontextmanager
async def counting(url: str, namespace: str) -> AsyncIterator[SharedCounts]:
    """Give the counts of one process, once they are connected."""
    counts = SharedCounts(url, namespace, RedisStatus())
    task = asyncio.create_task(counts.run())
    try:
        await until_counts(counts)
        yield counts
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def until_counts(counts: SharedCounts, *, up: bool = True) -> None:
    """Wait until Redis answers, or does not."""
    async with asyncio.timeout(30):
        while (await counts.add("probe", MINUTE, 0) is not None) is not up:
            await asyncio.sleep(0.01)


async def test_two_processes_count_together(redis: tuple[str, Service]) -> None:
    async with counting(redis[0], "a") as one, counting(redis[0], "a") as other, counting(redis[0], "b") as elsewhere:
        assert [await each.add("app", MINUTE) for each in (one, other, one)] == [1, 2, 3]
        assert await elsewhere.add("app", MINUTE) == 1
        assert await other.add("app", MINUTE, 0) == 3
        assert await other.add("new", MINUTE, 0) == 0


async def test_concurrent_counts_share_round_trips_and_differ(redis: tuple[str, Service]) -> None:
    async with counting(redis[0], "c") as one, counting(redis[0], "c") as other:
        before = await other._client.info("commandstats")
        added = await asyncio.gather(*(each.add("app", MINUTE) for each in (one, other) for _ in range(500)))
        after = await other._client.info("commandstats")
    assert sorted(filter(None, added)) == list(range(1, 1_001))
    assert after["cmdstat_evalsha"]["calls"] - before["cmdstat_evalsha"]["calls"] <= 10


async def test_a_count_ends_after_its_window(redis: tuple[str, Service]) -> None:
    async with counting(redis[0], "d") as counts, asyncio.timeout(30):
        assert await counts.add("app", 50) == 1
        while await counts.add("app", 50, 0):
            await asyncio.sleep(0.01)
        assert await counts.add("app", MINUTE) == 1


async def test_without_redis_there_is_no_count_until_it_is_back(redis: tuple[str, Service]) -> None:
    url, process = redis
    async with counting(url, "e") as counts:
        process.kill()
        await until_counts(counts, up=False)
        process.start()
        await until_counts(counts)


async def test_a_hanging_redis_is_asked_once(redis: tuple[str, Service], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_ANSWER_SECONDS", 0.05)
    url, process = redis
    async with counting(url, "f") as counts:
        process.send(signal.SIGSTOP)
        try:
            await until_counts(counts, up=False)
            loop = asyncio.get_running_loop()
            began = loop.time()
            assert [await counts.add("app", MINUTE) for _ in range(1_000)] == [None] * 1_000
            assert loop.time() - began < 1_000 * 0.05, "each of them waited for an answer"
        finally:
            process.send(signal.SIGCONT)
        await until_counts(counts)


async def test_users_are_limited_over_all_processes(redis: tuple[str, Service]) -> None:
    async with counting(redis[0], "g") as one, counting(redis[0], "g") as other:
        limits = [RequestLimits(per_user=1, per_address=1, shared=counts, clock=lambda: 5.0) for counts in (one, other)]
        for number in range(WINDOW_SECONDS):
            await limits[number % 2].count_user("li")
            await limits[number % 2].count_address("192.0.2.1")
        for each in limits:
            with pytest.raises(Refusal):
                await each.count_user("li")
            with pytest.raises(Refusal):
                await each.count_address("192.0.2.1")
            await each.count_user(f"other {id(each)}")


async def test_users_are_limited_in_each_process_without_redis(tmp_path: Path) -> None:
    limits = [
        RequestLimits(per_user=1, shared=SharedCounts("redis://127.0.0.1:9", "h", RedisStatus()), clock=lambda: 5.0)
        for _ in range(2)
    ]
    for each in limits:
        for _ in range(WINDOW_SECONDS):
            await each.count_user("li")
        with pytest.raises(Refusal):
            await each.count_user("li")


def test_an_outage_is_logged_once_a_minute() -> None:
    now = 1_000.0
    status = RedisStatus(lambda: now)
    with capture_logs() as lines:
        for second in range(150):
            now = 1_000.0 + second
            status.failed("counts", OSError("no"))
            status.failed("live", OSError("no"))
        assert [line["log_level"] for line in lines] == ["warning"] * 3
        status.answered("live")
        assert not state_of(status)
        status.answered("counts")
        status.failed("live", OSError("no"))
        status.answered("live")
    assert state_of(status)
    assert [line["log_level"] for line in lines] == ["warning"] * 3 + ["info"]


def state_of(status: RedisStatus) -> bool:
    """Return whether it is up; the type checker would remember the property."""
    return status.is_up


async def test_the_facts_name_the_server(redis: tuple[str, Service]) -> None:
    facts = await diagnose_redis(redis[0])
    assert facts.name in {"Redis", "Valkey"}
    assert not facts.is_cluster
    assert not facts.is_too_old
    assert facts._replace(name="Redis", version="6.2.1").is_too_old
