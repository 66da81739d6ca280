"""Citus: PostgreSQL over several nodes. The tables of cells are distributed by `cell`, all others stay where they are.

A table of cells is one whose primary key begins with `cell`. They are all co-located: the rows of a cell are together
on one node, so a statement about one cell is one task there. All other tables are on the coordinator
(docs/decisions/0023-citus.md).
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

import asyncpg

from msgcenter.database.connections import WORKER_SETTINGS
from msgcenter.database.database import Connection
from msgcenter.database.failures import unavailable_on_failure

_TABLES = """
    select class.relname as name, part.logicalrelid is not null as is_distributed, part.colocationid
    from pg_class as class
    join pg_index as key on key.indrelid = class.oid and key.indisprimary
    join pg_attribute as attribute on attribute.attrelid = class.oid and attribute.attnum = key.indkey[0]
    left join pg_dist_partition as part on part.logicalrelid = class.oid and part.partmethod = 'h'
    where attribute.attname = 'cell' and class.relkind = 'r' and pg_table_is_visible(class.oid)
    order by class.relname
"""
# Changes that share a transaction with changes of cells, which must commit on all nodes or on none. Citus does so by
# itself only for tables that it manages. An empty one of these, changed by a trigger, makes it do so for the others.
_CHANGES_WITH_CELLS = {
    "audit_entry": "insert",
    "channel_count": "insert",  # fires for `on conflict do update`, too
    "directory_org": "insert or update",
    "pgqueuer": "insert",
}
_TWO_PHASE_COMMIT = """
    create table if not exists two_phase_commit (number int primary key);
    select citus_add_local_table_to_metadata('two_phase_commit')
    where not exists (select from pg_dist_partition where logicalrelid = 'two_phase_commit'::regclass);
"""
_TWO_PHASE_FUNCTION = """
    create or replace function commit_in_two_phases() returns trigger language plpgsql as $$
    begin
      -- What the nodes have prepared follows the coordinator's commit. So that must not be lost: it waits for the disk.
      set local synchronous_commit to default;
      delete from two_phase_commit where number = 0;
      return null;
    end
    $$
"""


class CitusError(Exception):
    """A worker cannot be set up; the text says why."""


class Distribution(NamedTuple):
    """Which tables of cells are distributed and which are not yet, over how many shards on how many nodes."""

    distributed: list[str]
    missing: list[str]
    shards: int
    nodes: int


async def has_extension(connection: Connection) -> bool:
    """Return whether the database has the extension."""
    installed: bool = await connection.fetchval("select exists (select from pg_extension where extname = 'citus')")
    return installed


async def is_distributed(connection: Connection) -> bool:
    """Return whether Citus has distributed tables of the database."""
    return await has_extension(connection) and bool((await distribution(connection)).distributed)


@asynccontextmanager
async def local_definitions(connection: Connection) -> AsyncIterator[None]:
    """Define what belongs to local tables on the coordinator alone: Citus would repeat it on each node, which is slow.

    It would also search its shards for each row of the catalog that is read, to hide them.
    """
    await connection.execute("set citus.enable_ddl_propagation = off; set citus.override_table_visibility = off")
    try:
        yield
    finally:
        if not connection.is_closed():
            await connection.execute("reset citus.enable_ddl_propagation; reset citus.override_table_visibility")


async def diagnose_citus(url: str) -> Distribution | None:
    """Return how the tables of the database at `url` are distributed, None if it lacks the extension.

    Refuses with DATABASE_UNAVAILABLE.
    """
    with unavailable_on_failure():
        connection: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(url, timeout=10, command_timeout=10)
        try:
            return await distribution(connection) if await has_extension(connection) else None
        finally:
            await connection.close()


async def knows_cells(url: str) -> bool:
    """Return whether the node at `url` knows the distributed tables, so that statements about cells may go there.

    Refuses with DATABASE_UNAVAILABLE.
    """
    with unavailable_on_failure():
        connection: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(url, timeout=10, command_timeout=10)
        try:
            known: bool = await has_extension(connection) and await connection.fetchval(
                "select exists (select from pg_dist_partition where logicalrelid = to_regclass('mailbox_page'))"
            )
            return known
        finally:
            await connection.close()


async def distribution(connection: Connection) -> Distribution:
    """Return how the tables of cells are distributed, in a database that has the extension."""
    tables = await connection.fetch(_TABLES)
    distributed = [table["name"] for table in tables if table["is_distributed"]]
    missing = [table["name"] for table in tables if not table["is_distributed"]]
    placement = await connection.fetchrow(
        """
        select count(*) as shards, count(distinct (placement.nodename, placement.nodeport)) as nodes
        from pg_dist_shard as shard join pg_dist_shard_placement as placement on placement.shardid = shard.shardid
        where shard.logicalrelid = to_regclass($1)
        """,
        distributed[0] if distributed else None,
    )
    assert placement is not None
    return Distribution(distributed, missing, placement["shards"], placement["nodes"])


async def distribute(connection: Connection, shards: int) -> None:
    """Distribute the tables of cells that are not distributed yet, over `shards` shards if none is; set up the workers.

    Runs outside a transaction. An interrupted run is continued by the next one.
    """
    state = await distribution(connection)
    anchor = state.distributed[0] if state.distributed else None
    for table in state.missing:
        if anchor is None:
            await connection.execute(
                """
                select create_distributed_table($1::text::regclass, 'cell', colocate_with => 'none', shard_count => $2)
                """,
                table,
                shards,
            )
            anchor = table
        else:
            await connection.execute(
                "select create_distributed_table($1::text::regclass, 'cell', colocate_with => $2)", table, anchor
            )
        await connection.execute("select truncate_local_data_after_distributing_table($1::text::regclass)", table)
    await connection.execute(_TWO_PHASE_COMMIT)
    async with local_definitions(connection):
        await connection.execute(_TWO_PHASE_FUNCTION)
        for table, changes in _CHANGES_WITH_CELLS.items():
            await connection.execute(
                f"create or replace trigger commit_in_two_phases after {changes} on {table} "
                "for each statement execute function commit_in_two_phases()"
            )
    await set_up_workers(connection)


async def set_up_workers(connection: Connection) -> None:
    """Give the sessions of this user on the workers the settings that statements rely on.

    Citus itself would repeat such a command of one node on all others, which then wait for each other.
    """
    database = await connection.fetchval("select quote_ident(current_database())")
    settings = "".join(
        f"alter role current_user in database {database} set {name} = '{value}';"
        for name, value in WORKER_SETTINGS.items()
    )
    failures = await connection.fetch(
        "select nodename, nodeport, result from run_command_on_workers($1) where not success",
        f"do $$begin perform set_config('citus.enable_alter_role_set_propagation', 'off', true); {settings} end$$",
    )
    if failures:
        nodename, nodeport, result = failures[0]
        raise CitusError(f"The worker {nodename}:{nodeport} does not take the session settings: {result}")
