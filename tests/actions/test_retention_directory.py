"""Retention of the directory's history: what no remaining message needs is removed, and nothing else."""

from collections.abc import AsyncIterator
from itertools import count

import pytest

from msgcenter.actions import retention
from msgcenter.actions.retention import Plan, Removed
from msgcenter.database.database import Database
from msgcenter.domain.content import Text
from msgcenter.domain.message import Draft
from msgcenter.domain.message_id import MessageIds, bucket_of, now_ms
from msgcenter.messaging.send import send_drafts
from msgcenter.store.directory.audiences import find_audience
from tests.org_scene import OrgScene, open_scene
from tests.scene import rows

OLD_MS = 400 * 86_400_000


@pytest.fixture
async def scene(database: Database, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[OrgScene]:
    monkeypatch.setattr(retention, "_READER_SECONDS", 0)
    monkeypatch.setattr(retention, "_ROWS", 3)
    async with open_scene(database, 1) as opened:
        yield opened


async def send_old(scene: OrgScene) -> int:
    """Send to the district, more than a year ago by the message's id."""
    number = (await scene.stored(await scene.send("district"))).topic_number
    assert number is not None
    async with scene.database.connection() as connection:
        audience = await find_audience(connection, number)
    draft = Draft(
        app_number=scene.app.number,
        app_cell=scene.platform.first_cell,
        platform=scene.platform,
        body=Text("old"),
        receivers=(),
        topic_number=number,
        organisations=audience,
    )
    clock = count(now_ms() - OLD_MS)
    (message_id,) = await send_drafts(scene.database, MessageIds(4, lambda: next(clock)), [draft])
    assert isinstance(message_id, int)
    return message_id


async def run(scene: OrgScene, last_bucket: int) -> Removed:
    """Remove messages up to a bucket, after a dry run that must count the same."""
    plan = Plan(scene.platform, 1, 0, last_bucket)
    counted = await retention.remove(scene.database, plan, dry_run=True)
    removed = await retention.remove(scene.database, plan)
    assert counted == removed
    return removed


async def history(scene: OrgScene) -> tuple[int, int]:
    """Return how many memberships and paths have ended."""
    (row,) = await rows(
        scene.database,
        """
        select (select count(*) from directory_member where until is not null) as members,
            (select count(*) from directory_path where until is not null) as paths
        """,
    )
    return row["members"], row["paths"]


async def test_history_is_kept_as_long_as_a_message_needs_it(scene: OrgScene) -> None:
    old = await send_old(scene)
    await scene.directory.leave("c1", ["li", "wang"])
    await scene.directory.add_org("c1", "other")
    kept = await scene.send("school")
    await scene.directory.leave("c2", ["zhao"])
    await scene.directory.add_org("c2", "other")
    assert await history(scene) == (3, 2)
    # A message of the scene stands before the old one, and needs everything since.
    removed = await run(scene, bucket_of(old))
    assert (removed.messages, removed.memberships, removed.paths) == (1, 0, 0)
    assert await scene.having(kept) == {"teacher", "head", "li", "zhao"}


async def test_history_before_all_messages_is_removed(scene: OrgScene) -> None:
    await scene.directory.leave("c1", ["wang"])
    await scene.directory.add_org("c1", "other")
    first = await scene.send("district")
    await scene.directory.leave("c2", ["zhao"])
    await scene.directory.add_org("c2", "other")
    removed = await run(scene, 0)
    assert (removed.messages, removed.memberships, removed.paths) == (0, 1, 1)
    assert await history(scene) == (1, 1)
    assert await scene.having(first) == {"li", "teacher", "head", "zhao", "far"}
    status = await scene.statuses.status(scene.app, first)
    assert status.counts.receivers == 5


async def test_without_messages_no_history_is_left(scene: OrgScene) -> None:
    message_id = await scene.send("district")
    await scene.directory.leave("c1", ["wang"])
    await scene.directory.add_org("c1", "other")
    removed = await run(scene, bucket_of(message_id))
    assert (removed.messages, removed.feed_rows, removed.memberships, removed.paths) == (1, 1, 1, 1)
    assert await history(scene) == (0, 0)
    after = await scene.send("other")
    assert await scene.having(after) == {"far", "li", "teacher"}
