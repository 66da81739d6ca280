"""Retention removes old messages in whole buckets, and nothing else.

See docs/decisions/0010-retention.md.
"""

from collections import Counter
from typing import TypeAlias

import pytest

from msgcenter.actions import retention
from msgcenter.actions.apps.platforms import UnknownPlatformError
from msgcenter.actions.retention import Removed, plans, set_days
from msgcenter.database.database import Connection, Database
from msgcenter.domain.message_id import bucket_of, bucket_start_ms, first_id_of
from msgcenter.domain.refusal import Refusal
from msgcenter.store.mailboxes.receipts import count_receipts
from msgcenter.store.messages.messages import MessageKey, find_message
from msgcenter.store.retention import removal
from msgcenter.store.retention.removal import ChunkKey
from tests.actions.retention_scene import (
    DAY,
    EVER,
    LONG,
    NEW,
    OLD,
    OLDER,
    OLDEST,
    SHORT,
    Scene,
    open_scene,
    small_batches,
)
from tests.scene import rows

_ChunkKeys: TypeAlias = tuple[list[ChunkKey], ChunkKey | None]


@pytest.fixture
async def scene(database: Database, monkeypatch: pytest.MonkeyPatch) -> Scene:
    return await open_scene(database, monkeypatch)


async def test_each_platform_keeps_the_messages_of_its_days(scene: Scene) -> None:
    sent = {
        (platform, days): await scene.send(platform, ["a", f"b-{platform}"], days)
        for platform in (SHORT, LONG, EVER)
        for days in (NEW, OLD, OLDER, OLDEST)
    }
    assert await scene.unread("a", SHORT) == 4
    removed = await scene.run()
    due = {(SHORT, OLD), (SHORT, OLDER), (SHORT, OLDEST), (LONG, OLDEST)}
    kept = {message_id: platform for (platform, days), message_id in sent.items() if (platform, days) not in due}

    assert await scene.messages() == set(kept)
    assert await scene.entries() == Counter(
        (user, platform, message_id) for message_id, platform in kept.items() for user in ("a", f"b-{platform}")
    )
    assert {code: (it.messages, it.entries, it.audiences) for code, it in removed.items()} == {
        SHORT: (3, 6, 3),
        LONG: (1, 2, 1),
    }
    assert [await scene.unread("a", platform) for platform in (SHORT, LONG, EVER)] == [1, 3, 4]
    assert await scene.is_consistent()


