"""A delivery is claimed by one process until its claim ends, and settled by the one that has it."""

import pytest

from msgcenter.database.database import Connection, Database
from msgcenter.domain.channels.codes import DeliveryState, Urgency
from msgcenter.domain.channels.policy import Route
from msgcenter.domain.channels.settlement import Settlement, postponed
from msgcenter.messaging.channels.plan_part import PlannedPart, store_part
from msgcenter.store.channels import deliveries, due_plans, plans
from msgcenter.store.channels.deliveries import Claimed, ClaimTimes, NewDelivery, Settled
from msgcenter.store.channels.due_plans import Plan
from msgcenter.store.channels.plans import NewPlan
from tests.scene import rows

CELL = 1
MESSAGE = 1 << 40
SENT = Settlement(DeliveryState.SENT, is_attempt=True)


@pytest.fixture
async def waiting(database: Database, app_number: int) -> Database:
    """A database with four deliveries that are due at 10, one of them urgent."""
    new = [
        NewDelivery(f"user-{n}", MESSAGE, "email", 0, Urgency.URGENT if n == 3 else Urgency.LOW, 1, 10 + n, n > 1, "")
        for n in range(4)
    ]
    async with database.connection() as connection:
        assert await deliveries.insert(connection, CELL, new) == 4
    return database


async def claim(
    connection: Connection, now: int, *, ended_by: int | None = None, urgent: bool = False, limit: int = 9
) -> list[Claimed]:
    """Claim what is due, for 100 ms."""
    times = ClaimTimes(now, now if ended_by is None else ended_by, now + 100)
    return sorted(await deliveries.claim(connection, CELL, "email", times, urgent=urgent, limit=limit))


async def test_a_claim_holds_until_its_end(waiting: Database) -> None:
    async with waiting.connection() as connection:
        assert [each.user_id for each in await claim(connection, 11)] == ["user-0", "user-1"]
        assert [each.user_id for each in await claim(connection, 20)] == ["user-2", "user-3"]
        assert await claim(connection, 110) == []
        again = await claim(connection, 111)
        assert [(each.user_id, each.was_claimed) for each in again] == [("user-0", True), ("user-1", True)]


async def test_claims_that_have_ended_may_be_left_alone(waiting: Database) -> None:
    async with waiting.connection() as connection:
        assert len(await claim(connection, 11)) == 2
        assert [each.user_id for each in await claim(connection, 500, ended_by=0)] == ["user-2", "user-3"]


async def test_urgent_deliveries_are_claimed_first(waiting: Database) -> None:
    async with waiting.connection() as connection:
        assert [each.user_id for each in await claim(connection, 20, urgent=True)] == ["user-3"]
        assert [each.user_id for each in await claim(connection, 20, limit=1)] == ["user-0"]


async def test_a_delivery_is_settled_by_the_process_that_has_it(waiting: Database) -> None:
    async with waiting.connection() as connection:
        first, _ = await claim(connection, 11)
        second, _ = await claim(connection, 200, limit=2)
        assert (first.user_id, second.user_id) == ("user-0", "user-0")
        assert await deliveries.settle(connection, CELL, "email", [Settled(first, SENT)], 201) == []
        done = Settled(second, SENT)
        assert await deliveries.settle(connection, CELL, "email", [done], 202) == [done]
        assert await deliveries.settle(connection, CELL, "email", [done], 203) == []
    (row,) = await rows(waiting, "select state, attempts, settled_at from channel_delivery where user_id = 'user-0'")
    assert tuple(row) == (DeliveryState.SENT, 1, 202)


async def test_a_postponed_delivery_waits_and_its_time_begins_anew(waiting: Database) -> None:
    async with waiting.connection() as connection:
        first, _ = await claim(connection, 11)
        await deliveries.settle(connection, CELL, "email", [Settled(first, postponed(900))], 12)
        assert "user-0" not in {each.user_id for each in await claim(connection, 899)}
    (row,) = await rows(waiting, "select due_at, first_due_at, attempts from channel_delivery where user_id = 'user-0'")
    assert tuple(row) == (900, 900, 0)


async def test_what_was_not_sent_is_given_back(waiting: Database) -> None:
    async with waiting.connection() as connection:
        claimed = await claim(connection, 11)
        await deliveries.give_back(connection, CELL, "email", claimed)
        assert not any(each.was_claimed for each in await claim(connection, 12))


async def test_a_part_of_a_plan_is_stored_once(database: Database, app_number: int) -> None:
    plan = await leased_plan(database, app_number)
    new = NewDelivery("user", MESSAGE, "email", 0, Urgency.NORMAL, app_number, 1, False, "")
    part = PlannedPart(CELL, [new], {"email": {"read": 2}}, "user")
    assert await database.in_transaction(store_part, plan, part, until=500, now=10)
    assert not await database.in_transaction(store_part, plan, part, until=500, now=11)
    other = plan._replace(place="user", holder="another process")
    last = part._replace(deliveries=[new._replace(user_id="user-2")], place=None)
    assert not await database.in_transaction(store_part, other, last, until=500, now=12)
    assert await database.in_transaction(store_part, other._replace(holder=plan.holder), last, until=500, now=13)
    (row,) = await rows(database, "select place, finished_at, skipped from channel_plan")
    assert tuple(row) == (None, 13, '{"email": {"read": 4}}')
    assert len(await rows(database, "select from channel_delivery")) == 2


async def leased_plan(database: Database, app_number: int) -> Plan:
    """Return a plan with a lease."""
    route = Route(("email",), 0, Urgency.NORMAL)
    async with database.connection() as connection:
        await plans.insert(connection, CELL, [NewPlan(MESSAGE, 0, app_number, "420100", 5, route)], 1)
        (plan,) = await due_plans.claim(connection, CELL, "this process", limit=9, now=5, until=100)
        assert await due_plans.claim(connection, CELL, "another", limit=9, now=99, until=100) == []
    return plan
