"""The outcome of a send or of planning changes nothing that is newer; the mail server holds its answer meanwhile."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from msgcenter.actions.channels.forget import forget_user
from msgcenter.database.database import Connection, Database
from msgcenter.domain.content import Text
from msgcenter.domain.person import COMMAND
from msgcenter.messaging.channels.plan_part import PlannedPart, Task, plan_part
from msgcenter.store.channels import gateways, subscriptions
from msgcenter.store.channels.subscriptions import Subscription
from tests.channel_scene import CODE, ChannelScene, address_of, channel_scene, until, until_rows
from tests.scene import rows
from tests.smtp_sink import ACCEPTED, SmtpSink, smtp_sink

USER = "reader"
NO_USER = "550 5.1.1 no such user"
DOWN = "421 4.3.2 not now"
BUSY = "451 4.3.0 busy"


class HoldingServer:
    """A mail server that holds its first answer until `release` is called, and accepts what comes later."""

    def __init__(self, sink: SmtpSink) -> None:
        self.sink = sink
        self.asked = threading.Event()
        self._released = threading.Event()
        self._answer = ACCEPTED
        sink.answer_to = self._answer_to

    def _answer_to(self, _: str) -> str:
        if self.asked.is_set():
            return ACCEPTED
        self.asked.set()
        assert self._released.wait(60)
        return self._answer

    def release(self, answer: str) -> None:
        """Give the first answer."""
        self._answer = answer
        self._released.set()


@pytest.fixture
def server() -> Iterator[HoldingServer]:
    """The mail server of the platform's gateway."""
    with smtp_sink() as sink:
        holding = HoldingServer(sink)
        yield holding
        holding.release(ACCEPTED)


@pytest.fixture
async def scene(database: Database, server: HoldingServer) -> AsyncIterator[ChannelScene]:
    """A platform with a reader who has an address."""
    async with channel_scene(database) as opened:
        await opened.add_gateway(server.sink.port)
        await opened.add_contacts([USER])
        yield opened


@asynccontextmanager
async def sending(scene: ChannelScene, server: HoldingServer) -> AsyncIterator[None]:
    """Begin to send a message; the block changes something, and gives the answer."""
    await scene.send([USER], Text("Hello"))
    async with scene.planning(), scene.dispatching():
        await until(server.asked.is_set)
        yield


async def test_the_failure_of_an_old_gateway_does_not_pause_the_new_one(
    scene: ChannelScene, server: HoldingServer
) -> None:
    with smtp_sink() as new:
        async with sending(scene, server):
            await scene.add_gateway(new.port)
            server.release(DOWN)
            await until_rows(scene.database, "select from channel_delivery where state = 2", 1)
        assert new.by_recipient == {address_of(USER): 1}
    (gateway,) = await rows(scene.database, "select failures, paused_until, last_error from channel_gateway")
    assert tuple(gateway) == (0, None, None)


async def test_an_answer_about_an_old_address_does_not_disable_the_new_one(
    scene: ChannelScene, server: HoldingServer
) -> None:
    async with sending(scene, server):
        await scene.add_contacts([USER])
        server.release(NO_USER)
        await until_rows(scene.database, "select from channel_delivery where state = 3", 1)
    (contact,) = await rows(scene.database, "select disabled_at from contact_point")
    assert contact["disabled_at"] is None


async def test_nothing_is_left_of_a_person_who_is_removed_during_a_send(
    scene: ChannelScene, server: HoldingServer
) -> None:
    async with sending(scene, server):
        await forget_user(scene.database, CODE, USER, on_chunks=lambda *_: None, by=COMMAND)
        server.release(ACCEPTED)
        await until(lambda: len(server.sink.mails) == 1)
    assert await scene.deliveries() == []
    assert await rows(scene.database, "select from channel_count") == []


async def test_nothing_is_left_of_a_person_who_is_removed_while_a_part_is_planned(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The part that was computed for the person is not stored, and the plan goes on with those who are left."""
    computed, removed = asyncio.Event(), asyncio.Event()

    async def slow_part(connection: Connection, task: Task, now: int) -> PlannedPart:
        part = await plan_part(connection, task, now)
        if not computed.is_set():
            computed.set()
            await removed.wait()
        return part

    monkeypatch.setattr("msgcenter.delivery.channels.planner.plan_part", slow_part)
    async with channel_scene(database) as scene:
        await scene.add_gateway(1, rate=1)
        await scene.add_contacts([USER, "another"])
        await scene.send([USER, "another"])
        async with scene.planning():
            async with asyncio.timeout(60):
                await computed.wait()
            await forget_user(database, CODE, USER, on_chunks=lambda *_: None, by=COMMAND)
            removed.set()
            await until_rows(database, "select from channel_plan where finished_at is not null", 1)
        assert [row["user_id"] for row in await scene.deliveries()] == ["another"]


async def test_a_gateway_that_is_removed_during_a_send_leaves_nothing_waiting(
    scene: ChannelScene, server: HoldingServer
) -> None:
    """What waits, and what is planned later, is skipped for want of a gateway."""
    async with sending(scene, server):
        async with scene.database.connection() as connection:
            assert await gateways.remove(connection, CODE, "email")
        server.sink.answer_to = lambda _: BUSY  # the process may go on until it renews its lease
        server.release(BUSY)
        await until_rows(scene.database, "select from channel_delivery where state = 0 and due_at <= $1", 1)
    late = await scene.send([USER], Text("late"))
    async with scene.planning(), scene.dispatching():
        await until_rows(scene.database, "select from channel_delivery where state = 4 and reason = 'noGateway'", 1)
        await until_rows(scene.database, "select from channel_plan where finished_at is null", 0)
    assert await scene.skipped(late) == {"email": {"noGateway": 1}}


async def test_a_browser_that_has_subscribed_again_stays(scene: ChannelScene) -> None:
    old, new = (Subscription(b"digest", "Browser", sealed, 1) for sealed in (b"old", b"new"))
    async with scene.database.connection() as connection:
        for subscription in (old, new):
            await subscriptions.add(connection, scene.platform.first_cell, USER, subscription)
        for sealed, count in ((b"old", 1), (b"new", 0)):
            await subscriptions.remove_gone(connection, scene.platform.first_cell, USER, b"digest", sealed)
            assert len(await subscriptions.list_own(connection, scene.platform.first_cell, USER, None)) == count
