"""The migration to cells: a database with every kind of data, written by the version before, loses nothing."""

from collections.abc import AsyncIterator, Callable, Iterable, Iterator

import pytest

from msgcenter.actions.mailboxes.inbox import Inbox
from msgcenter.actions.mailboxes.inbox_views import InboxQuery
from msgcenter.actions.mailboxes.statuses import Statuses
from msgcenter.actions.mailboxes.user_tokens import Viewer
from msgcenter.actions.messages.message_status import MessageStatuses
from msgcenter.database.database import Database
from msgcenter.database.migrate import migrate
from msgcenter.domain.account import Recipient
from msgcenter.domain.mailbox import WITHDRAWN_UNREAD
from msgcenter.domain.message_id import MAX_ID, bucket_of, now_ms
from msgcenter.store.apps.apps import find_app
from msgcenter.store.apps.platforms import find_platforms
from msgcenter.store.mailboxes.feed import FeedAction
from tests.conftest import create_database, drop_database, name_of, wait_for
from tests.database.earlier_version import (
    CELLS_MIGRATION,
    Row,
    comparable,
    migrate_to,
    restore,
    rows_before_cells,
    rows_of,
)

_CELLS = {"420100": 1, "420200": 2}
"""The first cell of each platform: in the order in which the platforms were created."""


@pytest.fixture(scope="module")
def before() -> dict[str, list[Row]]:
    return rows_before_cells()


@pytest.fixture(scope="module")
def migrated_once(postgres: str, before: dict[str, list[Row]]) -> Iterator[str]:
    """The URL of the database after the migration."""
    url = wait_for(create_database(postgres))
    wait_for(migrate_to(url, CELLS_MIGRATION - 1))
    wait_for(restore(url, before))
    wait_for(migrate(url))
    yield url
    wait_for(drop_database(postgres, url))


@pytest.fixture
async def migrated(postgres: str, migrated_once: str) -> AsyncIterator[str]:
    """The URL of a copy of that database."""
    url = await create_database(postgres, name_of(migrated_once))
    yield url
    await drop_database(postgres, url)


def in_cell(row: Row) -> Row:
    """Return a row that is keyed by platform as the migration should make it."""
    return {"cell": _CELLS[row["platform_code"]]} | {name: row[name] for name in row if name != "platform_code"}


def mailbox(row: Row) -> Row:
    return in_cell(row) | {"muted_apps": None, "forgotten": None}


def feed(row: Row) -> Row:
    return in_cell(row) | {"roles": None, "direct": False}


def page(row: Row) -> Row:
    """Return a page whose entries are in order."""
    entries = sorted(zip(row["message_ids"], row["read_at"], strict=True), key=lambda entry: entry[0])
    return in_cell(row) | {
        "message_ids": [message_id for message_id, _ in entries],
        "read_at": [read_at for _, read_at in entries],
        "unread": sum(read_at is None for _, read_at in entries),
        **dict.fromkeys(("hidden_ids", "snoozed_ids", "snoozed_until", "woken_ids", "starred_ids")),
    }


def message(row: Row) -> Row:
    kept = {name: row[name] for name in row if name not in {"position", "reset_position"}}
    return kept | {
        "cell": _CELLS[row["platform_code"]],
        "cells": 1,
        "audience_cells": None,
        "positions": None if row["position"] is None else [row["position"]],
        "reset_positions": None if row["reset_position"] is None else [row["reset_position"]],
        "sender_name": None,
        "type_code": None,
    }


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ("mailbox", mailbox),
        ("mailbox_page", page),
        ("topic_subscription", in_cell),
        ("feed", feed),
        ("feed_head", in_cell),
        ("message", message),
    ],
)
async def test_every_row_is_kept_and_has_its_cell(
    migrated: str, before: dict[str, list[Row]], table: str, expected: Callable[[Row], Row]
) -> None:
    assert comparable(await rows_of(migrated, table)) == comparable(map(expected, before[table]))


async def test_versions_and_audiences_go_to_the_cells_of_their_messages(
    migrated: str, before: dict[str, list[Row]]
) -> None:
    cells = {row["id"]: _CELLS[row["platform_code"]] for row in before["message"]}
    versions = [row | {"cell": cells[row["message_id"]]} for row in before["message_version"]]
    assert comparable(await rows_of(migrated, "message_version")) == comparable(versions)
    chunks = {(row["digest"], row["bucket"]): row for row in before["audience_chunk"]}
    used = set()
    for row in before["message"]:
        digits = row["audience"].removeprefix("\\x")
        digests = [digits[start : start + 64] for start in range(0, len(digits), 64)]
        used |= {(cells[row["id"]], rf"\x{digest}", bucket_of(row["id"])) for digest in digests}
    expected = [chunks[digest, bucket] | {"cell": cell} for cell, digest, bucket in used]
    assert comparable(await rows_of(migrated, "audience_chunk")) == comparable(expected)


