"""Citus: what `migrate` makes of a database. Most tests need a Citus, see docs/testing.md."""

import asyncio

import asyncpg
import pytest

from msgcenter.database.citus import diagnose_citus, knows_cells
from msgcenter.database.connections import WORKER_SETTINGS
from msgcenter.database.database import Connection, Database
from msgcenter.database.migrate import SchemaError, migrate
from msgcenter.domain.person import COMMAND
from msgcenter.domain.webhook import READ, WebhookEvent
from msgcenter.store.messages.node_lease import NodeLease
from msgcenter.store.webhooks import outbox
from tests import citus
from tests.conftest import PLATFORM, execute
from tests.database.earlier_version import CELLS_MIGRATION, migrate_to, restore, rows_before_cells, rows_of
from tests.delivery.scene import app_of, webhooks_of
from tests.scene import rows
from tests.store.cell_story import Story, small_parts

on_citus = pytest.mark.skipif(not citus.is_on(), reason="takes a Citus")


@pytest.mark.skipif(citus.is_on(), reason="has the extension")
async def test_a_database_without_the_extension_is_refused(empty_database: str) -> None:
    with pytest.raises(SchemaError, match="the database has no extension citus"):
        await migrate(empty_database, citus_shards=4)
    assert await diagnose_citus(empty_database) is None


@on_citus
async def test_tables_of_cells_are_distributed_once(empty_database: str) -> None:
    await asyncio.gather(*(migrate(empty_database, citus_shards=4) for _ in range(2)))
    before = await diagnose_citus(empty_database)
    assert before is not None
    assert before.missing == []
    assert {"message", "mailbox_page", "webhook_event"} <= set(before.distributed)
    assert before.shards == 4
    await migrate(empty_database, citus_shards=8)
    assert await diagnose_citus(empty_database) == before


@on_citus
async def test_tables_with_data_are_distributed_and_new_tables_join_them(empty_database: str) -> None:
    await migrate(empty_database)
    await execute(empty_database, "insert into feed_head select cell, cell from generate_series(1, 100) as cell")
    await migrate(empty_database, citus_shards=4)
    await execute(empty_database, "create table later (cell int primary key)")
    await migrate(empty_database, citus_shards=4)
    state = await diagnose_citus(empty_database)
    assert state is not None
    assert "later" in state.distributed
    async with Database(empty_database, connections=2) as database, database.connection() as connection:
        assert await connection.fetchval("select sum(position) from feed_head left join later using (cell)") == 5_050


