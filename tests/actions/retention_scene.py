"""Three platforms whose messages retention keeps for different times, with messages of several ages."""

import itertools
from collections import Counter
from collections.abc import Iterable

import pytest

from msgcenter.actions import retention
from msgcenter.actions.retention import Removed, plans, remove, set_days
from msgcenter.database.database import Database
from msgcenter.domain.account import Platform
from msgcenter.domain.message_id import MessageIds, bucket_of, now_ms
from msgcenter.messaging.fan_out import fan_out
from msgcenter.messaging.send import send_drafts
from msgcenter.store.apps.platforms import find_platforms
from msgcenter.store.mailboxes import users as directory
from msgcenter.store.mailboxes.mailbox_counts import unread_counts
from msgcenter.store.messages import audiences
from msgcenter.store.messages.jobs import Delivery
from msgcenter.store.retention import removal
from tests.scene import add_app, rows, text_to

DAY = 86_400_000
SHORT, LONG, EVER = "short", "long", "ever"
"""Platforms that keep their messages for 60 days, for 300 days, and for ever."""
OLD, OLDER, OLDEST = 150, 250, 400
"""Ages in days, in different buckets: OLD and OLDER are removed on one platform, OLDEST on two."""
NEW = 10
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


async def open_scene(database: Database, monkeypatch: pytest.MonkeyPatch) -> Scene:
    """Return the platforms in an empty database; retention does not wait for readers."""
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
