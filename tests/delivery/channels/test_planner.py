"""Plans wait for their message, for room in the queue, and end with it; one process at a time works on one."""

from collections.abc import AsyncIterator

import pytest

from msgcenter.database.database import Database
from msgcenter.domain.audience import Everyone
from msgcenter.domain.channels.codes import Urgency
from msgcenter.domain.message_id import now_ms
from msgcenter.domain.person import COMMAND
from msgcenter.messaging.fan_out import fan_out
from msgcenter.store.messages.jobs import Delivery
from tests.channel_scene import ChannelScene, channel_scene, slower, until_rows
from tests.scene import rows

USERS = tuple(f"user-{number:02}" for number in range(20))
FINISHED = "select from channel_plan where finished_at is not null"


@pytest.fixture
async def scene(database: Database) -> AsyncIterator[ChannelScene]:
    """A platform with two cells, whose users have addresses; nothing listens at its gateway."""
    async with channel_scene(database, cells=2) as opened:
        await opened.add_gateway(1, rate=1)
        await opened.add_contacts(USERS)
        yield opened


async def test_a_plan_waits_for_room_in_the_queue(scene: ChannelScene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("msgcenter.messaging.channels.audience_parts.PART_SIZE", 3)
    schedule = slower(backlog=5, smallest_backlog=5)
    await scene.send(USERS)
    async with scene.planning(schedule):
        await until_rows(scene.database, "select from channel_delivery", 6)
        paused = "select from channel_plan where lease_holder is null and lease_until > 0 and place is not null"
        await until_rows(scene.database, paused, 1)
        urgent = await scene.send(USERS, urgency=Urgency.URGENT)
        await until_rows(scene.database, FINISHED, 1)
        assert len(await rows(scene.database, "select from channel_delivery where message_id = $1", urgent)) == 20
        assert len(await scene.deliveries()) == 26
        await scene.execute("update channel_delivery set state = 2")
        full = "select where (select count(*) from channel_delivery where state = 0) between 5 and 7"
        await until_rows(scene.database, full, 1)
        await scene.execute("update channel_gateway set rate = 1000")
        await until_rows(scene.database, FINISHED, 2)
    assert len(await scene.deliveries()) == 40


async def test_a_gateway_that_is_down_does_not_hold_up_other_channels(
    scene: ChannelScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The channel apprise needs no address."""
    monkeypatch.setattr("msgcenter.messaging.channels.audience_parts.PART_SIZE", 3)
    schedule = slower(backlog=5, smallest_backlog=50)
    await scene.add_gateway(1, "apprise")
    await scene.execute("update channel_gateway set paused_until = $1 where channel = 'email'", now_ms() + 600_000)
    for _ in range(3):
        await scene.send(USERS, channels=("email",), urgency=Urgency.URGENT)
    await scene.plan_all()
    await scene.send(USERS, channels=("email", "apprise"))
    async with scene.planning(schedule):
        await until_rows(scene.database, FINISHED, 4)
        assert len(await scene.deliveries()) == 100
        await scene.send(USERS)
        waiting = "select from channel_plan where finished_at is null and lease_holder is null and lease_until > 0"
        await until_rows(scene.database, waiting, 1)
    assert len(await scene.deliveries()) == 100


async def test_a_plan_waits_for_the_fan_out(scene: ChannelScene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("msgcenter.domain.message.IMMEDIATE_RECEIVERS", 5)
    message_id = await scene.send(USERS)
    async with scene.planning():
        await until_rows(scene.database, "select from channel_plan where lease_holder is null and lease_until > 0", 1)
        assert await scene.deliveries() == []
        assert await fan_out(scene.database, Delivery(scene.platform.first_cell, message_id)) == 0
        await until_rows(scene.database, FINISHED, 1)
    assert len(await scene.deliveries()) == 20


async def test_a_recalled_message_ends_its_plan(scene: ChannelScene) -> None:
    message_id = await scene.send(USERS)
    await scene.sent.recall(scene.app, message_id, by=COMMAND)
    await scene.plan_all()
    assert await scene.deliveries() == []
    assert await scene.skipped(message_id) == {}


async def test_a_plan_is_not_looked_at_before_its_time(scene: ChannelScene) -> None:
    later = await scene.send(USERS, in_ms=3_600_000)
    due = await scene.send(USERS)
    await scene.plan_all()
    assert {row["message_id"] for row in await scene.deliveries()} == {due}
    await scene.execute("update channel_plan set due_at = $2 where message_id = $1", later, now_ms())
    await scene.plan_all()
    assert {row["message_id"] for row in await scene.deliveries()} == {due, later}


async def test_a_lease_of_a_dead_process_ends(scene: ChannelScene) -> None:
    await scene.send(USERS)
    await scene.execute("update channel_plan set lease_holder = 'dead', lease_until = $1", now_ms() + 700)
    async with scene.planning():
        await until_rows(scene.database, FINISHED, 1)
    assert len(await scene.deliveries()) == 20


async def test_a_broadcast_reaches_who_has_not_read_it(scene: ChannelScene) -> None:
    await scene.send(USERS)  # makes them known
    message_id = await scene.send(Everyone())
    await scene.read(USERS[3], message_id)
    await scene.plan_all()
    planned = {row["user_id"] for row in await scene.deliveries() if row["message_id"] == message_id}
    assert planned == set(USERS) - {USERS[3]}
    assert await scene.skipped(message_id) == {"email": {"read": 1}}
