"""Gateways of channels: who works on one, and when."""

import pytest

from msgcenter.database.database import Connection, Database
from msgcenter.store.channels import gateways
from msgcenter.store.channels.gateways import Lease
from tests.scene import HOME, START
from tests.store.channel_story import save_gateway

pytestmark = pytest.mark.usefixtures("app_number")
HOUR = 3_600_000
LATER = START + HOUR


async def _delivery(
    connection: Connection, *, due_at: int, channel: str = "email", claimed_until: int | None = None
) -> None:
    await connection.execute(
        """
        insert into channel_delivery
            (cell, round, state, urgency, app_number, message_id, due_at, claimed_until, user_id, channel)
        values ($1, 0, 0, 1, 1, 1, $2, $3, 'user', $4)
        """,
        HOME.first_cell,
        due_at,
        claimed_until,
        channel,
    )


async def _claim(connection: Connection, holder: str = "first", now: int = START) -> list[Lease]:
    return await gateways.claim(connection, holder, 10, now, now + HOUR)


@pytest.mark.parametrize(
    ("due_at", "channel", "claimed_until", "count"),
    [
        (START, "email", None, 1),
        (START, "email", START, 1),
        (START, "email", START + 1, 0),
        (START + 1, "email", None, 0),
        (START, "sms", None, 0),
    ],
)
async def test_a_gateway_is_leased_only_while_it_has_a_delivery_due(
    database: Database, due_at: int, channel: str, claimed_until: int | None, count: int
) -> None:
    async with database.connection() as connection:
        await save_gateway(connection, HOME, START)
        await _delivery(connection, due_at=due_at, channel=channel, claimed_until=claimed_until)
        assert len(await _claim(connection)) == count


async def test_one_process_at_a_time_has_the_lease_of_a_gateway(database: Database) -> None:
    async with database.connection() as connection:
        await save_gateway(connection, HOME, START)
        await _delivery(connection, due_at=START)
        (lease,) = await _claim(connection)
        assert (lease.gateway.platform, lease.gateway.channel, lease.gateway.rate) == (HOME, "email", 5)
        assert await _claim(connection, "second") == []
        assert await _claim(connection, "second", LATER - 1) == []
        (second,) = await _claim(connection, "second", LATER)
        assert not await gateways.renew(connection, lease, LATER + HOUR)
        assert await gateways.renew(connection, second, LATER + 2 * HOUR)
        assert await _claim(connection, "third", LATER + HOUR) == []
        await gateways.release(connection, lease, LATER)
        assert await _claim(connection, "third", LATER + HOUR) == []
        await gateways.release_all(connection, "second", LATER)
        assert len(await _claim(connection, "third", LATER)) == 1


async def test_a_paused_gateway_waits_and_a_success_ends_its_failures(database: Database) -> None:
    async with database.connection() as connection:
        await save_gateway(connection, HOME, START)
        await _delivery(connection, due_at=START)
        (lease,) = await _claim(connection)
        for until in (START + 1, LATER):
            await gateways.pause(connection, lease.gateway, until=until, error="no answer", now=START)
        await gateways.release(connection, lease, START)
        assert await _claim(connection, now=LATER - 1) == []
        await gateways.settle_success(connection, lease.gateway, LATER - 1)  # of a send that began before
        assert await _claim(connection, now=LATER - 1) == []
        (lease,) = await _claim(connection, now=LATER)
        assert (lease.gateway.failures, lease.gateway.last_error) == (2, "no answer")
        await gateways.settle_success(connection, lease.gateway, LATER)
        await gateways.settle_refusal(connection, lease.gateway, "550 no such user", LATER)
        gateway = await gateways.find_gateway(connection, HOME.code, "email")
    assert gateway is not None
    assert (gateway.failures, gateway.paused_until, gateway.succeeded_at) == (0, None, LATER)
    assert gateway.last_error == "550 no such user"


async def test_a_gateway_that_is_off_is_not_leased_and_its_lease_is_not_renewed(database: Database) -> None:
    async with database.connection() as connection:
        await save_gateway(connection, HOME, START)
        await _delivery(connection, due_at=START)
        (lease,) = await _claim(connection)
        assert await gateways.set_off(connection, HOME.code, "email", off=True, now=LATER)
        assert not await gateways.set_off(connection, HOME.code, "email", off=True, now=LATER)
        assert not await gateways.renew(connection, lease, LATER + HOUR)
        assert await _claim(connection, now=LATER + HOUR) == []
        assert await gateways.set_off(connection, HOME.code, "email", off=False, now=LATER)
        assert len(await _claim(connection, now=LATER + HOUR)) == 1


async def test_a_gateway_that_is_set_again_is_tried_at_once(database: Database) -> None:
    async with database.connection() as connection:
        await save_gateway(connection, HOME, START)
        (before,) = await gateways.list_gateways(connection)
        await gateways.pause(connection, before, until=LATER, error="no answer", now=START)
        await gateways.set_off(connection, HOME.code, "email", off=True, now=START)
        await save_gateway(connection, HOME, LATER)
        (after,) = await gateways.list_gateways(connection, HOME.code)
    assert after.number == before.number
    assert (after.paused_until, after.disabled_at, after.failures, after.changed_at) == (None, None, 0, LATER)
