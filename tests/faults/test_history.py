"""Concurrent calls of several processes at the same mailboxes are linearizable."""

import multiprocessing
from collections import Counter, defaultdict
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor

import asyncpg
import pytest

from msgcenter.database.database import Connection, Database
from msgcenter.domain.account import Recipient
from msgcenter.domain.message_id import now_ms
from msgcenter.store.mailboxes.mailbox_counts import unread_counts
from msgcenter.store.mailboxes.sweeping import sweep_mailboxes
from tests.conftest import wait_for
from tests.faults.hammer import LEAST_CALLS, PLATFORM, USERS, Record, Sent, Write, hammer
from tests.scene import add_app, rows

PROCESSES = 3
SECONDS = 5.0


@pytest.mark.slow
def test_calls_of_several_processes_are_linearizable(database_url: str) -> None:
    apps = wait_for(two_apps(database_url))
    with ProcessPoolExecutor(PROCESSES, mp_context=multiprocessing.get_context("spawn")) as processes:
        running = [processes.submit(hammer, database_url, apps, seed, SECONDS) for seed in range(PROCESSES)]
        records = [process.result() for process in running]
    wait_for(check(database_url, apps, records))


async def two_apps(url: str) -> list[int]:
    async with Database(url) as database:
        return [await add_app(database, name, PLATFORM.code) for name in ("one", "two")]


async def check(url: str, apps: list[int], records: Sequence[Record]) -> None:
    """Compare the mailboxes with the records of all processes."""
    async with Database(url) as database:
        now = now_ms() + 60_000  # after all messages with an expiry time have expired
        await sweep(database, now)
        messages = {row["id"]: row for row in await rows(database, "select * from message")}
        pages = await rows(database, "select * from mailbox_page")
        check_sends(messages, pages, [sent for record in records for sent in record.sent])
        check_open_approvals(messages, pages, now)
        check_statuses(messages, pages, [write for record in records for write in record.writes])
        await check_counts(database, apps, pages, now)
        await check_locks(database)
        assert min(record.calls for record in records) > LEAST_CALLS


async def sweep(database: Database, now: int) -> None:
    """Withdraw expired messages."""

    async def write(connection: Connection) -> int:
        return await sweep_mailboxes(connection, [PLATFORM.recipient(user_id) for user_id in USERS], now)

    await database.in_transaction(write)


def check_sends(messages: dict[int, asyncpg.Record], pages: Sequence[asyncpg.Record], sent: Sequence[Sent]) -> None:
    """Every request id made exactly one message, which is exactly once in each mailbox of its audience."""
    by_request: dict[str, set[int]] = defaultdict(set)
    for message in sent:
        by_request[message.request_id].add(message.message_id)
    assert all(len(ids) == 1 for ids in by_request.values())
    assert len(sent) > len(by_request), "no request was repeated"
    receivers = {message.message_id: message.receivers for message in sent}
    assert receivers.keys() == messages.keys()
    entries = Counter((page["user_id"], i) for page in pages for i in page["message_ids"])
    assert entries == Counter((user_id, i) for i, user_ids in receivers.items() for user_id in user_ids)
    parts: dict[tuple[object, ...], list[int]] = defaultdict(list)
    for page in pages:
        ids = page["message_ids"]
        assert ids == sorted(ids)
        assert (page["first_id"], page["last_id"]) == (ids[0], ids[-1])
        assert all(messages[i]["app_number"] == page["app_number"] for i in ids)
        parts[page["user_id"], page["bucket"], page["app_number"]].append(page["part"])
    assert all(sorted(numbers) == list(range(len(numbers))) for numbers in parts.values())


def check_open_approvals(messages: dict[int, asyncpg.Record], pages: Sequence[asyncpg.Record], now: int) -> None:
    """An approval is open in the mailboxes of all approvers or of none."""
    for page in pages:
        assert sorted(page["open_approvals"]) == sorted(
            i for i in page["message_ids"] if messages[i]["approval"] and is_open(messages[i], now)
        )


def is_open(message: asyncpg.Record, now: int) -> bool:
    return message["closed_at"] is None and (message["expires_at"] is None or message["expires_at"] > now)


def check_statuses(
    messages: dict[int, asyncpg.Record], pages: Sequence[asyncpg.Record], writes: Sequence[Write]
) -> None:
    """Every entry has the state that the last call set, or any of the last calls if they overlapped."""
    places: dict[tuple[str, int], list[Write]] = defaultdict(list)
    for write in writes:
        places[write.user_id, write.message_id].append(write)
    contended = 0
    for page in pages:
        for message_id, read_at in zip(page["message_ids"], page["read_at"], strict=True):
            if messages[message_id]["expires_at"] is None:
                history = places.pop((page["user_id"], message_id), [])
                contended += len(history) > 3
                check_entry(read_at, history)
    assert all(messages[message_id]["expires_at"] for _, message_id in places)
    assert contended > 50, "too few entries were changed by several processes"


def check_entry(read_at: int | None, history: Sequence[Write]) -> None:
    """Assert that the history of an entry can lead to this read time."""
    last_begun = max((write.begun for write in history), default=0)
    if read_at is None:
        assert not history or any(not write.read and write.ended >= last_begun for write in history), history
        return
    assert any(write.read and write.ended >= last_begun for write in history), (read_at, history)
    assert any(could_have_set(read_at, write, history) for write in history), (read_at, history)


def could_have_set(read_at: int, write: Write, history: Sequence[Write]) -> bool:
    """Return whether this call can have set the final read time: the entry was unread, and not cleared later."""
    if not write.read or not write.begun_ms <= read_at <= write.ended_ms:
        return False
    others = [other for other in history if other is not write]
    if any(other.clears and other.begun > write.ended for other in others):
        return False
    if write.clears:
        return True
    unread = [other for other in others if not other.read and other.begun < write.ended]
    read = [other for other in others if other.read and other.ended < write.begun]
    return all(any(other.ended > earlier.begun for other in unread) for earlier in read)


async def check_counts(database: Database, apps: list[int], pages: Sequence[asyncpg.Record], now: int) -> None:
    """The stored unread counts match the entries."""
    expected: Counter[tuple[Recipient, int]] = Counter()
    for page in pages:
        assert page["unread"] == page["read_at"].count(None)
        expected[PLATFORM.recipient(page["user_id"]), page["app_number"]] += page["unread"]
    recipients = [(PLATFORM.recipient(user_id), app) for user_id in USERS for app in apps]
    async with database.connection() as connection:
        counts, stale = await unread_counts(connection, recipients, now)
    assert not stale
    assert counts == expected


async def check_locks(database: Database) -> None:
    """No deadlocks occurred: all processes lock pages in the same order."""
    (row,) = await rows(database, "select deadlocks from pg_stat_database where datname = current_database()")
    assert row["deadlocks"] == 0
