"""The tables of cells on a plain PostgreSQL as they are on a cluster: partitioned by the hash of the cell.

A cluster sends a statement to the nodes whose shards it may touch. PostgreSQL plans for partitions in the same way, so
its plans show where a statement would go.
"""

import asyncpg

from msgcenter.database.database import Connection

PARTITIONS = 8


async def partition_cell_tables(url: str) -> None:
    """Replace the tables of cells in a migrated database, which are still empty, by partitioned ones.

    Columns, defaults, generated columns, keys, indexes and storage parameters stay as they are.
    """
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction():
            for table in await cell_tables(connection):
                await _partition(connection, table)
    finally:
        await connection.close()


async def cell_tables(connection: Connection) -> list[str]:
    """Return the names of the tables whose primary key begins with the cell, in order."""
    rows = await connection.fetch(
        """
        select pg_class.relname
        from pg_index
        join pg_class on pg_class.oid = pg_index.indrelid
        join pg_attribute on pg_attribute.attrelid = pg_class.oid and pg_attribute.attnum = pg_index.indkey[0]
        where pg_index.indisprimary
            and pg_class.relnamespace = 'public'::regnamespace
            and not pg_class.relispartition
            and pg_attribute.attname = 'cell'
        order by pg_class.relname
        """
    )
    return [row["relname"] for row in rows]


async def _partition(connection: Connection, table: str) -> None:
    assert not await connection.fetchval(f"select exists (select from {table})"), f"{table} has rows"
    constraints = await connection.fetch(
        "select conname, pg_get_constraintdef(oid) as definition from pg_constraint where conrelid = $1::regclass",
        table,
    )
    indexes = await connection.fetch(
        """
        select pg_get_indexdef(indexrelid)
        from pg_index
        where indrelid = $1::regclass
            and not exists (select from pg_constraint where pg_constraint.conindid = pg_index.indexrelid)
        """,
        table,
    )
    options = await connection.fetchval("select reloptions from pg_class where oid = $1::regclass", table)
    storage = f"with ({', '.join(options)})" if options else ""
    await connection.execute(
        f"""
        alter table {table} rename to plain_{table};
        create table {table} (
            like plain_{table} including defaults including generated including storage including compression
        ) partition by hash (cell);
        drop table plain_{table};
        """
    )
    for remainder in range(PARTITIONS):
        await connection.execute(
            f"""
            create table {table}_{remainder} partition of {table}
            for values with (modulus {PARTITIONS}, remainder {remainder}) {storage}
            """
        )
    for name, definition in constraints:
        await connection.execute(f"alter table {table} add constraint {name} {definition}")
    for (definition,) in indexes:
        await connection.execute(definition)


async def partitions_by_name(connection: Connection) -> dict[str, tuple[str, int]]:
    """Return the table and the remainder of each partition, by the name of the partition."""
    return {
        f"{table}_{remainder}": (table, remainder)
        for table in await cell_tables(connection)
        for remainder in range(PARTITIONS)
    }


async def remainders_of(connection: Connection, cells: range) -> dict[int, int]:
    """Return the remainders of the partitions that have the rows of these cells."""
    rows = await connection.fetch(
        """
        select cell, remainder
        from unnest($1::int[]) as cell
        cross join generate_series(0, $2 - 1) as remainder
        where satisfies_hash_partition('message'::regclass, $2, remainder, cell)
        """,
        list(cells),
        PARTITIONS,
    )
    return {row["cell"]: row["remainder"] for row in rows}
