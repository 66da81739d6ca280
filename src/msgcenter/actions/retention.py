"""How long a platform's messages are kept, and the removal of those that are older.

Whole buckets of message ids go, each about 25 days, once their last moment is past the platform's days. The steps and
their order: docs/decisions/0010-retention.md.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, TypeAlias

import structlog

from msgcenter.actions.apps.platforms import check_platform
from msgcenter.database.database import Connection, Database
from msgcenter.domain.message_id import bucket_of, bucket_start_ms, first_id_of, last_bucket_before, now_ms
from msgcenter.domain.person import COMMAND, Actor
from msgcenter.domain.refusal import malformed
from msgcenter.store import audit, retention
from msgcenter.store.mailboxes import users as directory
from msgcenter.store.retention import CHUNK_START, FEED_START, ChunkKey, RetentionRule

_log = structlog.get_logger(__name__)
_DAY_MS = 86_400_000
_MAX_DAYS = 36_500
_USERS = 500
"""Mailboxes that one transaction holds."""
_ROWS = 1_000
"""Rows that one other statement looks at."""
_KEYS = 5_000
"""Keys of audience chunks that one statement looks at, in an index alone."""
_CANDIDATES = 100_000
"""Audience chunks that are compared at a time with the messages that are left: some 20 MB."""
_LONGEST_REST = 0.05
_READERS_SECONDS = 1.0
"""Whoever has read a message reads its audience within this time."""
_ASK_AGAIN_SECONDS = 0.5


class Step(StrEnum):
    """What a removal is busy with."""

    FEED = "feed"
    MAILBOXES = "mailboxes"
    MESSAGES = "messages"
    AUDIENCES = "audiences"


OnProgress: TypeAlias = Callable[[Step, int, int], None]
"""Is told the step, how many users' mailboxes are done, and how many users there are."""


def unwatched(step: Step, done: int, users: int) -> None:
    """Take no interest in the progress."""


class Plan(NamedTuple):
    """What a platform's rule means now: the buckets up to `last_bucket` go, those before `first_bucket` are gone."""

    platform_code: str
    days: int
    first_bucket: int
    last_bucket: int

    @property
    def is_due(self) -> bool:
        """Whether there is a bucket that no run has removed yet."""
        return self.first_bucket <= self.last_bucket

    @property
    def before(self) -> int:
        """The time (ms since 1970) from which on messages are kept."""
        return bucket_start_ms(self.last_bucket + 1)


@dataclass
class Removed:
    """What went, or in a dry run would go."""

    entries: int = 0
    messages: int = 0
    versions: int = 0
    audiences: int = 0
    feed_rows: int = 0
    subscriptions: int = 0


# --- Rules ----------------------------------------------------------------------------------------------------------


async def rules(database: Database) -> list[RetentionRule]:
    """Return how long each platform keeps its messages."""
    async with database.connection() as connection:
        return await retention.rules(connection)


async def set_days(database: Database, platform_code: str, days: int | None, *, by: Actor = COMMAND) -> None:
    """Let a platform keep its messages for so many days, or with None for ever; nothing is removed yet.

    Raises UnknownPlatformError; refuses with FIELD_MALFORMED days that are not 1-36500.
    """
    if days is not None and not 1 <= days <= _MAX_DAYS:
        raise malformed("days", f"须为1–{_MAX_DAYS}", f"must be 1-{_MAX_DAYS}")
    await check_platform(database, platform_code)

    async def write(connection: Connection) -> None:
        if await retention.set_days(connection, platform_code, days):
            await audit.record(connection, by, "platform.retention", platform_code, now=now_ms(), days=days)

    await database.in_transaction(write)


async def plans(database: Database, platform_code: str | None = None) -> list[Plan]:
    """Return what is to be done for every platform that does not keep its messages for ever, or for one platform.

    Raises UnknownPlatformError.
    """
    if platform_code is not None:
        await check_platform(database, platform_code)
    found = []
    now = now_ms()
    async with database.connection() as connection:
        for code, days in await retention.rules(connection):
            if days is not None and platform_code in {None, code}:
                first = await retention.removed_through(connection, code) + 1
                found.append(Plan(code, days, first, max(-1, last_bucket_before(now - days * _DAY_MS))))
    return found


