"""Calls are counted in memory and stored in batches."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from msgcenter.actions.apps import call_counter
from msgcenter.actions.apps.call_counter import CallCounter
from msgcenter.database.database import Connection, Database
from msgcenter.domain.account import App
from msgcenter.domain.refusal import Reason, Refusal
from msgcenter.gateway.call_record import CallRecord
from msgcenter.store.apps.call_counts import Count, CountKey, add_counts
from tests.scene import HOME, rows, text_to

SHANGHAI = ZoneInfo("Asia/Shanghai")
APP = App(7, "app", "App", HOME, "app")
HOUR = 3_600_000
DAY = 24 * HOUR


class Clock:
    """The time of the counter, in ms since 1970."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, moment: str) -> None:
        self.now = ms(moment)
        monkeypatch.setattr(call_counter, "now_ms", lambda: self.now)
        monkeypatch.setattr(call_counter, "time", lambda: self.now / 1_000)


def ms(moment: str, zone: ZoneInfo = SHANGHAI) -> int:
    """Return a local time in ms since 1970."""
    return int(datetime.fromisoformat(moment).replace(tzinfo=zone).timestamp() * 1_000)


def call(api: str = "sendMsg", ret_code: str = "000000", app: App | None = APP, ids: int = 0) -> CallRecord:
    """Return a call that took 5 ms."""
    return CallRecord(api, app, ret_code, 0.005, ids, b"id")


async def counted(database: Database, hours: int = 1) -> list[tuple[int, int, str, str, int, int, int]]:
    """Return the stored counts: app, begin, API, retCode, calls, ids, messages."""
    found = await rows(
        database,
        "select app_number, begins_at, api, ret_code, calls, status_ids, messages from call_count where hours = $1"
        " order by 1, 2, 3, 4",
        hours,
    )
    return [tuple(row) for row in found]


async def test_calls_are_counted_by_app_hour_api_and_ret_code(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch, "2026-11-27T23:59:59")
    counter = CallCounter(database, SHANGHAI)
    for ids in (50, 7):
        counter.observe(call("modMsgStatus", ids=ids))
    counter.observe(call(ret_code="100003"))
    counter.observe(call(app=None, ret_code="200002"))
    clock.now += 1_000
    counter.observe(call("modMsgStatus", ids=1))
    await counter.flush()
    before, after = ms("2026-11-27T23:00:00"), ms("2026-11-28T00:00:00")
    expected = [
        (0, before, "sendMsg", "200002", 1, 0, 0),
        (7, before, "modMsgStatus", "000000", 2, 57, 0),
        (7, before, "sendMsg", "100003", 1, 0, 0),
        (7, after, "modMsgStatus", "000000", 1, 1, 0),
    ]
    assert await counted(database) == expected
    # The same by day: of the 27th and of the 28th.
    days = {before: ms("2026-11-27T00:00:00"), after: after}
    assert await counted(database, 24) == [(one[0], days[one[1]], *one[2:]) for one in expected]
    (row,) = await rows(database, "select latencies from call_count where calls = 2 and hours = 1")
    assert sum(row["latencies"]) == row["latencies"][-1] == 2


@pytest.mark.parametrize(
    ("zone", "begins"), [("Asia/Kathmandu", "10:15"), ("UTC", "10:00"), ("America/St_Johns", "10:30")]
)
async def test_hours_begin_as_in_the_time_zone(
    database: Database, monkeypatch: pytest.MonkeyPatch, zone: str, begins: str
) -> None:
    clock = Clock(monkeypatch, "2026-11-27T00:00:00")
    clock.now = ms("2026-11-27T10:50:00", ZoneInfo("UTC"))
    counter = CallCounter(database, ZoneInfo(zone))
    counter.observe(call())
    await counter.flush()
    ((_, begins_at, *_),) = await counted(database)
    assert f"{datetime.fromtimestamp(begins_at / 1_000, UTC):%H:%M}" == begins


async def test_messages_are_counted_with_calls(database: Database) -> None:
    counter = CallCounter(database, SHANGHAI)
    draft = text_to(APP.number, HOME, ["u"])
    counter.sent([draft] * 3 + [replace(draft, call="sendAppMsg")])
    counter.observe(call())
    counter.observe(call("sendAppMsg"))
    await counter.flush()
    assert [(app_number, *others) for app_number, _, *others in await counted(database)] == [
        (APP.number, "sendAppMsg", "000000", 1, 0, 1),
        (APP.number, "sendMsg", "000000", 1, 0, 3),
    ]


