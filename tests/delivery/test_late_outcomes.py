"""The outcome of a POST changes nothing that is newer than the POST.

The receiver holds its answer until a change is stored. Pauses are an hour, so a POST that follows was due at once.
"""

import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import pytest

from msgcenter.actions import maintenance
from msgcenter.actions.webhooks.deliveries import WebhookDeliveries
from msgcenter.database.database import Database
from msgcenter.domain.account import App
from msgcenter.domain.message_id import now_ms
from msgcenter.domain.person import COMMAND
from msgcenter.domain.webhook_schedule import Outcome, Settlement
from msgcenter.store.webhooks import deliveries, leases
from msgcenter.store.webhooks.deliveries import Task
from msgcenter.store.webhooks.leases import Lease
from tests.delivery.scene import QUICK, READ, app_of, dispatching, record_events, until, webhooks_of
from tests.receiver import TAKEN, Answer, Post, Receiver, receiving
from tests.scene import rows

_SLOW = replace(QUICK, pauses=(3_600_000,), timeout=50_000, lease=60_000)
ANSWERS: dict[str, Answer] = {
    "accepted": TAKEN,
    "refused": (422, {}, b""),
    "failing": (503, {}, b""),
    "gone": (410, {}, b""),
}
FAILURES = [name for name in ANSWERS if name != "accepted"]


@dataclass
class Holder:
    """An app with a webhook, whose receiver holds the answer to the first POST until `release` is set."""

    database: Database
    app: App
    receiver: Receiver
    first: Answer
    webhook: str = ""
    release: threading.Event = field(default_factory=threading.Event)

    def answer(self, _: Post) -> Answer:
        """Answer the first POST late, and take all others."""
        if len(self.receiver.posts) > 1:
            return TAKEN
        assert self.release.wait(60)
        return self.first

    async def update(self, *, url: str | None = None, paused: bool | None = None) -> None:
        """Change the webhook."""
        await webhooks_of(self.database).update(self.app, self.webhook, url=url, paused=paused, by=COMMAND)

    async def replay(self) -> int:
        """Replay all deliveries; return how many."""
        return await WebhookDeliveries(self.database).replay(self.app, self.webhook, since=0, by=COMMAND)

    @asynccontextmanager
    async def posting(self) -> AsyncIterator[None]:
        """Begin a POST. The receiver answers it after the block, and then its outcome is stored."""
        await record_events(self.database, self.app.number, (READ, 1))
        async with dispatching(self.database, _SLOW) as dispatcher:
            await until(lambda: len(self.receiver.posts) == 1)
            try:
                yield
            finally:
                self.release.set()
            await until(lambda: sum(dispatcher.attempts.values()) == len(self.receiver.posts))

    async def is_settled(self) -> None:
        """Wait until all deliveries are delivered and the webhook is active."""
        while await rows(self.database, "select from webhook_delivery where state <> 'delivered'"):
            pass
        (row,) = await rows(self.database, "select attempts, failing_since, paused_at from webhook_endpoint")
        assert tuple(row) == (0, None, None)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as started:
        yield started


@pytest.fixture
async def holder(database: Database, app_number: int, receiver: Receiver, request: pytest.FixtureRequest) -> Holder:
    """The receiver holds the answer that the test's parameter names."""
    app = await app_of(database, app_number)
    held = Holder(database, app, receiver, ANSWERS[request.param])
    receiver.answer = held.answer
    held.webhook = (await webhooks_of(database).create(app, f"{receiver.url}/old", [READ], by=COMMAND)).webhook_id
    return held


@pytest.mark.parametrize("holder", ANSWERS, indirect=True)
async def test_a_delivery_that_is_replayed_while_it_is_posted_is_posted_again(
    holder: Holder, receiver: Receiver
) -> None:
    async with holder.posting():
        assert await holder.replay() == 1
        holder.release.set()
        await until(lambda: len(receiver.posts) == 2)
        await holder.is_settled()
    assert len({post.id for post in receiver.posts}) == 1
    assert len(receiver.posts) == 2


@pytest.mark.parametrize("holder", FAILURES, indirect=True)
async def test_a_post_that_fails_at_the_old_url_is_sent_to_the_new_one_at_once(
    holder: Holder, receiver: Receiver
) -> None:
    async with holder.posting():
        await holder.update(url=f"{receiver.url}/new")
        holder.release.set()
        await until(lambda: len(receiver.posts) == 2)
        await holder.is_settled()
    assert [post.path for post in receiver.posts] == ["/old", "/new"]


@pytest.mark.parametrize("holder", FAILURES, indirect=True)
async def test_a_webhook_that_is_resumed_during_a_post_is_tried_at_once(holder: Holder, receiver: Receiver) -> None:
    async with holder.posting():
        await holder.update(paused=True)
        await holder.update(paused=False)
        holder.release.set()
        await until(lambda: len(receiver.posts) == 2)
        await holder.is_settled()


@pytest.mark.parametrize("holder", ["accepted"], indirect=True)
async def test_what_the_old_url_accepts_is_not_sent_to_the_new_one(holder: Holder, receiver: Receiver) -> None:
    async with holder.posting():
        await holder.update(url=f"{receiver.url}/new")
        holder.release.set()
        await holder.is_settled()
    assert len(receiver.posts) == 1


