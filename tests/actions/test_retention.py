"""Retention removes old messages in whole buckets and small steps, and nothing else.

See docs/decisions/0010-retention.md.
"""

import asyncio
import itertools
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from typing import TypeAlias

import pytest

from msgcenter.actions import maintenance, retention
from msgcenter.actions.apps.platforms import UnknownPlatformError
from msgcenter.actions.maintenance import run_maintenance
from msgcenter.actions.retention import Plan, Removed, Step, in_turn, plans, remove, remove_due, set_days
from msgcenter.database.database import Connection, Database
from msgcenter.domain.account import Platform
from msgcenter.domain.message_id import MessageIds, bucket_of, bucket_start_ms, first_id_of, now_ms
from msgcenter.domain.refusal import Reason, Refusal
from msgcenter.messaging.add_entries import NewEntries, add_entries
from msgcenter.messaging.fan_out import fan_out
from msgcenter.messaging.pull import pull
from msgcenter.messaging.send import send_drafts
from msgcenter.messaging.set_status import StatusChange, apply_status_changes
from msgcenter.store.apps.platforms import find_platforms
from msgcenter.store.mailboxes import pages
from msgcenter.store.mailboxes import users as directory
from msgcenter.store.mailboxes.mailbox_counts import unread_counts
from msgcenter.store.mailboxes.pages import page_key
from msgcenter.store.mailboxes.receipts import count_receipts
from msgcenter.store.messages import audiences
from msgcenter.store.messages.jobs import Delivery
from msgcenter.store.messages.messages import MessageKey, find_message
from msgcenter.store.retention import removal
from msgcenter.store.retention.removal import ChunkKey
from msgcenter.store.retention.rules import sole_run
from tests.scene import add_app, rows, text_to

DAY = 86_400_000
SHORT, LONG, EVER = "short", "long", "ever"
"""Platforms that keep their messages for 60 days, for 300 days, and for ever."""
OLD, OLDER, OLDEST = 150, 250, 400
"""Ages in days, in different buckets: OLD and OLDER are removed on one platform, OLDEST on two."""
NEW = 10
_ChunkKeys: TypeAlias = tuple[list[ChunkKey], ChunkKey | None]
_nodes = itertools.cycle(range(1024))


class Scene:
    """Three platforms with an app each, and messages of several ages."""

    def __init__(self, database: Database, apps: dict[str, int], platforms: dict[str, Platform]) -> None:
        self.database = database
        self.apps = apps
        self.platforms = platforms

    def cell(self, platform: str) -> int:
        """Return the cell of a platform."""
        return self.platforms[platform].first_cell

    async def send(self, platform: str, users: Iterable[str], days_ago: int = 0, *, at: int | None = None) -> int:
        """Send a message with an id from so many days ago, or from a time (ms since 1970)."""
        users = tuple(users)
        async with self.database.connection() as connection:
            await directory.register(connection, self.cell(platform), users)
        ids = MessageIds(next(_nodes), lambda: now_ms() - days_ago * DAY if at is None else at)
        draft = text_to(self.apps[platform], self.platforms[platform], users)
        (message_id,) = await send_drafts(self.database, ids, [draft])
        assert isinstance(message_id, int)
        if not draft.is_immediate:
            await fan_out(self.database, Delivery(self.cell(platform), message_id))
        return message_id

    async def run(self, platform: str | None = None, *, dry_run: bool = False) -> dict[str, Removed]:
        """Run the removal."""
        return {
            plan.platform_code: await remove(self.database, plan, dry_run=dry_run)
            for plan in await plans(self.database, platform)
        }

    async def messages(self) -> set[int]:
        """Return the ids of all messages."""
        return {row["id"] for row in await rows(self.database, "select id from message")}

    async def entries(self) -> Counter[tuple[str, str, int]]:
        """Return all mailbox entries: user, platform, message."""
        entries = await rows(
            self.database,
            "select user_id, platform.code, unnest(message_ids) as id from mailbox_page"
            " join platform on platform.first_cell = mailbox_page.cell",
        )
        return Counter(tuple(row) for row in entries)

    async def audiences(self) -> set[tuple[str, int, int]]:
        """Return all audience chunks: platform, bucket and number of users."""
        chunks = await rows(
            self.database,
            "select platform.code, bucket, cardinality(user_ids) from audience_chunk"
            " join platform on platform.first_cell = audience_chunk.cell",
        )
        return {tuple(row) for row in chunks}

    async def unread(self, user: str, platform: str) -> int:
        """Return how many messages a user has not read."""
        mailbox = (self.platforms[platform].recipient(user), self.apps[platform])
        async with self.database.connection() as connection:
            counts, _ = await unread_counts(connection, [mailbox], now_ms())
        return sum(counts.values())

    async def is_consistent(self) -> bool:
        """Return whether every entry has its message, and every message its audience."""
        known = await self.messages()
        if not {message_id for _, _, message_id in await self.entries()} <= known:
            return False
        async with self.database.connection() as connection:
            for cell in map(self.cell, self.platforms):
                for message_id, audience in await removal.message_audiences(
                    connection, cell, -1, (1 << 63) - 1, 10_000
                ):
                    chunks = await audiences.read_chunks(connection, bucket_of(message_id), audience)
                    if chunks.keys() != set(audience):
                        return False
        return True


