"""The fan-out of large and of scheduled messages (docs/architecture.md, "Sending")."""

import asyncio
from collections import Counter
from contextlib import suppress

import pytest

from msgcenter.database.database import Database
from msgcenter.domain.audience import receivers_of
from msgcenter.domain.event import MailboxEvent
from msgcenter.domain.message import Draft
from msgcenter.domain.message_id import MessageIds, now_ms
from msgcenter.domain.person import COMMAND
from msgcenter.domain.refusal import Refusal
from msgcenter.messaging.decide_approvals import decide
from msgcenter.messaging.fan_out import fan_out
from msgcenter.messaging.recall import recall_within
from msgcenter.messaging.send import send_drafts
from msgcenter.store.mailboxes.receipts import count_receipts
from msgcenter.store.messages import messages
from msgcenter.store.messages.jobs import Delivery
from msgcenter.store.messages.messages import MessageKey
from msgcenter.store.messages.node_lease import NodeLease
from tests.scene import HOME, text_to


def crowd(size: int) -> tuple[str, ...]:
    """Return `size` user ids."""
    return receivers_of(f"user-{number}" for number in range(size))


async def send(database: Database, draft: Draft) -> int:
    """Store a message; no job runs."""
    (message_id,) = await send_drafts(database, MessageIds(1), [draft])
    assert isinstance(message_id, int)
    return message_id


def delivery_of(message_id: int) -> Delivery:
    """Return the delivery of a message."""
    return Delivery(HOME.first_cell, message_id)


async def holders(database: Database, message_id: int) -> Counter[str]:
    """Return, for each user, the number of entries of a message."""
    async with database.connection() as connection:
        rows = await connection.fetch(
            "select user_id, cardinality(array_positions(message_ids, $1)) as times from mailbox_page"
            " where $1 = any(message_ids)",
            message_id,
        )
    return Counter({row["user_id"]: row["times"] for row in rows})


async def work_on(database: Database, delivery: Delivery) -> None:
    """Fan out as the job worker does: again if another transaction held a row for too long."""
    while True:
        with suppress(Refusal):
            await fan_out(database, delivery)
            return


@pytest.mark.parametrize("size", [1_001, 2_500, 10_000])
async def test_every_receiver_gets_the_message_once(database: Database, app_number: int, size: int) -> None:
    users = crowd(size)
    message_id = await send(database, text_to(app_number, HOME, users))
    assert await holders(database, message_id) == Counter()
    events: list[MailboxEvent] = []
    assert await fan_out(database, delivery_of(message_id), events.extend) == 0
    assert await fan_out(database, delivery_of(message_id), events.extend) == 0
    assert await holders(database, message_id) == Counter(users)
    assert sorted(user for event in events for user in event.user_ids) == sorted(users)


async def test_concurrent_fan_outs_deliver_once(database: Database, app_number: int) -> None:
    users = crowd(6_000)
    message_id = await send(database, text_to(app_number, HOME, users))
    await asyncio.gather(*(work_on(database, delivery_of(message_id)) for _ in range(3)))
    assert await holders(database, message_id) == Counter(users)


async def test_an_interrupted_fan_out_continues(database: Database, app_number: int) -> None:
    users = crowd(5_000)
    message_id = await send(database, text_to(app_number, HOME, users))
    running = asyncio.create_task(fan_out(database, delivery_of(message_id)))
    while not await holders(database, message_id):
        await asyncio.sleep(0)
    running.cancel()
    await asyncio.wait([running])
    await fan_out(database, delivery_of(message_id))
    assert await holders(database, message_id) == Counter(users)


async def test_an_approval_decided_during_the_fan_out_arrives_decided(database: Database, app_number: int) -> None:
    users = crowd(3_000)
    message_id = await send(database, text_to(app_number, HOME, users, approval=True))
    running = asyncio.create_task(work_on(database, delivery_of(message_id)))
    while not await holders(database, message_id):
        await asyncio.sleep(0)
    assert (await decide(database, app_number, [message_id], closed=True)).missing == frozenset()
    await running
    async with database.connection() as connection:
        message = await messages.find_message(connection, MessageKey(HOME.first_cell, message_id))
        assert message is not None
        (counts,) = await count_receipts(connection, [message])
        still_open = await connection.fetchval("select count(*) from mailbox_page where open_approvals <> '{}'")
    assert (counts.delivered, counts.read, still_open) == (3_000, 3_000, 0)


async def test_a_scheduled_message_is_not_delivered_early(database: Database, app_number: int) -> None:
    at = now_ms() + 60_000
    message_id = await send(database, text_to(app_number, HOME, ["u"], send_at=at))
    assert 50_000 < await fan_out(database, delivery_of(message_id)) <= 60_000
    assert await holders(database, message_id) == Counter()


async def test_a_recalled_scheduled_message_is_not_delivered(database: Database, app_number: int) -> None:
    draft = text_to(app_number, HOME, ["u"], send_at=now_ms() + 60_000)
    message_id = await send(database, draft)
    await database.in_transaction(lambda connection: recall_within(connection, app_number, message_id, COMMAND))
    assert await fan_out(database, delivery_of(message_id)) == 0
    assert await holders(database, message_id) == Counter()


async def test_an_expired_message_is_not_delivered(database: Database, app_number: int) -> None:
    draft = text_to(app_number, HOME, crowd(1_500), expires_at=now_ms() - 1)
    message_id = await send(database, draft)
    assert await fan_out(database, delivery_of(message_id)) == 0
    assert await holders(database, message_id) == Counter()


async def test_the_fan_out_of_an_unknown_message_does_nothing(database: Database) -> None:
    for cell in (HOME.first_cell, None):
        assert await fan_out(database, Delivery(cell, 1)) == 0


async def test_processes_have_distinct_nodes_and_lease_again_after_a_lost_connection(
    database_url: str, database: Database
) -> None:
    async with NodeLease(database_url) as first_lease, NodeLease(database_url) as second_lease:
        first, second = await first_lease.ids(), await second_lease.ids()
        assert first.node != second.node
        async with database.connection() as connection:
            await connection.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where application_name = 'msgcenter node' and datname = current_database()"
            )
        deadline = asyncio.get_running_loop().time() + 60
        while await first_lease.ids() is first and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(0.01)
        assert await first_lease.ids() is not first