# --- Removal --------------------------------------------------------------------------------------------------------


async def remove_due(database: Database) -> None:
    """Remove the buckets that have become old, unless another process is at it."""
    async with retention.sole_run(database) as alone:
        if not alone:
            return
        for plan in await plans(database):
            if plan.is_due:
                removed = await remove(database, plan)
                _log.info("old messages are removed", platform=plan.platform_code, **vars(removed))


@asynccontextmanager
async def in_turn(database: Database, on_wait: Callable[[], None]) -> AsyncIterator[None]:
    """Wait until no other process removes messages, and keep the others from it; `on_wait` is told of each wait."""
    while True:
        async with retention.sole_run(database) as alone:
            if alone:
                yield
                return
        on_wait()
        await asyncio.sleep(_ASK_AGAIN_SECONDS)


async def remove(
    database: Database,
    plan: Plan,
    *,
    dry_run: bool = False,
    on_progress: OnProgress = unwatched,
    by: Actor = COMMAND,
) -> Removed:
    """Remove what a plan says, in small transactions with rests between them; `dry_run` counts it only.

    Whatever is cut off is done by the next run. Two at once do no harm, but are no quicker: see `in_turn`.
    """
    removed = await _Removal(database, plan, dry_run, on_progress).run()
    if removed.messages and not dry_run:
        told = {"messages": removed.messages, "entries": removed.entries, "before": plan.before}
        async with database.connection() as connection:
            await audit.record(connection, by, "platform.removal", plan.platform_code, now=now_ms(), **told)
    return removed


