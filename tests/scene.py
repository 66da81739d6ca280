"""Shared by tests that use the database directly: drafts, apps, an event loop for synchronous tests, a clock."""

import asyncio
import os
from collections.abc import Coroutine, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Protocol, TypeVar

import asyncpg
import pytest
from hypothesis import strategies as st
from msgspec.structs import replace

from msgcenter.database.database import Connection, Database
from msgcenter.domain.account import Platform
from msgcenter.domain.audience import receivers_of
from msgcenter.domain.content import Text
from msgcenter.domain.message import Draft
from msgcenter.domain.webhook import READ, UNREAD
from msgcenter.messaging import add_entries
from msgcenter.store.apps.apps import find_app, insert_app, set_platforms
from msgcenter.store.apps.platforms import ensure_platform, find_platforms
from msgcenter.store.webhooks import webhooks
from tests.conftest import PLATFORM, TEST_CELLS

Result = TypeVar("Result")
Drawn = TypeVar("Drawn")
START = 1_767_225_600_000
"""2026-01-01T00:00:00Z, the start of the clocks of tests."""
HOME = Platform(PLATFORM, 1)
"""The first platform of a test's own database, which has one cell, the first. The app of `app_number` is on it."""
_ON_SERVER = Platform(PLATFORM, 0, int(os.environ.get(TEST_CELLS) or 1))


def cell_of(user_id: str) -> int:
    """Return the place of a user's cell among those of a platform that a test creates on a server."""
    return _ON_SERVER.cell_of(user_id)


def in_receipt_order(user_ids: Iterable[str]) -> list[str]:
    """Return user ids in the order of receipts: cell by cell, and sorted in each."""
    return sorted(user_ids, key=lambda user_id: (cell_of(user_id), user_id))


class Loop(Protocol):
    """Runs coroutines to their end, all on one event loop."""

    def __call__(self, work: Coroutine[object, object, Result], /) -> Result: ...


@contextmanager
def event_loop() -> Iterator[Loop]:
    """Give a synchronous test an event loop in a thread. Hypothesis runs its examples on it, one after the other."""
    with asyncio.Runner() as runner, ThreadPoolExecutor(1) as thread:

        def run(work: Coroutine[object, object, Result]) -> Result:
            return thread.submit(runner.run, work).result()

        yield run


def weighted(*choices: tuple[int, st.SearchStrategy[Drawn]]) -> st.SearchStrategy[Drawn]:
    """Draw from strategies with weights. (`one_of` would drop a strategy that occurs more than once.)"""
    spread = [number for number, (weight, _) in enumerate(choices) for _ in range(weight)]
    return st.sampled_from(spread).flatmap(lambda number: choices[number][1])


class Clock:
    """A clock in ms since 1970 that a test sets."""

    def __init__(self, now: int = START) -> None:
        self.now = now

    def __call__(self) -> int:
        """Return the time."""
        return self.now

    def rule(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Make the messaging package use this clock."""
        for module in ("messaging.send", "messaging.set_status", "messaging.decide_approvals", "messaging.fan_out"):
            monkeypatch.setattr(f"msgcenter.{module}.now_ms", self)


def short_pages(monkeypatch: pytest.MonkeyPatch, limit: int) -> None:
    """Set the number of entries of a full page part."""
    monkeypatch.setattr(add_entries, "PAGE_LIMIT", limit)


def text_to(
    app_number: int,
    platform: Platform,
    receivers: Iterable[str],
    *,
    app_cell: int | None = None,
    content: str = "text",
    approval: bool = False,
    request_id: str | None = None,
    send_at: int | None = None,
    expires_at: int | None = None,
    sender_name: str | None = None,
) -> Draft:
    """Return the draft of a text message. Unless `app_cell` says so, the app has no other home platform."""
    draft = Draft(
        app_number=app_number,
        app_cell=platform.first_cell if app_cell is None else app_cell,
        platform=platform,
        body=Text(content),
        receivers=receivers_of(receivers),
        approval=approval,
        request_id=request_id,
        send_at=send_at,
        expires_at=expires_at,
        sender_name=sender_name,
    )
    return replace(draft, digest=draft.fingerprint())


async def add_app(database: Database, app_id: str, platform_code: str, *others: str) -> int:
    """Add an app without a usable key, authorised for other platforms too; return its number.

    New platforms have one cell.
    """

    async def write(connection: Connection) -> int:
        for code in (platform_code, *others):
            await ensure_platform(connection, code, code, START, cells=1)
        await insert_app(
            connection, app_id=app_id, name=app_id, platform_code=platform_code, key_sealed=b"sealed", now=START
        )
        await set_platforms(connection, app_id, others)
        record = await find_app(connection, app_id)
        assert record is not None
        return record.app.number

    return await database.in_transaction(write)


async def add_webhook(connection: Connection, app_number: int) -> None:
    """Register a webhook of an app for all status events; nothing is there to answer it."""
    await webhooks.insert_webhook(
        connection,
        app_number=app_number,
        webhook_id="wh_1",
        url="https://a.invalid/",
        events=[READ, UNREAD],
        secret_sealed=b"",
        limit=10,
        now=1,
    )


async def find_platform(database: Database, code: str) -> Platform:
    """Return the platform with this code."""
    async with database.connection() as connection:
        return (await find_platforms(connection))[code]


async def rows(database: Database, query: str, *values: object) -> list[asyncpg.Record]:
    """Return the rows of a query."""
    async with database.connection() as connection:
        return await connection.fetch(query, *values)
