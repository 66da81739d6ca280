"""Databases as earlier versions have left them, for the tests of migrations.

`data/before_cells.json` has the rows of a database with every kind of data by table, as PostgreSQL writes them as JSON.
It was written by the version before cells. Some of its pages are out of order, as after a late delivery.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from msgcenter.database.migrate import known_migrations, migrate

_BEFORE_CELLS = Path(__file__).parent / "data" / "before_cells.json"
CELLS_MIGRATION = 13
"""The migration that gave tables cells."""
Row = dict[str, Any]


def rows_before_cells() -> dict[str, list[Row]]:
    """Return the rows of each table in a database of the version before cells."""
    data: dict[str, list[Row]] = json.loads(_BEFORE_CELLS.read_text(encoding="utf-8"))
    return data


async def migrate_to(url: str, number: int, *, citus_shards: int | None = None) -> None:
    """Apply the migrations up to a number."""
    earlier = [migration for migration in known_migrations() if migration.number <= number]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("msgcenter.database.migrate.known_migrations", lambda: earlier)
        # The other tables came later.
        patched.setattr(
            "msgcenter.database.citus._CHANGES_WITH_CELLS", dict.fromkeys(("audit_entry", "pgqueuer"), "insert")
        )
        await migrate(url, citus_shards=citus_shards)


async def restore(url: str, rows_by_table: dict[str, list[Row]]) -> None:
    """Insert the rows into the tables of a database, and continue the numbers of its identity columns after them."""
    connection = await asyncpg.connect(url)
    try:
        for table in ("platform", *(name for name in rows_by_table if name != "platform")):
            columns = ", ".join(rows_by_table[table][0])
            await connection.execute(
                f"""
                insert into {table} ({columns}) overriding system value
                select {columns} from jsonb_populate_recordset(null::{table}, $1::jsonb)
                """,
                json.dumps(rows_by_table[table]),
            )
        for table, column in await connection.fetch(
            "select table_name, column_name from information_schema.columns where is_identity = 'YES'"
        ):
            await connection.execute(
                f"select setval(pg_get_serial_sequence('{table}', '{column}'), max({column})) from {table}"
            )
    finally:
        await connection.close()


async def rows_of(url: str, table: str) -> list[Row]:
    """Return the rows of a table."""
    connection = await asyncpg.connect(url)
    try:
        return [json.loads(row["r"]) for row in await connection.fetch(f"select to_jsonb(t)::text as r from {table} t")]
    finally:
        await connection.close()


def comparable(rows: Iterable[Row]) -> list[str]:
    """Return rows in a form that is equal for equal rows in any order."""
    return sorted(json.dumps(row, sort_keys=True) for row in rows)