@pytest.mark.parametrize("table", ["idempotency_key", "quota_use"])
async def test_request_ids_and_quotas_go_to_the_cell_of_the_app(
    migrated: str, before: dict[str, list[Row]], table: str
) -> None:
    homes = {row["number"]: _CELLS[row["platform_code"]] for row in before["app"]}
    expected = [row | {"cell": homes[row["app_number"]]} for row in before[table]]
    assert comparable(await rows_of(migrated, table)) == comparable(expected)


async def test_no_other_table_changes(migrated: str, before: dict[str, list[Row]]) -> None:
    moved = {"mailbox", "mailbox_page", "topic_subscription", "feed", "feed_head", "message", "message_version"}
    moved |= {"audience_chunk", "idempotency_key", "quota_use", "platform"}
    for table in before.keys() - moved:
        after = [{name: row[name] for name in before[table][0]} for row in await rows_of(migrated, table)]
        assert comparable(after) == comparable(before[table]), table


async def test_mailboxes_show_count_and_change_as_before(migrated: str, before: dict[str, list[Row]]) -> None:
    async with Database(migrated) as database:
        statuses = Statuses(database, waiting_limit=100)
        inbox = Inbox(database, statuses, waiting_limit=100)
        async with database.connection() as connection:
            platforms = await find_platforms(connection)
            record = await find_app(connection, "homework")
        assert record is not None
        unchanged = unchanged_messages(before)
        for row in before["mailbox"]:
            recipient = platforms[row["platform_code"]].recipient(row["user_id"])
            shown = await shown_in(inbox, recipient)
            entries = {
                message_id: read_at
                for message_id, read_at in entries_of(before["mailbox_page"], row).items()
                if message_id in unchanged
            }
            assert {i: at for i, at in shown.items() if i in entries} == entries
            missing = await statuses.set_status(
                record.app, recipient.user_id, frozenset(entries), read=True, platform_code=recipient.platform_code
            )
            others = {m["id"] for m in before["message"] if m["app_number"] != record.app.number}
            assert missing == entries.keys() & others


def unchanged_messages(before: dict[str, list[Row]]) -> set[int]:
    """Return the messages that no time and no row of the feed, which mailboxes may still have to pull, changes."""
    changed = {row["message_id"] for row in before["feed"] if row["action"] != FeedAction.MESSAGE}
    now = now_ms()
    current = {row["id"] for row in before["message"] if row["expires_at"] is None or row["expires_at"] > now}
    return current - changed


async def shown_in(inbox: Inbox, recipient: Recipient) -> dict[int, int | None]:
    """Return the read times of all messages that an inbox shows, archived ones too, by message id."""
    viewer = Viewer(recipient, None, (), (), MAX_ID)
    shown: dict[int, int | None] = {}
    for query in (InboxQuery(filter="all", limit=100), InboxQuery(filter="archived", limit=100)):
        shown |= {item.message.id: item.message.read_at for item in (await inbox.list_messages(viewer, query)).items}
    return shown


def entries_of(pages: Iterable[Row], mailbox: Row) -> dict[int, int | None]:
    """Return the read times of the entries of a mailbox that are not withdrawn, by message id."""
    name = (mailbox["user_id"], mailbox["platform_code"])
    own = [row for row in pages if (row["user_id"], row["platform_code"]) == name]
    entries = {i: at for row in own for i, at in zip(row["message_ids"], row["read_at"], strict=True)}
    return {i: at for i, at in entries.items() if at is None or at > WITHDRAWN_UNREAD}


async def test_the_receipts_of_every_message_are_as_before(migrated: str, before: dict[str, list[Row]]) -> None:
    async with Database(migrated) as database:
        statuses = MessageStatuses(database, waiting_limit=100)
        async with database.connection() as connection:
            apps = [await find_app(connection, app_id) for app_id in ("homework", "library")]
        by_number = {record.app.number: record.app for record in apps if record is not None}
        for row in before["message"]:
            status = await statuses.status(by_number[row["app_number"]], row["id"])
            if row["topic_number"] is None:
                read_at = [
                    at
                    for page_row in before["mailbox_page"]
                    for i, at in zip(page_row["message_ids"], page_row["read_at"], strict=True)
                    if i == row["id"]
                ]
                read = sum(at is not None and at != WITHDRAWN_UNREAD for at in read_at)
                assert status.counts == (row["receivers"], len(read_at), read)
