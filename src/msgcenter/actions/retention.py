"""Retention: how long a platform keeps its messages, and the removal of older ones.

Messages are removed in whole buckets of ids, about 25 days each, once the bucket's last moment is older than the
platform's days. docs/decisions/0010-retention.md explains the steps and their order.
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
from msgcenter.domain.account import Platform
from msgcenter.domain.message_id import bucket_of, bucket_start_ms, first_id_of, last_bucket_before, now_ms
from msgcenter.domain.person import COMMAND, Actor
from msgcenter.domain.refusal import malformed
from msgcenter.store import audit
from msgcenter.store.apps.platforms import find_platforms
from msgcenter.store.mailboxes import users as directory
from msgcenter.store.retention import directory as removed_history
from msgcenter.store.retention import removal
from msgcenter.store.retention import rules as retention_rules
from msgcenter.store.retention.directory import PATH_START, PathKey
from msgcenter.store.retention.removal import CHUNK_START, FEED_START, ChunkKey
from msgcenter.store.retention.rules import RetentionRule

_log = structlog.get_logger(__name__)
_DAY_MS = 86_400_000
_MAX_DAYS = 36_500
_USERS = 500
"""Mailboxes that one transaction locks."""
_ROWS = 1_000
"""Rows that any other statement reads."""
_KEYS = 5_000
"""Keys of audience chunks that one statement reads, from an index only."""
_CANDIDATES = 100_000
"""Audience chunks that are compared with the remaining messages at a time: about 20 MB."""
_LONGEST_REST_SECONDS = 0.05
_READER_SECONDS = 1.0
"""A call that has read a message reads its audience within this time."""
_RETRY_SECONDS = 0.5


class Step(StrEnum):
    """A step of a removal."""

    FEED = "feed"
    MAILBOXES = "mailboxes"
    MESSAGES = "messages"
    AUDIENCES = "audiences"


OnProgress: TypeAlias = Callable[[Step, int, int], None]
"""Called with the step, the number of mailboxes done and the number of all mailboxes."""


class _MailboxBatch(NamedTuple):
    """Users, and how much of what they have is old."""

    users: list[str]
    entries: int
    subscriptions: int
    memberships: int
    deliveries: int


def ignore_progress(step: Step, done: int, users: int) -> None:
    """Do nothing: the default for `on_progress`."""


class Plan(NamedTuple):
    """What a platform's rule means now: remove the buckets from `first_bucket` to `last_bucket`.

    Earlier buckets were removed before.
    """

    platform: Platform
    days: int
    first_bucket: int
    last_bucket: int

    @property
    def platform_code(self) -> str:
        """The code of the platform."""
        return self.platform.code

    @property
    def is_due(self) -> bool:
        """Whether there is a bucket to remove."""
        return self.first_bucket <= self.last_bucket

    @property
    def before(self) -> int:
        """The time (ms since 1970) of the oldest message that is kept."""
        return bucket_start_ms(self.last_bucket + 1)


@dataclass
class Removed:
    """How many rows of each kind were removed, or would be removed in a dry run."""

    entries: int = 0
    messages: int = 0
    versions: int = 0
    audiences: int = 0
    feed_rows: int = 0
    subscriptions: int = 0
    memberships: int = 0
    paths: int = 0
    deliveries: int = 0


# --- Rules ----------------------------------------------------------------------------------------------------------


async def rules(database: Database) -> list[RetentionRule]:
    """Return the retention rules of all platforms."""
    async with database.connection() as connection:
        return await retention_rules.list_rules(connection)


async def set_days(database: Database, platform_code: str, days: int | None, *, by: Actor = COMMAND) -> None:
    """Set how many days a platform keeps its messages, None for ever. This removes nothing yet.

    Raises UnknownPlatformError. Refuses with FIELD_MALFORMED if days are not 1-36500.
    """
    if days is not None and not 1 <= days <= _MAX_DAYS:
        raise malformed("days", f"须为1–{_MAX_DAYS}", f"must be 1-{_MAX_DAYS}")
    await check_platform(database, platform_code)
    await database.in_transaction(_set_days, platform_code, days, by)


async def _set_days(connection: Connection, platform_code: str, days: int | None, by: Actor) -> None:
    if await retention_rules.set_days(connection, platform_code, days):
        await audit.record(connection, by, "platform.retention", platform_code, now=now_ms(), days=days)


async def plans(database: Database, platform_code: str | None = None) -> list[Plan]:
    """Return the plans of all platforms that do not keep their messages for ever, or of one platform.

    Raises UnknownPlatformError.
    """
    if platform_code is not None:
        await check_platform(database, platform_code)
    due = []
    now = now_ms()
    async with database.connection() as connection:
        platforms = await find_platforms(connection)
        for code, days in await retention_rules.list_rules(connection):
            if days is not None and platform_code in {None, code}:
                first = await retention_rules.removed_through(connection, code) + 1
                due.append(Plan(platforms[code], days, first, max(-1, last_bucket_before(now - days * _DAY_MS))))
    return due


# --- Removal --------------------------------------------------------------------------------------------------------


async def remove_due(database: Database) -> None:
    """Remove all buckets that are due, unless another process is removing messages."""
    async with retention_rules.sole_run(database) as is_alone:
        if not is_alone:
            return
        for plan in await plans(database):
            if plan.is_due:
                removed = await remove(database, plan)
                _log.info("old messages are removed", platform=plan.platform_code, **vars(removed))


@asynccontextmanager
async def in_turn(database: Database, on_wait: Callable[[], None]) -> AsyncIterator[None]:
    """Wait until no other process removes messages, and exclude others. `on_wait` is called before each wait."""
    while True:
        async with retention_rules.sole_run(database) as is_alone:
            if is_alone:
                yield
                return
        on_wait()
        await asyncio.sleep(_RETRY_SECONDS)


async def remove(
    database: Database,
    plan: Plan,
    *,
    dry_run: bool = False,
    on_progress: OnProgress = ignore_progress,
    by: Actor = COMMAND,
) -> Removed:
    """Carry out a plan in small transactions with rests between them. `dry_run` only counts.

    The next run completes a removal that was cut off. Two runs at the same time do no harm, but are not faster: see
    `in_turn`.
    """
    removed = await _Removal(database, plan, dry_run, on_progress).run()
    if removed.messages and not dry_run:
        data = {"messages": removed.messages, "entries": removed.entries, "before": plan.before}
        async with database.connection() as connection:
            await audit.record(connection, by, "platform.removal", plan.platform_code, now=now_ms(), **data)
    return removed


class _Removal:
    """One run for one platform."""

    def __init__(self, database: Database, plan: Plan, dry_run: bool, on_progress: OnProgress) -> None:
        self._database = database
        self._platform = plan.platform
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
        # No mailbox may pull a message that is being removed, show an entry without its message, or a message without
        # its audience. So what refers to others is removed first.
        self._report(Step.FEED)
        oldest_positions = [await self._remove_from_feed(cell) for cell in self._platform.all_cells]
        self._report(Step.MAILBOXES)
        for cell, oldest_position in zip(self._platform.all_cells, oldest_positions, strict=True):
            await self._remove_from_mailboxes(cell, oldest_position)
            await self._remove_paths(cell, oldest_position)
        first_bucket = await self._remove_messages()
        await self._remove_audiences(first_bucket)
        if self._plan.is_due and not self._dry_run:
            async with self._database.connection() as connection:
                await retention_rules.set_removed_through(connection, self._platform.code, self._plan.last_bucket)
        return self._removed

    async def _remove_from_feed(self, cell: int) -> int:
        """Remove the feed rows of old messages. Return the oldest position that a remaining row refers to."""
        async with self._database.connection() as connection:
            oldest = await removal.feed_position(connection, cell) + 1
        after = FEED_START
        while True:
            async with _rest_after(), self._database.connection() as connection:
                rows = await removal.feed_rows(connection, cell, after, _ROWS)
                old = [row.key for row in rows if row.message_id < self._before_id]
                if self._dry_run:
                    self._removed.feed_rows += len(old)
                elif old:
                    self._removed.feed_rows += await removal.delete_feed(connection, cell, old)
            oldest = min([oldest, *(row.origin_position for row in rows if row.message_id >= self._before_id)])
            if len(rows) < _ROWS:
                return oldest
            after = rows[-1].key

    async def _remove_from_mailboxes(self, cell: int, oldest_position: int) -> None:
        """Remove the pages of old buckets; subscriptions and memberships that ended before the oldest feed row."""
        after = ""
        while True:
            batch = await self._mailbox_batch(cell, after, oldest_position)
            self._removed.entries += batch.entries
            self._removed.subscriptions += batch.subscriptions
            self._removed.memberships += batch.memberships
            self._removed.deliveries += batch.deliveries
            self._done += len(batch.users)
            self._report(Step.MAILBOXES)
            if len(batch.users) < _USERS:
                return
            after = batch.users[-1]

    async def _mailbox_batch(self, cell: int, after: str, oldest_position: int) -> _MailboxBatch:
        """Remove what is old of the next users, or count it."""
        step = self._count_in_mailboxes if self._dry_run else self._delete_in_mailboxes
        async with _rest_after():
            return await self._database.in_transaction(step, cell, after, oldest_position)

    async def _count_in_mailboxes(
        self, connection: Connection, cell: int, after: str, oldest_position: int
    ) -> _MailboxBatch:
        users = await removal.users_after(connection, cell, after, _USERS)
        entries = await removal.count_entries(connection, cell, users, self._plan.last_bucket)
        subscriptions = await removal.count_subscriptions(connection, cell, users, oldest_position)
        memberships = await removed_history.count_memberships(connection, cell, users, oldest_position)
        deliveries = await removal.count_deliveries(connection, cell, users, self._before_id)
        return _MailboxBatch(users, entries, subscriptions, memberships, deliveries)

    async def _delete_in_mailboxes(
        self, connection: Connection, cell: int, after: str, oldest_position: int
    ) -> _MailboxBatch:
        users = await removal.users_after(connection, cell, after, _USERS, lock=True)
        entries = await removal.delete_pages(connection, cell, users, self._plan.last_bucket)
        subscriptions = await removal.delete_subscriptions(connection, cell, users, oldest_position)
        memberships = await removed_history.delete_memberships(connection, cell, users, oldest_position)
        deliveries = await removal.delete_deliveries(connection, cell, users, self._before_id)
        return _MailboxBatch(users, entries, subscriptions, memberships, deliveries)

    async def _remove_paths(self, cell: int, oldest_position: int) -> None:
        """Remove what the tree of organisations was before the oldest feed row."""
        after: PathKey | None = PATH_START
        while after is not None:
            async with _rest_after(), self._database.connection() as connection:
                old, after = await removed_history.old_paths(connection, cell, after, oldest_position, _ROWS)
                if self._dry_run:
                    self._removed.paths += len(old)
                elif old:
                    self._removed.paths += await removed_history.delete_paths(connection, cell, old)

    async def _remove_messages(self) -> int:
        """Remove old messages with their versions. Return the first bucket whose audiences may now be unused."""
        self._report(Step.MESSAGES)
        first_bucket = self._plan.first_bucket
        cell = self._platform.first_cell
        after = -1
        while True:
            async with _rest_after():
                async with self._database.connection() as connection:
                    old = await removal.message_ids(connection, cell, after, self._before_id, _ROWS)
                if old:
                    first_bucket = min(first_bucket, bucket_of(old[0]))
                    messages, versions = await self._message_batch(cell, old)
                    self._removed.messages += messages
                    self._removed.versions += versions
            if len(old) < _ROWS:
                return first_bucket
            after = old[-1]

    async def _message_batch(self, cell: int, old: list[int]) -> tuple[int, int]:
        if not self._dry_run:
            return await self._database.in_transaction(removal.delete_messages, cell, old)
        async with self._database.connection() as connection:
            return len(old), await removal.count_versions(connection, cell, old)

    async def _remove_audiences(self, first_bucket: int) -> None:
        """Remove the audience chunks of these buckets that no remaining message refers to."""
        self._report(Step.AUDIENCES)
        if self._removed.messages and not self._dry_run:
            await asyncio.sleep(_READER_SECONDS)
        for cell in self._platform.all_cells:
            await self._remove_chunks(cell, first_bucket)

    async def _remove_chunks(self, cell: int, first_bucket: int) -> None:
        after: ChunkKey | None = CHUNK_START
        while after is not None:
            candidates, after = await self._chunks(cell, after, first_bucket)
            if candidates and not self._dry_run:  # in a dry run, the messages that are left are still all messages
                await self._discard_used(cell, candidates, first_bucket)
            ordered = sorted(candidates)
            for start in range(0, len(ordered), _ROWS):
                await self._delete_chunks(cell, ordered[start : start + _ROWS])

    async def _chunks(self, cell: int, after: ChunkKey, first_bucket: int) -> tuple[set[ChunkKey], ChunkKey | None]:
        """Return some keys of chunks after one, and the key to continue after (None at the end)."""
        chunks: set[ChunkKey] = set()
        place: ChunkKey | None = after
        while place is not None and len(chunks) < _CANDIDATES:
            async with _rest_after(), self._database.connection() as connection:
                keys, place = await removal.chunk_keys(
                    connection,
                    cell,
                    place,
                    first_bucket=first_bucket,
                    last_bucket=self._plan.last_bucket,
                    limit=_KEYS,
                )
            chunks.update(keys)
        return chunks, place

    async def _discard_used(self, cell: int, chunks: set[ChunkKey], first_bucket: int) -> None:
        """Take the chunks that remaining messages refer to out of the set, which has chunks of one cell."""
        after = first_id_of(first_bucket) - 1
        while True:
            async with _rest_after(), self._database.connection() as connection:
                left = await removal.message_audiences(
                    connection, self._platform.first_cell, after, self._before_id, _ROWS
                )
            chunks.difference_update(
                ChunkKey(chunk.digest, bucket_of(message_id))
                for message_id, audience in left
                for chunk in audience
                if chunk.cell == cell
            )
            if len(left) < _ROWS:
                return
            after = left[-1][0]

    async def _delete_chunks(self, cell: int, chunks: list[ChunkKey]) -> None:
        if self._dry_run:
            self._removed.audiences += len(chunks)
            return
        async with _rest_after(), self._database.connection() as connection:
            self._removed.audiences += await removal.delete_chunks(connection, cell, chunks)

    def _report(self, step: Step) -> None:
        self._on_progress(step, self._done, max(self._done, self._users))


@asynccontextmanager
async def _rest_after() -> AsyncIterator[None]:
    """Sleep as long as the block took, so that a removal uses at most half of the time."""
    begun = time.monotonic()
    yield
    await asyncio.sleep(min(time.monotonic() - begun, _LONGEST_REST_SECONDS))