@pytest.fixture
async def scene(database: Database, monkeypatch: pytest.MonkeyPatch) -> Scene:
    monkeypatch.setattr(retention, "_READER_SECONDS", 0)
    apps = {code: await add_app(database, f"app-{code}", code) for code in (SHORT, LONG, EVER)}
    await set_days(database, SHORT, 60)
    await set_days(database, LONG, 300)
    async with database.connection() as connection:
        return Scene(database, apps, await find_platforms(connection))


def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make every step take several batches."""
    for name, size in (("_USERS", 3), ("_ROWS", 2), ("_KEYS", 2), ("_CANDIDATES", 3)):
        monkeypatch.setattr(retention, name, size)


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


# --- The feed -------------------------------------------------------------------------------------------------------


async def broadcast(scene: Scene, platform: str, topic: int, days_ago: int, about: int = 0, action: int = 0) -> int:
    """Add a feed row about a message of some age; return its position."""
    async with scene.database.connection() as connection:
        position: int = await connection.fetchval(
            "update feed_head set position = position + 1 where cell = $1 returning position",
            scene.cell(platform),
        )
        await connection.execute(
            "insert into feed (cell, topic_number, position, about, message_id, app_number, action)"
            " values ($1, $2, $3, $4, $5, 1, $6)",
            scene.cell(platform),
            topic,
            position,
            about or position,
            MessageIds(next(_nodes), lambda: now_ms() - days_ago * DAY).next(),
            action,
        )
    return position


async def subscribe(scene: Scene, platform: str, user: str, since: int, until: int | None) -> None:
    """Add an interval of a subscription, and make the user known."""
    async with scene.database.connection() as connection:
        await directory.register(connection, scene.cell(platform), [user])
        await connection.execute(
            "insert into topic_subscription (topic_number, since, until, user_id, cell) values (1, $1, $2, $3, $4)",
            since,
            until,
            user,
            scene.cell(platform),
        )


async def subscriptions(scene: Scene) -> set[tuple[str, str, int]]:
    """Return all subscriptions: user, platform, since."""
    subscribed = await rows(
        scene.database,
        "select user_id, platform.code, since from topic_subscription"
        " join platform on platform.first_cell = topic_subscription.cell",
    )
    return {tuple(row) for row in subscribed}


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
            missing.extend(await apply_status_changes(scene.database, changes))

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
        await asyncio.sleep(0.1)
        assert waits
        assert not working.done()
    await asyncio.wait_for(working, 5)
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
    async with asyncio.timeout(10):
        while await scene.messages():
            await asyncio.sleep(0.01)
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


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
    assert len(spy.plans) == 11
    for plan in spy.plans:
        assert "Seq Scan" not in plan
        assert "Hash" not in plan
        assert "Merge" not in plan
        assert "Sort" not in plan or "CTE part" in plan  # part of the chunk keys is sorted to find the last
