"""Removals in small steps: beside traffic, interrupted, in one process at a time, and by themselves."""

import asyncio
from contextlib import suppress

import pytest

from msgcenter.actions import maintenance, retention
from msgcenter.actions.maintenance import run_maintenance
from msgcenter.actions.retention import Plan, Removed, Step, in_turn, plans, remove, remove_due
from msgcenter.database.database import Database
from msgcenter.domain.message_id import MessageIds
from msgcenter.domain.refusal import Reason, Refusal
from msgcenter.messaging.send import send_drafts
from msgcenter.messaging.set_status import StatusChange, apply_status_changes
from msgcenter.store.mailboxes import pages
from msgcenter.store.mailboxes.pages import page_key
from msgcenter.store.messages import audiences
from msgcenter.store.retention.rules import sole_run
from tests.actions.retention_scene import (
    EVER,
    LONG,
    NEW,
    OLD,
    OLDER,
    SHORT,
    Scene,
    broadcast,
    open_scene,
    small_batches,
    subscribe,
    subscriptions,
)
from tests.scene import rows, text_to


@pytest.fixture
async def scene(database: Database, monkeypatch: pytest.MonkeyPatch) -> Scene:
    return await open_scene(database, monkeypatch)


# --- Traffic and interruptions --------------------------------------------------------------------------------------


async def test_traffic_continues_during_a_removal_and_loses_nothing(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "_USERS", 10)
    monkeypatch.setattr(retention, "_ROWS", 5)
    monkeypatch.setattr(audiences, "LARGE_CHUNK", 1_000)  # every message is pushed, so its entries can be counted
    short, users = scene.platforms[SHORT], [f"user-{number:03}" for number in range(120)]
    old = [await scene.send(SHORT, users, OLD) for _ in range(30)]
    kept = [await scene.send(platform, users, NEW) for platform in (SHORT, EVER) for _ in range(5)]
    running = asyncio.create_task(scene.run())
    sent: list[int] = []
    missing: list[frozenset[int]] = []

    async def send_on(node: int) -> None:
        ids = MessageIds(node)
        while not running.done():
            drafts = [text_to(scene.apps[SHORT], short, users[start::7]) for start in range(3)]
            sent.extend(i for i in await send_drafts(scene.database, ids, drafts) if isinstance(i, int))

    async def read_on(readers: list[str]) -> None:
        while not running.done():
            changes = [
                StatusChange(short.recipient(user), scene.apps[SHORT], frozenset([*old[:20], *kept[:5]]), read)
                for user in readers
                for read in (False, True)
            ]
            missing.extend(i for i in await apply_status_changes(scene.database, changes) if isinstance(i, frozenset))

    await asyncio.gather(running, send_on(1), send_on(2), read_on(users[:60]), read_on(users[40:]))
    assert (await running)[SHORT].entries == len(old) * len(users)
    assert await scene.messages() == {*kept, *sent}
    assert len(sent) > 10
    assert not any(set(kept) & missing_ids for missing_ids in missing)
    assert await scene.is_consistent()
    async with scene.database.connection() as connection:
        ids = {
            message_id: page_key(short.recipient(users[0]), message_id, scene.apps[SHORT]) for message_id in kept[:5]
        }
        states = await pages.entry_states(connection, sorted(set(ids.values())), sorted(ids))
    assert all(state.read_at is not None for state in states)
    assert len(states) == 5
    entries = await scene.entries()
    assert set(entries.values()) == {1}
    assert sum(entries.values()) == len(kept) * len(users) + sum(
        [
            row["receivers"]
            for row in await rows(scene.database, "select receivers from message where id = any($1)", sent)
        ]
    )


