"""The part of the story that plans a message by channels, and claims and settles its deliveries."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from msgcenter.database.database import Database
from msgcenter.domain.account import Platform
from msgcenter.domain.channels.codes import DeliveryState, SkipReason, Urgency
from msgcenter.domain.channels.policy import Route
from msgcenter.domain.channels.settlement import Settlement
from msgcenter.domain.message import Message
from msgcenter.messaging.channels.plan_part import Task, plan_part, store_part
from msgcenter.messaging.channels.settle import Settling, settle
from msgcenter.store.channels import deliveries, due_plans, gateways, plans, platform_choices
from msgcenter.store.channels.deliveries import Claimed, ClaimTimes, NewDelivery, Settled
from msgcenter.store.channels.due_plans import Plan
from msgcenter.store.channels.plans import NewPlan
from tests.store.channel_story import save_gateway

_HOUR = 3_600_000
_ROUND = 9
"""A round that no other part of the story plans."""


async def use_channels(database: Database, platform: Platform, message: Message, now: int) -> None:
    """Plan a message for its audience, and let all become of its deliveries that may become of one."""
    async with database.connection() as connection:
        await save_gateway(connection, platform, now)
    plan = await _leased_plan(database, platform, message, now)
    users = await _walk(database, plan, message, now)
    for cell in platform.all_cells:
        await _use_deliveries(database, platform, message, cell, [user for user in users if user[0] == cell], now)
    async with database.connection() as connection:
        assert await gateways.remove(connection, platform.code, "email")


async def _leased_plan(database: Database, platform: Platform, message: Message, now: int) -> Plan:
    route = Route(("email", "push"), 0, Urgency.LOW)
    new = NewPlan(message.id, _ROUND, message.app_number, platform.code, 1, route)
    async with database.connection() as connection:
        await plans.insert(connection, platform.first_cell, [new], now)
        cells = await platform_choices.cells_of_plans(connection)
        assert platform.first_cell in await due_plans.cells_with_due_plans(connection, cells, now)
        times = {"now": now, "until": now + _HOUR}
        leased = await due_plans.claim(connection, platform.first_cell, "holder", limit=100, **times)
        for plan in leased:
            await due_plans.release(connection, plan, now)
        leased = await due_plans.claim(connection, platform.first_cell, "holder", limit=100, **times)
    return next(plan for plan in leased if plan.message_id == message.id and plan.round == _ROUND)


async def _walk(database: Database, plan: Plan, message: Message, now: int) -> list[tuple[int, str]]:
    """Store a plan part by part; return all cells and users without an address."""
    task = Task(plan, message, ("email", "push"), ZoneInfo("UTC"))
    while True:
        async with database.connection() as connection:
            part = await plan_part(connection, task, now)
        assert await database.in_transaction(store_part, task.plan, part, until=now + _HOUR, now=now)
        assert not await database.in_transaction(store_part, task.plan, part, until=now + _HOUR, now=now)
        if part.place is None:
            break
        task = task._replace(plan=task.plan._replace(place=part.place))
    return [(cell, f"reader-{cell}-{number}") for cell in message.platform.all_cells for number in range(3)]


async def _use_deliveries(
    database: Database, platform: Platform, message: Message, cell: int, users: list[tuple[int, str]], now: int
) -> None:
    times = ClaimTimes(now, now, now + _HOUR)
    new = [
        NewDelivery(user, message.id, "email", _ROUND, Urgency.LOW, message.app_number, 1, number > 0, "")
        for number, (_, user) in enumerate(users)
    ]
    async with database.connection() as connection:
        assert await deliveries.insert(connection, cell, new) == len(new)
        assert await deliveries.insert(connection, cell, new) == 0
        assert await deliveries.count_due(connection, cell, "email", now, 100) == len(new)
        assert cell in await deliveries.cells_with_due(connection, platform.all_cells, "email", now)
        assert ("email", len(new)) in {queue[:2] for queue in await deliveries.queues(connection, now)}
        recent = await deliveries.count_recent(connection, cell, [users[0][1]], 0, 0)
        assert recent == {(users[0][1], "email"): 1}
        assert await deliveries.claim(connection, cell, "email", times, urgent=True, limit=9) == []
        (alone,) = await deliveries.claim(connection, cell, "email", times, urgent=False, limit=1)
        digest = await deliveries.claim_digests(connection, cell, "email", times, [user for _, user in users])
        await deliveries.give_back(connection, cell, "email", digest)
    assert len(digest) == len(users) - 1
    await _settle(database, platform, cell, alone, now)
    async with database.connection() as connection:
        skipped = await deliveries.skip_waiting(
            connection, cell, "email", reason=SkipReason.NO_GATEWAY, now=now, limit=9
        )
        assert skipped == len(digest)


async def _settle(database: Database, platform: Platform, cell: int, delivery: Claimed, now: int) -> None:
    done = Settled(delivery, Settlement(DeliveryState.SENT, provider_id="id"))
    work = [Settling(cell, platform, "email", (done,))]
    today = datetime.fromtimestamp(now / 1_000, UTC).date()
    assert await database.in_transaction(settle, work, day=today, now=now) == [[done]]
    assert await database.in_transaction(settle, work, day=today, now=now) == [[]]