async def test_a_bucket_is_removed_when_its_last_moment_is_too_old(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    end = bucket_start_ms(bucket_of(await scene.send(SHORT, ["a"], OLD)) + 1)
    last = await scene.send(SHORT, ["a"], at=end - 1)
    first = await scene.send(SHORT, ["a"], at=end)
    assert bucket_of(last) < bucket_of(first)
    monkeypatch.setattr(retention, "now_ms", lambda: end + 60 * DAY - 1)
    assert (await scene.run(SHORT))[SHORT].messages == 0
    monkeypatch.setattr(retention, "now_ms", lambda: end + 60 * DAY)
    (plan,) = await plans(scene.database, SHORT)
    assert plan.before == end
    assert (await scene.run(SHORT))[SHORT].messages == 2
    assert await scene.messages() == {first}
    assert await scene.entries() == {("a", SHORT, first): 1}
    assert len(await scene.audiences()) == 1


async def test_an_audience_stays_while_a_message_of_its_bucket_needs_it(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_batches(monkeypatch)
    everyone = [f"user-{number}" for number in range(9)]
    shared = bucket_of(await scene.send(SHORT, everyone, OLD))
    chunk_keys = removal.chunk_keys

    async def after_an_import(connection: Connection, cell: int, after: ChunkKey, **bounds: int) -> _ChunkKeys:
        if cell == scene.cell(SHORT):
            monkeypatch.setattr(removal, "chunk_keys", chunk_keys)
            await scene.send(SHORT, everyone, OLD)
        return await chunk_keys(connection, cell, after, **bounds)

    monkeypatch.setattr(removal, "chunk_keys", after_an_import)
    await scene.send(EVER, everyone, OLD)
    for user in everyone:
        await scene.send(SHORT, [user], OLD)
    alone = bucket_of(await scene.send(SHORT, everyone, OLDER))
    kept = bucket_of(await scene.send(SHORT, everyone, NEW))
    assert alone < shared < kept
    removed = await scene.run()
    assert removed[SHORT].audiences == len(everyone) + 1
    assert await scene.audiences() == {(SHORT, shared, 9), (SHORT, kept, 9), (EVER, shared, 9)}
    assert await scene.is_consistent()


async def test_large_audiences_are_removed_completely(scene: Scene) -> None:
    crowd = [f"user-{number}" for number in range(2_500)]
    await scene.send(SHORT, crowd, OLD)
    removed = (await scene.run(SHORT))[SHORT]
    assert removed == Removed(entries=2_500, messages=1, audiences=3)
    assert not await scene.audiences()


async def test_versions_are_removed_with_their_message(scene: Scene) -> None:
    old, new = await scene.send(SHORT, ["a"], OLD), await scene.send(SHORT, ["a"], NEW)
    await rows(
        scene.database,
        "insert into message_version (cell, message_id, version, created_at, reset_read, kind, content)"
        " select $1, i, v, 1, false, 'text', '{}' from unnest($2::bigint[]) as i, generate_series(1, 3) as v",
        scene.cell(SHORT),
        [old, new],
    )
    assert (await scene.run(SHORT))[SHORT].versions == 3
    assert {row[0] for row in await rows(scene.database, "select message_id from message_version")} == {new}


async def test_invalid_days_and_unknown_platforms_are_refused(scene: Scene) -> None:
    for days in (0, -1, 36_501):
        with pytest.raises(Refusal, match="FIELD_MALFORMED"):
            await set_days(scene.database, SHORT, days)
    for code in ("", "unknown"):
        with pytest.raises(UnknownPlatformError):
            await set_days(scene.database, code, 5)
        with pytest.raises(UnknownPlatformError):
            await plans(scene.database, code)
    assert await retention.rules(scene.database) == [(EVER, None), (LONG, 300), (SHORT, 60)]
    assert await plans(scene.database, EVER) == []
    await set_days(scene.database, SHORT, 36_500)
    assert (await scene.run(SHORT))[SHORT] == Removed()


async def test_receipts_of_remaining_messages_are_complete(scene: Scene) -> None:
    old = await scene.send(EVER, ["a", "b"], OLD)
    await scene.send(SHORT, ["a", "b"], OLD)
    await scene.run()
    async with scene.database.connection() as connection:
        message = await find_message(connection, MessageKey(scene.cell(EVER), old))
        assert message is not None
        assert (await count_receipts(connection, [message]))[0].delivered == 2


class Explained:
    """Records the plans of statements instead of running them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.plans: list[str] = []

    async def fetch(self, statement: str, *values: object) -> list[object]:
        plan = await self._connection.fetch(f"explain {statement}", *values)
        self.plans.append("\n".join(row[0] for row in plan))
        return []

    async def fetchval(self, statement: str, *values: object) -> int:
        await self.fetch(statement, *values)
        return 0

    async def execute(self, statement: str, *values: object) -> str:
        await self.fetch(statement, *values)
        return "DELETE 0"


async def test_every_batch_reads_an_index_in_order(scene: Scene) -> None:
    users = [f"user-{number:04}" for number in range(600)]
    await scene.send(SHORT, users, OLD)
    await rows(scene.database, "analyze")
    cell = scene.cell(SHORT)
    async with scene.database.connection() as connection:
        spy = Explained(connection)
        connection_spy: Connection = spy  # type: ignore[assignment]
        await removal.feed_rows(connection_spy, cell, removal.FEED_START, 1_000)
        await removal.delete_feed(connection_spy, cell, [removal.FEED_START])
        await removal.users_after(connection_spy, cell, "", 500, lock=True)
        await removal.delete_pages(connection_spy, cell, users, 10)
        await removal.delete_subscriptions(connection_spy, cell, users, 10)
        await removal.message_ids(connection_spy, cell, -1, first_id_of(100), 1_000)
        await removal.delete_messages(connection_spy, cell, [1, 2])
        await removal.chunk_keys(connection_spy, cell, removal.CHUNK_START, first_bucket=0, last_bucket=1, limit=1_000)
        await removal.message_audiences(connection_spy, cell, -1, first_id_of(100), 1_000)
        await removal.delete_chunks(connection_spy, cell, [removal.CHUNK_START])
    assert len(spy.plans) == 13
    for plan in spy.plans:
        assert "Seq Scan" not in plan
        assert "Hash" not in plan
        assert "Merge" not in plan
        assert "Sort" not in plan or "CTE part" in plan  # part of the chunk keys is sorted to find the last