async def test_counts_of_several_processes_add_up(database: Database) -> None:
    counters = [CallCounter(database, SHANGHAI) for _ in range(4)]

    async def work(counter: CallCounter) -> None:
        for _ in range(20):
            counter.observe(call())
            await counter.flush()

    await asyncio.gather(*map(work, counters))
    assert sum(row[4] for row in await counted(database)) == 80
    assert sum(row[4] for row in await counted(database, 24)) == 80


class Outage:
    """A database that refuses counts for a while."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.is_away = True
        monkeypatch.setattr(call_counter, "add_counts", self._add)

    async def _add(self, connection: Connection, counts: Sequence[tuple[CountKey, Count]]) -> None:
        if self.is_away:
            raise Refusal(Reason.DATABASE_UNAVAILABLE)
        await add_counts(connection, counts)


async def test_counts_wait_for_an_unavailable_database_and_are_merged(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    outage = Outage(monkeypatch)
    clock = Clock(monkeypatch, "2026-11-27T10:00:00")
    counter = CallCounter(database, SHANGHAI)
    for _ in range(3):
        counter.observe(call())
        with pytest.raises(Refusal):
            await counter.flush()
        clock.now += HOUR // 2
    assert await counted(database) == []
    outage.is_away = False
    await counter.flush()
    hours = [(row[1] - ms("2026-11-27T10:00:00"), row[4]) for row in await counted(database)]
    assert hours == [(0, 2), (HOUR, 1)]
    assert [row[4] for row in await counted(database, 24)] == [3]
    await counter.flush()
    assert [row[4] for row in await counted(database, 24)] == [3]


async def test_memory_is_bounded_in_a_long_outage(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(call_counter, "_HOURS_KEPT", 10)
    outage = Outage(monkeypatch)
    clock = Clock(monkeypatch, "2026-11-27T00:00:00")
    begin = clock.now
    counter = CallCounter(database, SHANGHAI)
    for _ in range(15):
        counter.observe(call())
        with pytest.raises(Refusal):
            await counter.flush()
        clock.now += HOUR
    outage.is_away = False
    await counter.flush()
    assert [(row[1] - begin) // HOUR for row in await counted(database)] == list(range(5, 15)), (
        "the oldest counts are dropped"
    )
    assert [row[4] for row in await counted(database, 24)] == [10], "the totals of hours and days are equal"


async def test_many_counts_are_stored_in_several_statements(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call_counter, "_HOURS_PER_STATEMENT", 3)
    counter = CallCounter(database, SHANGHAI)
    for number in range(10):
        counter.observe(call(f"api-{number}"))
    await counter.flush()
    assert len(await counted(database)) == len(await counted(database, 24)) == 10


async def test_counts_are_stored_every_few_seconds_and_at_the_end(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call_counter, "_EVERY_SECONDS", 0.01)
    outage = Outage(monkeypatch)
    counter = CallCounter(database, SHANGHAI)
    running = asyncio.create_task(counter.run())
    counter.observe(call())
    await asyncio.sleep(0.05)
    outage.is_away = False
    async with asyncio.timeout(60):
        while not await counted(database):
            await asyncio.sleep(0.01)
    monkeypatch.setattr(call_counter, "_EVERY_SECONDS", 3_600)
    counter.observe(call())
    counter.stop()
    await asyncio.wait_for(running, 60)
    assert [row[4] for row in await counted(database, 24)] == [2]
    counter.observe(call())
    await counter.close()
    assert [row[4] for row in await counted(database, 24)] == [3]


async def test_the_end_does_not_wait_for_an_unavailable_database(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    Outage(monkeypatch)
    counter = CallCounter(database, SHANGHAI)
    counter.observe(call())
    async with asyncio.timeout(60):
        await counter.close()


async def test_a_fault_does_not_end_the_counting(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    tries = 0

    async def at_first_a_mistake(connection: Connection, counts: Sequence[tuple[CountKey, Count]]) -> None:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise ValueError("a mistake")
        await add_counts(connection, counts)

    monkeypatch.setattr(call_counter, "add_counts", at_first_a_mistake)
    monkeypatch.setattr(call_counter, "_EVERY_SECONDS", 0.01)
    counter = CallCounter(database, SHANGHAI)
    counter.observe(call())
    running = asyncio.create_task(counter.run())
    async with asyncio.timeout(60):
        while not await counted(database):
            await asyncio.sleep(0.01)
    counter.stop()
    await running
