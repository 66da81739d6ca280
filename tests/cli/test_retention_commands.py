"""`msgcenter retention …`."""

import asyncio
from pathlib import Path

import pytest

from msgcenter.database.database import Database
from msgcenter.domain.message_id import MessageIds, now_ms
from msgcenter.messaging.send import send_drafts
from msgcenter.store.mailboxes import users
from msgcenter.store.retention.rules import sole_run
from tests.cli.program import Shell, assert_one_line
from tests.cli.test_app_commands import json_of
from tests.scene import add_app, find_platform, rows, text_to

DAY = 86_400_000


@pytest.fixture
async def shell(database: Database, database_url: str, tmp_path: Path) -> Shell:
    """Two platforms, each with a message from today and one from a year ago."""
    for node, code in enumerate(("1", "2")):
        number = await add_app(database, f"app-{code}", code)
        platform = await find_platform(database, code)
        async with database.connection() as connection:
            await users.register(connection, platform.first_cell, ["a", "b"])
        for days_ago in (365, 0):
            ids = MessageIds(2 * node + bool(days_ago), lambda ago=days_ago: now_ms() - ago * DAY)  # type: ignore[misc]
            await send_drafts(database, ids, [text_to(number, platform, ["a", "b"])])
    return Shell(database_url, tmp_path / "data")


async def messages(database: Database) -> dict[str, int]:
    """The number of messages per platform."""
    counts = await rows(database, "select platform_code, count(*) as n from message group by 1")
    return {row["platform_code"]: row["n"] for row in counts}


async def test_set_show_and_keep(shell: Shell) -> None:
    assert json_of(shell.run("retention", "show", "--json")) == [
        {"platformCode": "1", "days": None},
        {"platformCode": "2", "days": None},
    ]
    assert "forever" in shell.run("retention", "run").out
    outcome = shell.run("retention", "set", "1", "90")
    assert "Days that platform 1 keeps messages: 90" in outcome.out
    shown = shell.run("retention", "show").out
    assert all(words in shown for words in ("days kept", "90", "forever"))
    assert "forever" in shell.run("retention", "keep", "1").out
    assert "90" not in shell.run("retention", "show").out


async def test_a_run_removes_what_the_dry_run_announced(shell: Shell, database: Database) -> None:
    shell.run("retention", "set", "1", "90")
    (plan,) = json_of(shell.run("retention", "run", "--dry-run", "--json"))
    assert await messages(database) == {"1": 2, "2": 2}
    assert plan.pop("before") < "2100"
    assert plan == {
        **{"platformCode": "1", "days": 90, "dryRun": True, "entries": 2, "messages": 1, "versions": 0},
        **{"audiences": 1, "feedRows": 0, "subscriptions": 0, "memberships": 0, "paths": 0},
        "deliveries": 0,
    }
    await rows(database, "insert into idempotency_key values (1, 1, 1, 1, 'r', '')")
    done = shell.run("retention", "run")
    assert (done.code, done.err) == (0, "")
    assert "Removed" in done.out
    assert await messages(database) == {"1": 1, "2": 2}
    assert not await rows(database, "select 1 from idempotency_key")
    assert json_of(shell.run("retention", "run", "--platform", "1", "--json"))[0]["messages"] == 0
    assert "Platform 2 keeps messages forever" in shell.run("retention", "run", "--platform", "2").out


async def test_a_run_waits_for_another_and_prints_it(shell: Shell, database: Database) -> None:
    shell.run("retention", "set", "1", "90")
    async with sole_run(database):
        with shell.started("retention", "run") as running:
            assert await asyncio.to_thread(running.line_with, "Waiting for another process")
            assert running.process.poll() is None
            assert (await messages(database))["1"] == 2
            await asyncio.to_thread(shell.run, "retention", "run", "--dry-run")  # does not wait
            running.process.kill()
    assert shell.run("retention", "run").code == 0
    assert (await messages(database))["1"] == 1


async def test_errors_are_printed_in_one_line(shell: Shell) -> None:
    for command in (["set", "3", "90"], ["keep", "3"], ["run", "--platform", "3"]):
        assert_one_line(shell.run("retention", *command), "no platform 3", "platforms: 1, 2", "app create")
    for days in ("0", "36501"):
        assert_one_line(shell.run("retention", "set", "1", days), "days", "1-36500")
    assert shell.run("retention", "set", "1", "many").code == 2


def test_an_empty_installation_explains_how_to_begin(database_url: str, tmp_path: Path) -> None:
    shell = Shell(database_url, tmp_path / "data")
    assert "app create --name NAME --platform CODE" in shell.run("retention", "show").out
    assert_one_line(shell.run("user", "count", "--platform", "1"), "platforms: none")