@pytest.mark.parametrize("holder", ANSWERS, indirect=True)
async def test_a_webhook_that_is_paused_during_a_post_stays_paused_as_requested(holder: Holder) -> None:
    async with holder.posting():
        await holder.update(paused=True)
    (row,) = await rows(holder.database, "select paused_at, pause_reason from webhook_endpoint")
    assert row["paused_at"] is not None
    assert row["pause_reason"] == "request"


@pytest.mark.parametrize("holder", ANSWERS, indirect=True)
async def test_nothing_is_left_of_a_webhook_that_is_deleted_during_a_post(holder: Holder) -> None:
    async with holder.posting():
        await webhooks_of(holder.database).delete(holder.app, holder.webhook, by=COMMAND)
    assert await rows(holder.database, "select from webhook_delivery") == []
    assert await rows(holder.database, "select from webhook_endpoint") == []


@pytest.mark.parametrize("holder", ["failing"], indirect=True)
async def test_a_post_after_a_rotation_is_signed_with_the_new_secret(holder: Holder, receiver: Receiver) -> None:
    async with holder.posting():
        rotated = await webhooks_of(holder.database).rotate_secret(holder.app, holder.webhook, by=COMMAND)
    async with dispatching(holder.database, _SLOW):
        await holder.update(paused=False)
        await until(lambda: len(receiver.posts) == 2)
    assert receiver.posts[1].verified_by(rotated.secret)["type"] == READ


@pytest.mark.parametrize("holder", ["refused"], indirect=True)
async def test_a_refused_delivery_is_tried_at_once_when_its_webhook_is_resumed(
    holder: Holder, receiver: Receiver
) -> None:
    async with holder.posting():
        pass
    assert await rows(holder.database, "select from webhook_delivery where next_attempt_at > $1", now_ms() + 60_000)
    async with dispatching(holder.database, _SLOW):
        await holder.update(paused=False)
        await until(lambda: len(receiver.posts) == 2)


@pytest.mark.parametrize("holder", ["accepted"], indirect=True)
async def test_retention_keeps_a_delivery_that_is_replayed(holder: Holder, receiver: Receiver) -> None:
    async with holder.posting():
        holder.release.set()
        await holder.is_settled()
    await rows(holder.database, "update webhook_delivery set finished_at = 1")
    assert await holder.replay() == 1
    assert await maintenance.clean_up(holder.database) == 0
    async with dispatching(holder.database, _SLOW):
        await until(lambda: len(receiver.posts) == 2)


# --- Two dispatchers --------------------------------------------------------------------------------------------------


async def test_an_outcome_is_left_to_the_dispatcher_that_has_taken_the_delivery_since(
    database: Database, app_number: int
) -> None:
    app = await app_of(database, app_number)
    await webhooks_of(database).create(app, "https://a.invalid/", [READ], by=COMMAND)
    await record_events(database, app_number, (READ, 1))
    late_lease, late = await _take(database, "late", now=100)
    lease, task = await _take(database, "later", now=2_000)
    assert late.delivery_id == task.delivery_id
    failed = Settlement("failed", None, 5, 9_999, 1, "failing")
    assert not await _settle(database, late_lease, late, Outcome("failing", 503), failed)
    assert await _settle(database, late_lease, late, Outcome("delivered", 200), Settlement("delivered"))
    assert [row["state"] for row in await rows(database, "select state from webhook_delivery")] == ["pending"]
    assert await _settle(database, lease, task, Outcome("delivered", 200), Settlement("delivered"))
    await _settle(database, late_lease, late, Outcome("failing", 503), failed)
    (row,) = await rows(
        database,
        "select delivery.state, delivery.attempts, delivery.last_status, webhook.failing_since, webhook.paused_at"
        " from webhook_delivery as delivery join webhook_endpoint as webhook on webhook.number = endpoint_number",
    )
    assert tuple(row) == ("delivered", 1, 200, None, None)


async def _take(database: Database, holder: str, now: int) -> tuple[Lease, Task]:
    async with database.connection() as connection:
        (lease,) = await leases.claim(connection, holder, failing=False, limit=1, now=now, until=now + 1_000)
    task = await database.in_transaction(deliveries.take, lease, now=now, until=now + 1_000)
    assert task is not None
    return lease, task


async def _settle(database: Database, lease: Lease, task: Task, outcome: Outcome, settlement: Settlement) -> bool:
    return await database.in_transaction(deliveries.settle, lease, task, outcome, settlement, now=3_000)


async def test_each_lease_of_a_dispatcher_has_another_holder(
    database: Database, app_number: int, receiver: Receiver
) -> None:
    """So a turn that outlives its lease takes no part in the next one of its process."""
    app = await app_of(database, app_number)
    await webhooks_of(database).create(app, receiver.url, [READ], by=COMMAND)
    release = threading.Event()

    def late(_: Post) -> Answer:
        assert release.wait(60)
        return TAKEN

    receiver.answer = late
    await record_events(database, app_number, (READ, 1))
    holders: set[str] = set()
    async with dispatching(database, replace(_SLOW, lease=100)):
        try:
            while len(holders) < 2:
                leased = await rows(database, "select lease_holder from webhook_endpoint")
                holders |= {row["lease_holder"] for row in leased} - {None}
        finally:
            release.set()
    assert len({holder.partition("/")[0] for holder in holders}) == 1
    assert await rows(database, "select from webhook_endpoint where lease_holder is not null") == []
