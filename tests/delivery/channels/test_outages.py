"""Outages of the database delay what channels send; nothing is lost, and nothing is sent twice."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from msgcenter.database.database import Database
from msgcenter.domain.content import Text
from tests.channel_scene import ChannelScene, address_of, channel_scene, slower, until, until_rows
from tests.conftest import name_of, other_database
from tests.scene import rows
from tests.smtp_sink import SmtpSink, smtp_sink

USERS = tuple(f"user-{number:02}" for number in range(10))
MESSAGES = 6


@pytest.fixture
def sink() -> Iterator[SmtpSink]:
    """A mail server."""
    with smtp_sink() as running:
        yield running


@pytest.fixture
async def scene(database: Database, sink: SmtpSink) -> AsyncIterator[ChannelScene]:
    """A platform with two cells, whose users have addresses."""
    async with channel_scene(database, cells=2) as opened:
        await opened.add_gateway(sink.port, rate=40)
        await opened.add_contacts(USERS)
        yield opened


@asynccontextmanager
async def away(url: str) -> AsyncIterator[None]:
    """Let the database refuse connections, and end all that there are, until the end of the block."""
    name = name_of(url)
    connection = await asyncpg.connect(other_database(url, "postgres"))
    try:
        await connection.execute(f"alter database {name} allow_connections false")
        await connection.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = $1", name)
        yield
    finally:
        await connection.execute(f"alter database {name} allow_connections true")
        await connection.close()


async def test_an_outage_longer_than_a_claim_sends_nothing_twice(
    scene: ChannelScene, sink: SmtpSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two processes see the outage. The one that has sent a mail settles it before the other takes its claims."""
    monkeypatch.setattr("msgcenter.delivery.channels.settler._AGAIN_SECONDS", 3)
    for number in range(MESSAGES):
        await scene.send(USERS, Text(f"text {number}"))
    await scene.plan_all()
    schedule = slower(lease=600, claim=1_500, trust_after=6_000)
    async with (
        Database(scene.database.url) as second,
        scene.dispatching(schedule) as one,
        scene.dispatching(schedule, second) as two,
    ):
        await until(lambda: len(sink.mails) > 10)
        sink.delay = 1.0  # one mail is on its way when the database is gone
        async with away(scene.database.url):
            await asyncio.sleep(2.5)  # longer than a claim
            sent = len(sink.mails)
        sink.delay = 0
        await until_rows(scene.database, "select from channel_delivery where state = 2", len(USERS) * MESSAGES)
    assert sent < len(USERS) * MESSAGES, "it was over before the outage"
    assert sink.by_recipient == dict.fromkeys(map(address_of, USERS), MESSAGES)
    assert len({mail.message_id for mail in sink.mails}) == len(USERS) * MESSAGES
    assert one.counts["email", "failed"] + two.counts["email", "failed"] == 0


async def test_a_plan_continues_after_an_outage(scene: ChannelScene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("msgcenter.messaging.channels.audience_parts.PART_SIZE", 1)
    message_id = await scene.send(USERS)
    async with scene.planning(slower(lease=500, parts=2)):
        await until_rows(scene.database, "select from channel_plan where place is not null", 1)
        async with away(scene.database.url):
            await asyncio.sleep(0.5)
        await until_rows(scene.database, "select from channel_plan where finished_at is not null", 1)
    planned = await rows(scene.database, "select user_id from channel_delivery where message_id = $1", message_id)
    assert sorted(row["user_id"] for row in planned) == sorted(USERS)
