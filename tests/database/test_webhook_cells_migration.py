"""The migration that gives the events and deliveries of webhooks a cell loses none of them and keeps their order."""

from collections.abc import AsyncIterator

import pytest

from msgcenter.actions.webhooks.deliveries import WebhookDeliveries
from msgcenter.database.database import Database
from msgcenter.database.migrate import migrate
from msgcenter.domain.message_id import now_ms
from msgcenter.domain.person import COMMAND
from msgcenter.store.apps.apps import find_app
from msgcenter.store.webhooks import deliveries, leases, outbox
from tests import citus
from tests.conftest import execute
from tests.database.earlier_version import (
    CELLS_MIGRATION,
    Row,
    comparable,
    migrate_to,
    restore,
    rows_before_cells,
    rows_of,
)
from tests.delivery.scene import READ, record_events, webhooks_of

_BEFORE = 16
_SHARDS = citus.SHARDS if citus.is_on() else None
_CELLS = {1: 1, 2: 2}
"""The cell of each webhook: `homework` is an app of the first platform, `library` of the second one."""
_LAST_NUMBER = 5_000
"""Of the events and deliveries that were there before, most of which are gone."""


@pytest.fixture
async def before(empty_database: str) -> dict[str, list[Row]]:
    """The rows of the tables of webhooks in a database of the version before, which `empty_database` becomes."""
    await migrate_to(empty_database, CELLS_MIGRATION - 1)
    await restore(empty_database, rows_before_cells())
    await migrate_to(empty_database, _BEFORE, citus_shards=_SHARDS)
    await execute(
        empty_database,
        f"""
        insert into webhook_endpoint (app_number, endpoint_id, url, events, secret_sealed, created_at)
        select number, 'wh_2', 'https://example.org/', '{{message.read}}', '', 1 from app where app_id = 'library';
        insert into webhook_event (endpoint_number, kind, message_id, data, created_at)
        select 1 + n % 2, 'message.read', n, json_build_object('msgId', n), n from generate_series(1, 40) as n;
        insert into webhook_delivery (endpoint_number, webhook_id, kind, message_ids, event_count, body, created_at,
          next_attempt_at, finished_at, state, last_response)
        select 1 + n % 2, 'msg_' || n, 'message.read', array[n, n + 1], 2, '{{}}', n, n, case when n < 10 then n end,
          case when n < 10 then 'delivered' else 'pending' end, 'OK' from generate_series(1, 20) as n;
        select setval(pg_get_serial_sequence('webhook_event', 'id'), {_LAST_NUMBER});
        select setval(pg_get_serial_sequence('webhook_delivery', 'id'), {_LAST_NUMBER});
        """,
    )
    tables = ("webhook_endpoint", "webhook_event", "webhook_delivery")
    return {table: await rows_of(empty_database, table) for table in tables}


@pytest.fixture
async def database(before: dict[str, list[Row]], empty_database: str) -> AsyncIterator[Database]:
    """The database after the migration."""
    assert before
    await migrate(empty_database, citus_shards=_SHARDS)
    async with Database(empty_database) as opened:
        yield opened


def in_order(rows: list[Row], webhook_number: int) -> list[int]:
    return [row["id"] for row in sorted(rows, key=lambda row: row["id"]) if row["endpoint_number"] == webhook_number]


async def test_every_row_is_kept_and_has_its_cell(before: dict[str, list[Row]], database: Database) -> None:
    for table, rows in before.items():
        key = "number" if table == "webhook_endpoint" else "endpoint_number"
        expected = [row | {"cell": _CELLS[row[key]]} for row in rows]
        # Later migrations have added columns.
        kept = [{name: row[name] for name in expected[0]} for row in await rows_of(database.url, table)]
        assert comparable(kept) == comparable(expected)


async def test_events_are_taken_in_the_order_of_before_and_new_ones_follow(
    before: dict[str, list[Row]], database: Database
) -> None:
    async with database.connection() as connection:
        records = [await find_app(connection, app_id) for app_id in ("homework", "library")]
    numbers = [record.app.number for record in records if record is not None]
    for app_number in numbers:
        await record_events(database, app_number, (READ, 7))
    async with database.connection() as connection:
        claimed = await leases.claim(connection, "holder", failing=False, limit=10, now=now_ms(), until=1 << 60)
        assert {lease.webhook_number: lease.cell for lease in claimed} == _CELLS
        for lease in claimed:
            *old, new = [event.id for event in await outbox.next_events(connection, lease, 1_000)]
            assert old == in_order(before["webhook_event"], lease.webhook_number)
            assert new > _LAST_NUMBER


async def test_pending_deliveries_are_tried_first_and_new_ones_have_higher_numbers(
    before: dict[str, list[Row]], database: Database
) -> None:
    async with database.connection() as connection:
        claimed = await leases.claim(connection, "holder", failing=False, limit=10, now=now_ms(), until=1 << 60)
        await connection.execute("delete from webhook_delivery where state = 'pending' and id % 2 = 0")
    for lease in claimed:
        task = await database.in_transaction(deliveries.take, lease, now=now_ms(), until=1 << 60)
        pending = [
            (row["next_attempt_at"], row["id"])
            for row in before["webhook_delivery"]
            if row["state"] == "pending" and row["id"] % 2 and row["endpoint_number"] == lease.webhook_number
        ]
        assert task is not None
        assert task.delivery_number == min(pending)[1] if pending else task.delivery_number > _LAST_NUMBER


async def test_deliveries_are_listed_and_replayed_as_before(before: dict[str, list[Row]], database: Database) -> None:
    history = WebhookDeliveries(database)
    async with database.connection() as connection:
        records = [await find_app(connection, app_id) for app_id in ("homework", "library")]
    for number, record in enumerate(records, 1):
        assert record is not None
        ids = in_order(before["webhook_delivery"], number)
        (report,) = await webhooks_of(database).registered(record.app)
        page = await history.page(record.app, report.webhook.webhook_id, limit=100)
        assert [delivery.number for delivery in page.items] == ids[::-1]
        assert await history.replay(record.app, report.webhook.webhook_id, since=0, by=COMMAND) == len(ids)