@on_citus
async def test_a_database_that_an_earlier_version_distributed_is_migrated(
    empty_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_parts(monkeypatch)
    await migrate_to(empty_database, CELLS_MIGRATION - 1)
    await restore(empty_database, before := rows_before_cells())
    await migrate_to(empty_database, CELLS_MIGRATION, citus_shards=4)
    await migrate(empty_database, citus_shards=4)
    state = await diagnose_citus(empty_database)
    assert state is not None
    assert state.missing == []
    assert len(await rows_of(empty_database, "message")) == len(before["message"])
    await execute(empty_database, "delete from webhook_endpoint")  # the story expects no others
    async with Database(empty_database, citus=True) as database, NodeLease(empty_database) as lease:
        await (await Story.begin(database, lease, 4)).play()


@on_citus
async def test_without_the_setting_a_distributed_database_is_refused(database_url: str) -> None:
    with pytest.raises(SchemaError, match="MSGCENTER_CITUS=on"):
        await migrate(database_url)


@on_citus
async def test_sessions_on_the_workers_have_the_settings_that_statements_rely_on(database: Database) -> None:
    async with database.connection() as connection:
        for name, value in WORKER_SETTINGS.items():
            rows = await connection.fetch("select result from run_command_on_workers($1)", f"show {name}")
            assert {row["result"] for row in rows} == {value}
        async with connection.transaction():
            await connection.execute("set local lock_timeout = 1234")
            await connection.execute("insert into feed_head values (1, 0)")
            timeout = "select current_setting('lock_timeout') from feed_head where cell = 1 offset 0"
            assert await connection.fetchval(timeout) == "1234ms"


@on_citus
async def test_connections_of_jobs_look_into_the_catalog_without_the_filter_of_citus(database_url: str) -> None:
    """The filter hides the names of shards. With it, the driver looks up the types of the job queue for seconds."""
    settings = Database(database_url, citus=True).unlimited_settings
    connection = await asyncpg.connect(database_url, server_settings=settings)
    try:
        assert await connection.fetchval("show citus.override_table_visibility") == "off"
    finally:
        await connection.close()


async def prepared(database: Database) -> set[str]:
    """Return the transactions that nodes have prepared. Citus keeps their names until its maintenance removes them."""
    return {row["gid"] for row in await rows(database, "select gid from pg_dist_transaction")}


async def change_cell(connection: Connection, statement: str) -> None:
    """Change a row of cell 1 and run another statement."""
    await connection.execute("insert into feed_head values (1, 0) on conflict (cell) do update set position = 0")
    await connection.execute(statement)


CHANGES = {
    "a job": "insert into pgqueuer (priority, entrypoint, status) values (0, 'deliver', 'queued')",
    "an audit entry": """
        insert into audit_entry (at, actor_kind, actor, action, subject, address, detail)
        values (1, 'command', '', '', '', '', '{}')
        """,
    "a count of channels": f"""
        insert into channel_count (platform_code, app_number, channel, day, outcome, deliveries)
        values ('{PLATFORM}', 1, 'email', '2026-01-01', 'sent', 1)
        """,
    "an organisation": f"""
        insert into directory_org (platform_code, org_id, kind, name) values ('{PLATFORM}', 'school', '', 'School')
        """,
    "an organisation's parent": "update directory_org set parent_number = null",
}


@on_citus
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
async def test_a_change_of_a_cell_and_one_on_the_coordinator_are_committed_in_two_phases(
    database: Database, app_number: int, change: str
) -> None:
    """Else a crash of the coordinator between the commits of two nodes would keep one and lose the other."""
    assert app_number
    before = await prepared(database)
    await database.in_transaction(change_cell, "select 1")
    assert await prepared(database) <= before
    await database.in_transaction(change_cell, change)
    assert len(await prepared(database) - before) == 1


@on_citus
async def test_a_commit_in_two_phases_waits_for_the_disk(database: Database) -> None:
    """Else a crash of the coordinator could lose what the other nodes have committed."""

    async def change(connection: Connection) -> list[str]:
        await connection.execute("set local synchronous_commit = off")
        await change_cell(connection, "select 1")
        before = await connection.fetchval("show synchronous_commit")
        await connection.execute(CHANGES["a count of channels"])
        return [before, await connection.fetchval("show synchronous_commit")]

    assert await database.in_transaction(change) == ["off", "on"]


@on_citus
async def test_a_webhook_event_and_its_change_in_one_cell_are_committed_in_one_phase(
    database: Database, app_number: int
) -> None:
    app = await app_of(database, app_number)
    await webhooks_of(database).create(app, "https://a.invalid/", [READ], by=COMMAND)
    before = await prepared(database)

    async def change(connection: Connection) -> None:
        await change_cell(connection, "select 1")
        await outbox.record(connection, [WebhookEvent(app_number, READ, 1, {})], 1)

    await database.in_transaction(change)
    assert len(await rows(database, "select from webhook_event where cell = 1")) == 1
    assert await prepared(database) <= before


@on_citus
@pytest.mark.parametrize("node", ["coordinator", "worker"])
@pytest.mark.parametrize("cells", [1, 4])
async def test_every_statement_works_on_a_platform_of_some_cells(
    database_url: str, cells: int, node: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_parts(monkeypatch)
    cells_url = citus.worker_url(database_url) if node == "worker" else None
    async with Database(database_url, citus=True, cells_url=cells_url) as database, NodeLease(database_url) as lease:
        await (await Story.begin(database, lease, cells)).play()


@on_citus
async def test_a_node_knows_the_cells_once_they_are_distributed(empty_database: str) -> None:
    worker = citus.worker_url(empty_database)
    assert not await knows_cells(worker)
    await migrate(empty_database, citus_shards=4)
    assert await knows_cells(worker)
