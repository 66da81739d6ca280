"""Citus: what `migrate` makes of a database. Most tests need a Citus, see docs/testing.md."""

import asyncio

import pytest

from msgcenter.database.citus import diagnose_citus
from msgcenter.database.connections import WORKER_SETTINGS
from msgcenter.database.database import Connection, Database
from msgcenter.database.migrate import SchemaError, migrate
from tests import citus
from tests.conftest import execute

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
    assert (len(before.distributed), before.shards) == (11, 4)
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
async def test_a_job_and_its_message_are_committed_in_two_phases(database: Database) -> None:
    """Else a crash of the coordinator between the commits of two nodes could lose the job of a message that is kept."""

    async def transactions(connection: Connection, statement: str) -> int:
        async with connection.transaction():
            await connection.execute(
                "insert into feed_head values (1, 0) on conflict (cell) do update set position = 0"
            )
            await connection.execute(statement)
        # Citus keeps a record of each prepared transaction until its maintenance removes it.
        return int(await connection.fetchval("select count(*) from pg_dist_transaction"))

    async with database.connection() as connection:
        assert await transactions(connection, "select 1") == 0
        assert await transactions(
            connection, "insert into webhook_event (created_at, endpoint_number, kind, data) values (1, 1, 'kind', '1')"
        )