@pytest.mark.parametrize("last", Step)
async def test_an_interrupted_removal_is_completed_by_the_next(
    scene: Scene, last: Step, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_batches(monkeypatch)
    users = [f"user-{number}" for number in range(10)]
    for days in (NEW, OLD, OLDER):
        await scene.send(SHORT, users, days)
        await scene.send(SHORT, users[:3], days)
        await scene.send(EVER, users, days)
        await broadcast(scene, SHORT, 0, days)

    class Killed(Exception):  # noqa: N818 - an event of the test
        pass

    def kill_at(step: Step, done: int, total: int) -> None:
        if step is last and (done > 5 or step is not Step.MAILBOXES):
            raise Killed

    (plan,) = await plans(scene.database, SHORT)
    with pytest.raises(Killed):
        await remove(scene.database, plan, on_progress=kill_at)
    assert await scene.is_consistent()
    assert (await plans(scene.database, SHORT))[0].is_due

    await scene.run(SHORT)
    assert await scene.is_consistent()
    assert len(await scene.messages()) == 5
    assert len(await scene.audiences()) == 5
    assert await scene.unread("user-0", SHORT) == 2
    assert not (await plans(scene.database, SHORT))[0].is_due
    assert (await scene.run(SHORT))[SHORT] == Removed()


async def test_a_dry_run_counts_and_removes_nothing(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    small_batches(monkeypatch)
    users = [f"user-{number}" for number in range(7)]
    for days in (NEW, OLD, OLDER):
        await scene.send(SHORT, users, days)
        await scene.send(SHORT, users[:1], days)
        await broadcast(scene, SHORT, 1, days)
    await scene.send(EVER, users, OLD)
    await subscribe(scene, SHORT, "ended", 0, 1)
    before = (await scene.messages(), await scene.entries(), await scene.audiences(), await subscriptions(scene))
    counted = await scene.run(dry_run=True)
    assert (await plans(scene.database, SHORT))[0].is_due
    assert (
        await scene.messages(),
        await scene.entries(),
        await scene.audiences(),
        await subscriptions(scene),
    ) == before
    assert counted == await scene.run()
    assert counted[SHORT].messages == 4


# --- Processes and schedules ----------------------------------------------------------------------------------------


async def test_one_process_at_a_time_removes_messages(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    await scene.send(SHORT, ["a"], OLD)
    done: list[Plan] = []

    async def counted(database: Database, plan: Plan) -> Removed:
        done.append(plan)
        return await remove(database, plan)

    monkeypatch.setattr(retention, "remove", counted)
    for _ in range(2):
        await asyncio.gather(*(remove_due(scene.database) for _ in range(4)))
    assert [plan.platform_code for plan in done] == [LONG, SHORT]
    assert not await scene.messages()


async def test_a_command_waits_until_no_other_process_removes_messages(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "_RETRY_SECONDS", 0.01)
    waits: list[None] = []

    async def work() -> None:
        async with in_turn(scene.database, lambda: waits.append(None)):
            pass

    async with sole_run(scene.database) as is_alone:
        assert is_alone
        working = asyncio.create_task(work())
        while not waits:
            await asyncio.sleep(0.01)
        assert not working.done()
    await asyncio.wait_for(working, 60)
    async with sole_run(scene.database) as is_alone:
        assert is_alone


async def test_servers_remove_old_messages_by_themselves_even_after_an_error(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    await scene.send(SHORT, ["a"], OLD)
    attempts = 0

    async def fail_first(database: Database) -> None:
        nonlocal attempts
        attempts += 1
        if attempts == 1:
            raise ZeroDivisionError
        if attempts == 2:
            raise Refusal(Reason.DATABASE_UNAVAILABLE)
        await remove_due(database)

    monkeypatch.setattr(maintenance, "remove_due", fail_first)
    monkeypatch.setattr(maintenance, "_CLEAN_UP_SECONDS", 0.01)
    monkeypatch.setattr(maintenance, "_RETENTION_SECONDS", 0)
    running = asyncio.create_task(run_maintenance(scene.database))
    async with asyncio.timeout(60):
        while await scene.messages():
            await asyncio.sleep(0.01)
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
