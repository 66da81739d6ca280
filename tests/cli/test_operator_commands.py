"""`msgcenter operator …`: create operators and reset their logins."""

from pathlib import Path

from msgcenter.database.database import Database
from tests.cli.program import Shell
from tests.conftest import execute
from tests.scene import rows

LOGIN = "li@school.example.edu"
CHOSEN = "an entirely different one"


async def state(database: Database) -> tuple[bool, bool, bool]:
    """Return for the only person: one-time password, second factor enabled, account disabled."""
    (row,) = await rows(database, "select * from person")
    return row["one_time_until"] is not None, row["second_factor_sealed"] is not None, row["disabled_at"] is not None


async def test_a_generated_password_is_for_one_login(database_url: str, database: Database, tmp_path: Path) -> None:
    outcome = Shell(database_url, tmp_path).run("operator", "create", LOGIN)
    assert (outcome.code, "must be changed at the first login" in outcome.out) == (0, True)
    assert await state(database) == (True, False, False)


async def test_a_reset_sets_a_one_time_password_and_keeps_the_second_factor_by_default(
    database_url: str, database: Database, tmp_path: Path
) -> None:
    shell = Shell(database_url, tmp_path)
    assert shell.run("operator", "create", LOGIN, "--password", "-", stdin=CHOSEN).code == 0
    assert await state(database) == (False, False, False)
    await execute(database_url, "update person set second_factor_sealed = 'x', disabled_at = 1")
    assert shell.run("operator", "reset", LOGIN).code == 0
    assert await state(database) == (True, True, False)
    assert shell.run("operator", "reset", LOGIN, "--second-factor").code == 0
    assert await state(database) == (True, False, False)


def test_the_password_rules_apply(database_url: str, tmp_path: Path) -> None:
    shell = Shell(database_url, tmp_path)
    for password, message in (("password123", "too easy"), ("MsgCenter2026", "must be more than"), ("short", "10-128")):
        refused = shell.run("operator", "create", LOGIN, "--password", "-", stdin=password)
        assert (refused.code, message in refused.err) == (1, True), refused
