"""Retention removes what the feed says about old messages, and ended subscriptions that no row needs."""

import asyncio
import itertools

import pytest

from msgcenter.actions.retention import Removed
from msgcenter.database.database import Connection, Database
from msgcenter.domain.message_id import now_ms
from msgcenter.messaging.add_entries import NewEntries, add_entries
from msgcenter.messaging.pull import pull
from msgcenter.store.mailboxes import users as directory
from msgcenter.store.messages import audiences
from tests.actions.retention_scene import (
    EVER,
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
from tests.scene import rows


@pytest.fixture
async def scene(database: Database, monkeypatch: pytest.MonkeyPatch) -> Scene:
    return await open_scene(database, monkeypatch)


async def test_feed_rows_about_old_messages_are_removed(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    small_batches(monkeypatch)
    for topic in (0, 1, 2):
        for days in (OLDER, OLD, NEW, NEW):
            await broadcast(scene, SHORT, topic, days)
    await broadcast(scene, SHORT, 2, OLD, about=10, action=1)
    await broadcast(scene, EVER, 1, OLD)
    assert (await scene.run())[SHORT].feed_rows == 7
    left = await rows(
        scene.database,
        "select platform.code, position from feed join platform on platform.first_cell = feed.cell order by 1, 2",
    )
    assert [tuple(row) for row in left] == [(EVER, 1), *((SHORT, position) for position in (3, 4, 7, 8, 11, 12))]


async def test_feed_rows_to_groups_are_removed(scene: Scene) -> None:
    members = [[f"{group}-{number:02}" for number in range(audiences.LARGE_CHUNK)] for group in ("a", "b")]
    for users in members:
        for days_ago in (OLD, OLD, OLD, NEW):
            await scene.send(SHORT, users, days_ago)
    assert len(await rows(scene.database, "select from feed where topic_number < 0")) == 2 * 3  # not for the first ones
    removed = (await scene.run(SHORT))[SHORT]
    assert (removed.messages, removed.feed_rows) == (2 * 3, 2 * 2)
    users = [*itertools.chain.from_iterable(members)]
    await pull(scene.database, [scene.platforms[SHORT].recipient(user_id) for user_id in users], now_ms())
    assert await scene.is_consistent()
    assert [await scene.unread(user_id, SHORT) for user_id in users] == [1] * len(users)


async def test_subscriptions_are_kept_while_the_feed_has_rows_for_them(scene: Scene) -> None:
    for days in (OLDER, OLD, NEW, NEW):
        await broadcast(scene, SHORT, 1, days)
    await broadcast(scene, EVER, 1, OLD)
    await subscribe(scene, SHORT, "ended", 0, 2)
    await subscribe(scene, SHORT, "has the first remaining row", 0, 3)
    await subscribe(scene, SHORT, "active", 1, None)
    await subscribe(scene, SHORT, "again", 0, 1)
    await subscribe(scene, SHORT, "again", 2, None)
    await subscribe(scene, EVER, "ended", 0, 0)
    assert (await scene.run())[SHORT].subscriptions == 2
    assert await subscriptions(scene) == {
        ("has the first remaining row", SHORT, 0),
        ("active", SHORT, 1),
        ("again", SHORT, 2),
        ("ended", EVER, 0),
    }


async def test_a_later_row_about_an_earlier_position_keeps_the_subscriptions_of_that_position(scene: Scene) -> None:
    await broadcast(scene, SHORT, 1, OLD)
    await broadcast(scene, SHORT, 1, OLD)
    await broadcast(scene, SHORT, 1, NEW, about=1, action=1)
    await subscribe(scene, SHORT, "was there", 0, 1)
    await scene.run()
    assert await subscriptions(scene) == {("was there", SHORT, 0)}


async def test_ended_subscriptions_are_removed_with_the_last_feed_row(scene: Scene) -> None:
    await broadcast(scene, SHORT, 1, OLD)
    await subscribe(scene, SHORT, "ended", 0, 1)
    await subscribe(scene, SHORT, "active", 1, None)
    assert (await scene.run())[SHORT] == Removed(feed_rows=1, subscriptions=1)
    assert await subscriptions(scene) == {("active", SHORT, 1)}


async def test_a_concurrent_pull_leaves_no_old_entry(scene: Scene) -> None:
    old = await scene.send(SHORT, ["someone"], OLD)
    pulling, go_on = asyncio.Event(), asyncio.Event()

    async def pull(connection: Connection) -> None:
        await directory.register(connection, scene.cell(SHORT), ["puller"])
        await connection.execute(
            "select 1 from mailbox where cell = $1 and user_id = 'puller' for update", scene.cell(SHORT)
        )
        pulling.set()
        await go_on.wait()
        await add_entries(connection, [NewEntries(old, scene.apps[SHORT], scene.cell(SHORT), ("puller",), None)])

    async with scene.database.connection() as connection:
        await directory.register(connection, scene.cell(SHORT), ["puller"])
    puller = asyncio.create_task(scene.database.in_transaction(pull))
    await pulling.wait()
    removal = asyncio.create_task(scene.run(SHORT))
    await asyncio.sleep(0.1)
    assert not removal.done()
    go_on.set()
    await puller
    assert (await removal)[SHORT].entries == 2
    assert not await scene.entries()
