"""The commands behind a real PgBouncer: `migrate` sets it up, `doctor` checks it."""

from pathlib import Path

import asyncpg

from tests.cli.program import Shell, assert_one_line
from tests.cli.test_doctor import findings
from tests.conftest import wait_for
from tests.services import running_pgbouncer


async def _set_hash_joins(url: str, value: str) -> None:
    connection = await asyncpg.connect(url, statement_cache_size=0)
    await connection.execute(f"set enable_hashjoin = {value}")
    await connection.close()


def test_the_doctor_checks_the_sessions_that_migrate_has_set_up(empty_database: str, tmp_path: Path) -> None:
    with running_pgbouncer(empty_database) as (url, _):
        shell = Shell(url, tmp_path, PORT="0", DIRECT_DATABASE_URL=empty_database)
        lacking = findings(shell, code=1)["pooler"]
        assert (lacking["verdict"], "enable_hashjoin = off" in lacking["found"]) == ("problem", True)
        assert "msgcenter migrate" in lacking["advice"]

        assert shell.run("migrate").code == 0
        pooler = findings(shell, code=1)["pooler"]
        assert pooler["verdict"] == ("ok" if "keeps prepared statements;" in pooler["found"] else "warning")
        assert pooler["verdict"] == "ok" or "PgBouncer 1.21" in pooler["advice"]

        wait_for(_set_hash_joins(url, "on"))
        changed = findings(shell, code=1)["pooler"]
        assert changed["found"].endswith(": enable_hashjoin = off")
        assert "RECONNECT" in changed["advice"]


def test_a_pooler_without_a_direct_url_is_refused_in_one_line(database_url: str, tmp_path: Path) -> None:
    with running_pgbouncer(database_url) as (url, _):
        assert_one_line(Shell(url, tmp_path).run("migrate"), "Set MSGCENTER_DIRECT_DATABASE_URL, too")