class _Removal:
    """One run for one platform."""

    def __init__(self, database: Database, plan: Plan, dry_run: bool, on_progress: OnProgress) -> None:
        self._database = database
        self._platform = plan.platform_code
        self._plan = plan
        self._before_id = first_id_of(plan.last_bucket + 1)
        self._dry_run = dry_run
        self._on_progress = on_progress
        self._removed = Removed()
        self._done = self._users = 0

    async def run(self) -> Removed:
        if self._plan.last_bucket < 0:
            return self._removed
        async with self._database.connection() as connection:
            self._users = await directory.count_users(connection, self._platform)
        # No mailbox may pull from the feed what is being removed, none may show an entry without its message, and no
        # message may lack its audience: so it goes from the reader's side to the ground.
        oldest = await self._remove_from_feed()
        await self._remove_from_mailboxes(oldest)
        first_bucket = await self._remove_messages()
        await self._remove_audiences(first_bucket)
        if self._plan.is_due and not self._dry_run:
            async with self._database.connection() as connection:
                await retention.set_removed_through(connection, self._platform, self._plan.last_bucket)
        return self._removed

    async def _remove_from_feed(self) -> int:
        """Remove the old messages' rows; return the oldest position that those left are about."""
        self._tell(Step.FEED)
        async with self._database.connection() as connection:
            oldest = await retention.feed_position(connection, self._platform) + 1
        after = FEED_START
        while True:
            async with _rest_after(), self._database.connection() as connection:
                rows = await retention.feed_rows(connection, self._platform, after, _ROWS)
                old = [row.key for row in rows if row.message_id < self._before_id]
                if self._dry_run:
                    self._removed.feed_rows += len(old)
                elif old:
                    self._removed.feed_rows += await retention.delete_feed(connection, self._platform, old)
            oldest = min([oldest, *(row.origin_position for row in rows if row.message_id >= self._before_id)])
            if len(rows) < _ROWS:
                return oldest
            after = rows[-1].key

    async def _remove_from_mailboxes(self, oldest_position: int) -> None:
        """Remove the pages of old buckets, and the subscriptions that concern nothing that is left in the feed."""
        self._tell(Step.MAILBOXES)
        after = ""
        while True:
            users, entries, subscriptions = await self._mailbox_batch(after, oldest_position)
            self._removed.entries += entries
            self._removed.subscriptions += subscriptions
            self._done += len(users)
            self._tell(Step.MAILBOXES)
            if len(users) < _USERS:
                return
            after = users[-1]

    async def _mailbox_batch(self, after: str, oldest_position: int) -> tuple[list[str], int, int]:
        platform, bucket = self._platform, self._plan.last_bucket

        async def count(connection: Connection) -> tuple[list[str], int, int]:
            users = await retention.users_after(connection, platform, after, _USERS)
            entries = await retention.count_entries(connection, platform, users, bucket)
            return users, entries, await retention.count_subscriptions(connection, platform, users, oldest_position)

        async def delete(connection: Connection) -> tuple[list[str], int, int]:
            users = await retention.users_after(connection, platform, after, _USERS, lock=True)
            entries = await retention.delete_pages(connection, platform, users, bucket)
            return users, entries, await retention.delete_subscriptions(connection, platform, users, oldest_position)

        async with _rest_after():
            return await self._database.in_transaction(count if self._dry_run else delete)

    async def _remove_messages(self) -> int:
        """Remove the old messages with their versions; return the first bucket whose audiences may be unused now."""
        self._tell(Step.MESSAGES)
        first_bucket = self._plan.first_bucket
        after = -1
        while True:
            async with _rest_after():
                async with self._database.connection() as connection:
                    found = await retention.message_platforms(connection, after, self._before_id, _ROWS)
                if old := [message_id for message_id, owner in found if owner == self._platform]:
                    first_bucket = min(first_bucket, bucket_of(old[0]))
                    messages, versions = await self._message_batch(old)
                    self._removed.messages += messages
                    self._removed.versions += versions
            if len(found) < _ROWS:
                return first_bucket
            after = found[-1][0]

    async def _message_batch(self, old: list[int]) -> tuple[int, int]:
        async def delete(connection: Connection) -> tuple[int, int]:
            return await retention.delete_messages(connection, old)

        if not self._dry_run:
            return await self._database.in_transaction(delete)
        async with self._database.connection() as connection:
            return len(old), await retention.count_versions(connection, old)

    async def _remove_audiences(self, first_bucket: int) -> None:
        """Remove the chunks of these buckets that no message which is left refers to, of whatever platform."""
        self._tell(Step.AUDIENCES)
        if self._removed.messages and not self._dry_run:
            await asyncio.sleep(_READERS_SECONDS)
        after: ChunkKey | None = CHUNK_START
        while after is not None:
            unused, after = await self._chunks(after, first_bucket)
            if unused:
                await self._spare_used(unused, first_bucket)
            ordered = sorted(unused)
            for start in range(0, len(ordered), _ROWS):
                await self._delete_chunks(ordered[start : start + _ROWS])

    async def _chunks(self, after: ChunkKey, first_bucket: int) -> tuple[set[ChunkKey], ChunkKey | None]:
        found: set[ChunkKey] = set()
        place: ChunkKey | None = after
        while place is not None and len(found) < _CANDIDATES:
            async with _rest_after(), self._database.connection() as connection:
                keys, place = await retention.chunk_keys(connection, place, first_bucket, self._plan.last_bucket, _KEYS)
            found.update(keys)
        return found, place

    async def _spare_used(self, chunks: set[ChunkKey], first_bucket: int) -> None:
        gone = self._platform if self._dry_run else None
        after = first_id_of(first_bucket) - 1
        while True:
            async with _rest_after(), self._database.connection() as connection:
                left = await retention.message_audiences(
                    connection, after, self._before_id, _ROWS, except_platform=gone
                )
            chunks.difference_update(
                ChunkKey(digest, bucket_of(message_id)) for message_id, digests in left for digest in digests
            )
            if len(left) < _ROWS:
                return
            after = left[-1][0]

    async def _delete_chunks(self, chunks: list[ChunkKey]) -> None:
        if self._dry_run:
            self._removed.audiences += len(chunks)
            return
        async with _rest_after(), self._database.connection() as connection:
            self._removed.audiences += await retention.delete_chunks(connection, chunks)

    def _tell(self, step: Step) -> None:
        self._on_progress(step, self._done, max(self._done, self._users))


@asynccontextmanager
async def _rest_after() -> AsyncIterator[None]:
    """Leave the database to others for as long as the block took, so that they have half of it at least."""
    begun = time.monotonic()
    yield
    await asyncio.sleep(min(time.monotonic() - begun, _LONGEST_REST))
