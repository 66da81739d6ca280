"""The delivery of webhooks: outbox, order, batches, leases, retries, giving up."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace

import pytest

from msgcenter.actions import maintenance
from msgcenter.actions.webhooks.deliveries import WebhookDeliveries
from msgcenter.database.database import Connection, Database
from msgcenter.domain import webhook
from msgcenter.domain.message_id import now_ms
from msgcenter.domain.person import COMMAND
from msgcenter.domain.webhook import WebhookEvent
from msgcenter.domain.webhook_schedule import Schedule
from msgcenter.store.webhooks import deliveries, leases, outbox
from msgcenter.store.webhooks.leases import Lease
from tests.delivery.scene import QUICK, READ, UNREAD, app_of, dispatching, record_events, until, webhooks_of
from tests.receiver import TAKEN, Post, Receiver, receiving
from tests.scene import rows


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as started:
        yield started


def message_ids(posts: list[Post]) -> list[int]:
    return [int(event["msgId"]) for post in posts for event in post.events]


async def register(database: Database, app_number: int, url: str) -> str:
    """Register a webhook for status events; return its id."""
    app = await app_of(database, app_number)
    return (await webhooks_of(database).create(app, url, [READ, UNREAD], by=COMMAND)).webhook_id


# --- The outbox -----------------------------------------------------------------------------------------------------


async def test_an_event_is_stored_for_every_webhook_registered_for_its_kind(
    database: Database, app_number: int
) -> None:
    hooks, app = webhooks_of(database), await app_of(database, app_number)
    for events in ([READ], [READ, UNREAD], [UNREAD]):
        await hooks.create(app, "https://a.invalid/", events, by=COMMAND)
    assert (await app_of(database, app_number)).webhook_events == {READ, UNREAD}
    await record_events(database, app_number, (READ, 1), (UNREAD, 2), (READ, 3))
    await record_events(database, app_number + 1, (READ, 4))
    stored = await rows(
        database, "select endpoint_number as e, message_id as m from webhook_event order by endpoint_number, id"
    )
    assert [(row["e"], row["m"]) for row in stored] == [(1, 1), (1, 3), (2, 1), (2, 2), (2, 3), (3, 2)]


async def test_events_are_rolled_back_with_their_transaction(database: Database, app_number: int) -> None:
    await register(database, app_number, "https://a.invalid/")

    async def fails(connection: Connection) -> None:
        await outbox.record(connection, [WebhookEvent(app_number, READ, 1, {})], 1)
        raise LookupError

    with pytest.raises(LookupError):
        await database.in_transaction(fails)
    assert await rows(database, "select from webhook_event") == []


async def test_no_event_outlives_its_webhook(database: Database, app_number: int) -> None:
    hooks, app = webhooks_of(database), await app_of(database, app_number)
    for _ in range(10):
        webhook = await register(database, app_number, "https://a.invalid/")
        recording = [record_events(database, app_number, (READ, n)) for n in range(20)]
        await asyncio.gather(*recording[:10], hooks.delete(app, webhook, by=COMMAND), *recording[10:])
    assert await rows(database, "select from webhook_event") == []
    assert (await app_of(database, app_number)).webhook_events == frozenset()


# --- Order and batches ----------------------------------------------------------------------------------------------


async def test_events_of_a_kind_are_delivered_in_batches_in_order(
    database: Database, app_number: int, receiver: Receiver
) -> None:
    await register(database, app_number, receiver.url)
    await record_events(database, app_number, *((READ, n) for n in range(250)))
    async with dispatching(database):
        await until(lambda: len(receiver.posts) == 3)
    assert [len(post.events) for post in receiver.posts] == [100, 100, 50]
    assert message_ids(receiver.posts) == list(range(250))


async def test_alternating_kinds_are_batched_but_stay_in_order_for_each_message(
    database: Database, app_number: int, receiver: Receiver
) -> None:
    await register(database, app_number, receiver.url)
    events = [(READ, 1), (UNREAD, 2), (READ, 3), (UNREAD, 1), (READ, 2), (READ, 1), (READ, 4)]
    await record_events(database, app_number, *events)
    async with dispatching(database):
        await until(lambda: len(receiver.posts) == 3)
    delivered = [(post.type, message_ids([post])) for post in receiver.posts]
    assert delivered == [(READ, [1, 3, 4]), (UNREAD, [2, 1]), (READ, [2, 1])]


async def test_several_dispatchers_share_the_webhooks_in_order(
    database: Database, app_number: int, receiver: Receiver
) -> None:
    for number in range(5):
        await register(database, app_number, f"{receiver.url}/{number}")
    slow = replace(QUICK, turn=2)
    async with dispatching(database, slow), dispatching(database, slow), dispatching(database, slow):
        for start in range(0, 60, 3):
            await record_events(
                database, app_number, *((READ if n % 2 else UNREAD, n) for n in range(start, start + 3))
            )
        await until(lambda: sum(len(post.events) for post in receiver.posts) == 300)
    for number in range(5):
        posts = [post for post in receiver.posts if post.path == f"/{number}"]
        assert sorted(message_ids(posts)) == list(range(60))
        for kind in (READ, UNREAD):
            of_kind = message_ids([post for post in posts if post.type == kind])
            assert of_kind == sorted(of_kind)
    assert len({post.id for post in receiver.posts}) == len(receiver.posts)


# --- Failing --------------------------------------------------------------------------------------------------------


async def test_a_recovered_webhook_gets_all_events_in_order(
    database: Database, app_number: int, receiver: Receiver
) -> None:
    await register(database, app_number, receiver.url)
    receiver.answer = lambda _: (500, {}, b"") if len(receiver.posts) < 6 else TAKEN
    async with dispatching(database):
        for number in range(5):
            await record_events(database, app_number, (READ if number % 2 else UNREAD, number))
        await until(lambda: len(set(message_ids(receiver.posts))) == 5)
    assert len({post.id for post in receiver.posts[:6]}) == 1
    assert sorted(message_ids(receiver.posts[5:])) == list(range(5))
    assert await state_of(database) == ("active", 0, None)


async def state_of(database: Database) -> tuple[str, int, str | None]:
    (row,) = await rows(database, "select paused_at, failing_since, attempts, pause_reason from webhook_endpoint")
    state = "paused" if row["paused_at"] else "failing" if row["failing_since"] else "active"
    return state, row["attempts"], row["pause_reason"]


async def test_a_webhook_that_fails_for_days_is_paused_and_can_be_replayed(
    database: Database, app_number: int, receiver: Receiver
) -> None:
    webhook = await register(database, app_number, receiver.url)
    receiver.answer = lambda _: (503, {}, b"")
    await record_events(database, app_number, (READ, 1))
    async with dispatching(database, replace(QUICK, give_up=3_000)):
        while (await state_of(database))[0] != "paused":
            await asyncio.sleep(0.01)
    assert (await state_of(database))[2] == "failing"
    assert [row["state"] for row in await rows(database, "select state from webhook_delivery")] == ["failed"]
    tried = len(receiver.posts)
    assert tried > 2
    receiver.answer = lambda _: TAKEN
    await record_events(database, app_number, (UNREAD, 2))
    async with dispatching(database):
        await asyncio.sleep(0.2)
        assert len(receiver.posts) == tried
        app = await app_of(database, app_number)
        await webhooks_of(database).update(app, webhook, paused=False, by=COMMAND)
        await until(lambda: len(receiver.posts) == tried + 1)
        assert message_ids(receiver.posts[tried:]) == [2]
        assert await WebhookDeliveries(database).replay(app, webhook, since=0, by=COMMAND) == 2
        await until(lambda: len(receiver.posts) == tried + 3)
    assert message_ids(receiver.posts[tried + 1 :]) == [1, 2]


async def test_a_delivery_that_is_refused_for_days_fails(
    database: Database, app_number: int, receiver: Receiver
) -> None:
    await register(database, app_number, receiver.url)
    receiver.answer = lambda post: (422, {}, b"") if message_ids([post]) == [1] else TAKEN
    async with dispatching(database, replace(QUICK, give_up=2_000)):
        await record_events(database, app_number, (READ, 1))
        await until(lambda: bool(receiver.posts))
        number = 2
        while not await rows(database, "select from webhook_delivery where state = 'failed'"):
            await record_events(database, app_number, (UNREAD if number % 2 else READ, number))
            await asyncio.sleep(0.05)
            number += 1
        await record_events(database, app_number, (READ, number))
        await until(lambda: set(message_ids(receiver.posts)) == set(range(1, number + 1)))
    assert (await state_of(database))[0] == "active"


async def test_a_disabled_app_gets_no_deliveries_until_it_is_enabled(
    database: Database, app_number: int, receiver: Receiver
) -> None:
    await register(database, app_number, receiver.url)
    await rows(database, "update app set disabled_at = 1")
    async with dispatching(database):
        await record_events(database, app_number, (READ, 1))
        await asyncio.sleep(0.2)
        assert receiver.posts == []
        await rows(database, "update app set disabled_at = null")
        await until(lambda: len(receiver.posts) == 1)


async def test_many_dead_webhooks_do_not_delay_a_working_one(
    database: Database, app_number: int, receiver: Receiver
) -> None:
    hanging = asyncio.Event()

    async def never(_: object, writer: asyncio.StreamWriter) -> None:
        await hanging.wait()
        writer.close()

    dead = await asyncio.start_server(never, "127.0.0.1", 0)
    port = dead.sockets[0].getsockname()[1]
    schedule = replace(QUICK, slots=4, failing_slots=2, timeout=300)
    for number in range(9):
        await register(database, app_number, f"http://127.0.0.1:{port}/{number}")
    await register(database, app_number, receiver.url)
    async with dispatching(database, schedule):
        for number in range(6):
            await record_events(database, app_number, (READ, number))
            await until(lambda n=number: len(receiver.posts) > n)  # type: ignore[misc]
        hanging.set()
    dead.close()
    await dead.wait_closed()


# --- Leases ---------------------------------------------------------------------------------------------------------


async def claim(database: Database, holder: str, now: int) -> list[Lease]:
    async with database.connection() as connection:
        return await leases.claim(connection, holder, failing=False, limit=10, now=now, until=now + 1_000)


async def test_a_webhook_is_leased_to_one_dispatcher_until_the_lease_ends(database: Database, app_number: int) -> None:
    await register(database, app_number, "https://a.invalid/")
    assert await claim(database, "a", 100) == []  # nothing is due
    await record_events(database, app_number, (READ, 1))
    (lease,) = await claim(database, "a", 100)
    assert await claim(database, "b", 1_000) == []

    async with database.connection() as connection:
        first = await deliveries.take(connection, lease, now=1_050, until=2_050)
        assert first is not None
        assert await claim(database, "b", 2_000) == []  # the lease was renewed
        (other,) = await claim(database, "b", 2_050)
        assert await deliveries.take(connection, lease, now=2_060, until=3_060) is None
        again = await deliveries.take(connection, other, now=2_060, until=3_060)
        assert again is not None
        assert (again.delivery_id, again.body) == (first.delivery_id, first.body)
        await leases.release(connection, lease, 2_070)  # no effect: another holds the lease
        assert await claim(database, "c", 2_080) == []
        await leases.release_all(connection, "b", 2_090)
    assert len(await claim(database, "c", 2_100)) == 1


async def test_the_webhook_that_waited_longest_is_leased_first(database: Database, app_number: int) -> None:
    for _ in range(3):
        await register(database, app_number, "https://a.invalid/")
    await record_events(database, app_number, (READ, 1))
    served = []
    for now in range(1, 7):
        async with database.connection() as connection:
            (lease,) = await leases.claim(connection, "a", failing=False, limit=1, now=now, until=now + 1_000)
            await leases.release(connection, lease, now)
        served.append(lease.webhook_number)
    assert served == [1, 2, 3, 1, 2, 3]


async def test_a_stopped_dispatcher_leaves_no_lease(database: Database, app_number: int, receiver: Receiver) -> None:
    await register(database, app_number, receiver.url)
    async with dispatching(database):
        await record_events(database, app_number, (READ, 1))
        await until(lambda: len(receiver.posts) == 1)
    assert await rows(database, "select from webhook_endpoint where lease_holder is not null") == []


# --- Pauses ---------------------------------------------------------------------------------------------------------


def test_pauses_grow_to_eight_hours() -> None:
    schedule = Schedule()
    minutes = [schedule.pause(n, 0, 0.5) / 60_000 for n in range(1, 12)]
    assert minutes == [5 / 60, 0.5, 2, 10, 30, 60, 120, 240, 480, 480, 480]
    assert schedule.pause(1, 0, 0.0) == 4_000
    assert schedule.pause(1, 0, 1.0) == 6_000


def test_retry_after_is_honoured_up_to_the_next_pause() -> None:
    schedule = Schedule()
    assert schedule.pause(1, 2_000, 0.5) == 5_000
    assert schedule.pause(1, 20_000, 0.5) == 20_000
    assert schedule.pause(1, 10**9, 0.5) == 30_000
    assert schedule.pause(20, 10**9, 0.5) == 8 * 3_600_000


# --- Retention ----------------------------------------------------------------------------------------------------


async def test_old_events_and_deliveries_are_deleted(database: Database, app_number: int) -> None:
    await register(database, app_number, "https://a.invalid/")
    now = now_ms()
    old = now - webhook.KEPT_MS - 1_000
    await record_events(database, app_number, (READ, 1), now=old)
    await record_events(database, app_number, (READ, 2), now=now)
    await rows(
        database,
        "insert into webhook_delivery (cell, id, created_at, next_attempt_at, finished_at, endpoint_number,"
        " event_count, webhook_id, kind, state, message_ids, body)"
        " select 1, n, 1, 1, case when n % 3 = 0 then null when n % 3 = 1 then $1::bigint else $2 end, 1, 1,"
        " 'msg_' || n,"
        " 'message.read', case when n % 3 = 0 then 'pending' else 'delivered' end, '{}', '{}'"
        " from generate_series(1, 30) as n",
        old,
        now,
    )
    assert await maintenance.clean_up(database) == 11
    assert len(await rows(database, "select from webhook_delivery")) == 20
    assert [row["message_id"] for row in await rows(database, "select message_id from webhook_event")] == [2]
