"""Status changes among concurrent changes of the same pages, and the ids that are missing."""

import asyncio
from collections.abc import Collection, Mapping

import pytest

from msgcenter.database.database import Connection, Database
from msgcenter.domain.account import AppChangedError, AppVersion, Platform
from msgcenter.domain.message_id import MessageIds
from msgcenter.messaging.send import send_drafts
from msgcenter.messaging.set_status import StatusChange, apply_status_changes
from msgcenter.store.mailboxes import read_states
from msgcenter.store.mailboxes.entry_changes import set_archived
from msgcenter.store.mailboxes.pages import PageKey, page_key
from msgcenter.store.mailboxes.read_states import PageChange, change_status
from msgcenter.store.mailboxes.sweeping import sweep_mailboxes, sweep_pages
from tests.citus import one_server
from tests.scene import HOME, START, Clock, rows, text_to

USER = HOME.recipient("reader")


async def send(database: Database, app_number: int, clock: Clock, *, lasting: int | None = None) -> int:
    """Send a message to the reader that expires after `lasting` ms."""
    expires_at = None if lasting is None else clock.now + lasting
    draft = text_to(app_number, HOME, [USER.user_id], expires_at=expires_at)
    clock.now += 1
    (message_id,) = await send_drafts(database, MessageIds(1, clock), [draft])
    assert isinstance(message_id, int)
    return message_id


async def is_read(database: Database, message_id: int) -> bool:
    """Return whether the reader has read a message."""
    (row,) = await rows(
        database, "select message_ids, read_at from mailbox_page where $1 = any(message_ids)", message_id
    )
    at = dict(zip(row["message_ids"], row["read_at"], strict=True))[message_id]
    return at is not None


async def test_a_page_that_is_swept_concurrently_is_changed(
    database: Database, app_number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    clock.rule(monkeypatch)
    stays = await send(database, app_number, clock)
    goes = await send(database, app_number, clock, lasting=10)
    clock.now += 100

    async def change_then_sweep(
        connection: Connection,
        changes: Mapping[PageKey, PageChange],
        now: int,
        *,
        only_pulled: bool,
        seen: Collection[AppVersion],
    ) -> dict[PageKey, set[int]]:
        missing = await change_status(connection, changes, now, only_pulled=only_pulled, seen=seen)
        monkeypatch.setattr(read_states, "change_status", change_status)
        async with database.pool.acquire() as other, other.transaction():
            assert await sweep_mailboxes(other, [USER], now) == 1
        return missing

    monkeypatch.setattr(read_states, "change_status", change_then_sweep)
    change = StatusChange(USER, app_number, frozenset({stays, goes}), read=True)
    assert await apply_status_changes(database, [change]) == [frozenset({goes})]
    assert await is_read(database, stays)


async def test_a_page_that_gets_an_expired_message_concurrently_is_changed(
    database: Database, app_number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    clock.rule(monkeypatch)
    stays = await send(database, app_number, clock)
    await send(database, app_number, clock, lasting=10)
    clock.now += 100
    sending: list[asyncio.Task[int]] = []

    async def sweep_then_send(connection: Connection, platform: Platform, keys: list[PageKey], now: int) -> int:
        swept = await sweep_pages(connection, platform, keys, now)
        sending.append(asyncio.create_task(send(database, app_number, clock, lasting=-50)))
        await asyncio.wait(sending, timeout=0.2)
        return swept

    monkeypatch.setattr(read_states, "sweep_pages", sweep_then_send)
    change = StatusChange(USER, app_number, frozenset({stays}), read=True)
    assert await apply_status_changes(database, [change]) == [frozenset()]
    assert await is_read(database, stays)
    await asyncio.wait_for(sending[0], 60)


async def test_a_batch_returns_the_missing_ids_of_each_call(database: Database, app_number: int) -> None:
    clock = Clock()
    one, two = await send(database, app_number, clock), await send(database, app_number, clock)
    other_user = HOME.recipient("somebody else")
    other_platform = Platform("another platform", 2).recipient(USER.user_id)
    missing = await apply_status_changes(
        database,
        [
            StatusChange(USER, app_number, frozenset({one, 4_711}), read=True),
            StatusChange(USER, app_number, frozenset({two}), read=True),
            StatusChange(other_user, app_number, frozenset({one}), read=True),
            StatusChange(USER, app_number + 1, frozenset({one, two}), read=False),
            StatusChange(USER, app_number, frozenset({0, (1 << 63) - 1}), read=True),
        ],
    )
    expected: list[set[int]] = [{4_711}, set(), {one}, {one, two}, {0, (1 << 63) - 1}]
    assert missing == [frozenset(ids) for ids in expected]
    elsewhere = StatusChange(other_platform, app_number, frozenset({two}), read=False)
    assert await apply_status_changes(database, [elsewhere]) == [frozenset({two})]
    assert await is_read(database, one)
    assert await is_read(database, two)


@one_server
async def test_a_change_for_a_changed_app_is_refused_and_the_rest_of_its_batch_applied(
    database: Database, app_number: int
) -> None:
    clock = Clock()
    one, two, three = [await send(database, app_number, clock) for _ in range(3)]
    (row,) = await rows(database, "select xmin as version from app where number = $1", app_number)
    old = row["version"]
    reads_one = StatusChange(USER, app_number, frozenset({one}), True, old)
    assert await apply_status_changes(database, [reads_one]) == [frozenset()]
    reads_two, not_there = (reads_one._replace(message_ids=frozenset({i})) for i in (two, 4_711))
    async with database.connection() as connection:
        await connection.execute("update app set name = name where number = $1", app_number)
    whatever_the_app = StatusChange(USER, app_number, frozenset({three, 4_711}), read=True)
    (row,) = await rows(database, "select xmin as version from app where number = $1", app_number)
    of_now = StatusChange(USER, app_number, frozenset({one}), False, row["version"])
    results = await apply_status_changes(database, [reads_two, whatever_the_app, not_there, of_now])
    assert [isinstance(result, AppChangedError) for result in results] == [True, False, True, False]
    assert [results[1], results[3]] == [{4_711}, frozenset()]
    assert [await is_read(database, i) for i in (one, two, three)] == [False, False, True]
    (result,) = await apply_status_changes(database, [reads_two])
    assert isinstance(result, AppChangedError)


async def test_a_message_set_unread_within_a_batch_is_unarchived(database: Database, app_number: int) -> None:
    one, two = await send(database, app_number, Clock()), await send(database, app_number, Clock(START + 5))

    async def archive(connection: Connection) -> None:
        places = [(page_key(USER, message_id, app_number), message_id) for message_id in (one, two)]
        await set_archived(connection, places, archived=True)

    await database.in_transaction(archive)
    calls = [(one, True), (two, True), (one, False), (one, True)]
    await apply_status_changes(database, [StatusChange(USER, app_number, frozenset({i}), read=r) for i, r in calls])
    assert await is_read(database, one)
    (row,) = await rows(database, "select archived_ids from mailbox_page")
    assert row["archived_ids"] == [two]


async def test_messages_that_are_no_neighbours_keep_their_first_read_times(
    database: Database, app_number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    clock.rule(monkeypatch)
    one, _, three = [await send(database, app_number, clock) for _ in range(3)]
    change = StatusChange(USER, app_number, frozenset({one, three}), read=True)
    first = clock.now
    for _ in range(2):
        assert await apply_status_changes(database, [change]) == [frozenset()]
        clock.now += 1
    (row,) = await rows(database, "select read_at from mailbox_page")
    assert row["read_at"] == [first, None, first]
