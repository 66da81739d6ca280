"""`msgcenter channel type|policy|settings …`."""

from pathlib import Path

import pytest

from msgcenter.actions.apps.apps import Apps
from msgcenter.actions.apps.key_ring import KeyRing
from msgcenter.database.database import Database
from msgcenter.domain.channels.codes import Urgency
from msgcenter.domain.channels.policy import Choice, PolicyKey
from msgcenter.store.channels.policy import read_rules
from tests.channel_rows import ChannelRows
from tests.cli.program import Shell, assert_one_line
from tests.cli.test_app_commands import json_of
from tests.conftest import PLATFORM, SECRET_KEY
from tests.scene import rows


@pytest.fixture
def shell(database_url: str, tmp_path: Path) -> Shell:
    return Shell(database_url, tmp_path / "data")


@pytest.fixture
async def app_id(database: Database) -> str:
    """An app on the platform."""
    return (await Apps(database, KeyRing(SECRET_KEY)).create("Homework", PLATFORM)).app.app_id


async def test_what_is_set_is_what_sends_follow(shell: Shell, database: Database, app_id: str) -> None:
    await ChannelRows(database, PLATFORM).add_gateways("email")
    for command in (
        ("type", "set", PLATFORM, "homework", "--zh", "作业", "--channels", "push, email", "--urgency", "low"),
        ("type", "set", PLATFORM, "homework", "--delay", "60", "--mandatory"),
        ("type", "set", PLATFORM, "old", "--channels", "none"),
        ("type", "remove", PLATFORM, "old"),
        ("policy", "set", PLATFORM, app_id, "--delay", "0"),
        ("policy", "set", PLATFORM, app_id, "--channels", "none", "--type", "homework"),
        ("settings", PLATFORM, "--channels", "sms", "--delay", "5", "--quiet", "22:00-07:30"),
    ):
        outcome = shell.run("channel", *command)
        assert outcome.code == 0, outcome.err
    async with database.connection() as connection:
        rules = (await read_rules(connection, [PLATFORM]))[PLATFORM]
        record = await connection.fetchrow("select number from app where app_id = $1", app_id)
    assert record is not None
    number = record["number"]
    assert (rules.channels, rules.delay_minutes) == (("sms",), 5)
    homework = rules.types["homework"]
    assert (homework.urgency, homework.choice) == (Urgency.LOW, Choice(("push", "email"), 60))
    assert rules.types["old"].is_archived
    assert rules.policies == {
        PolicyKey(number): Choice(None, 0),
        PolicyKey(number, "homework"): Choice(()),
    }
    (archived, kind) = sorted(json_of(shell.run("channel", "type", "list", PLATFORM, "--json")), key=len)
    if archived["code"] != "old":
        archived, kind = kind, archived
    assert archived["archived"] is True
    assert kind == {
        **{"code": "homework", "zh": "作业", "en": "作业", "urgency": "low", "channels": ["push", "email"]},
        **{"delayMinutes": 60, "mandatory": True, "archived": False},
    }
    shown = json_of(shell.run("channel", "settings", PLATFORM, "--json"))
    assert (shown["quietHours"], shown["digestAfter"], shown["inboxUrl"]) == ("22:00-07:30", 5, None)
    listed = json_of(shell.run("channel", "policy", "list", PLATFORM, "--json"))
    assert [(it["category"], it["channels"], it["delayMinutes"]) for it in listed] == [
        (None, None, 0),
        ("homework", [], None),
    ]
    assert "作业" in shell.run("channel", "type", "list", PLATFORM).out
    assert "removed" in shell.run("channel", "policy", "remove", PLATFORM, app_id).out
    assert "no such" in shell.run("channel", "policy", "remove", PLATFORM, app_id).out
    assert "none" in shell.run("channel", "settings", PLATFORM, "--quiet", "none", "--channels", "none").out
    actions = await rows(database, "select action from audit_entry where action like 'channel.%' order by id")
    assert [row["action"] for row in actions] == [
        *["channel.type"] * 3,
        "channel.type.archive",
        *["channel.policy"] * 2,
        "channel.settings",
        "channel.policy.remove",
        "channel.settings",
    ]


async def test_mistakes_are_refused(shell: Shell, database: Database, app_id: str) -> None:
    kind, policy, settings = ("channel", "type", "set"), ("channel", "policy", "set"), ("channel", "settings")
    assert_one_line(shell.run(*kind, "nowhere", "x"), "nowhere")
    assert_one_line(shell.run(*kind, PLATFORM, "a b"), "code", "letters")
    assert_one_line(shell.run(*kind, PLATFORM, "x", "--channels", "fax"), "channels", "fax")
    assert_one_line(shell.run(*kind, PLATFORM, "x", "--delay", "10081"), "delay", "10080")
    assert_one_line(shell.run(*kind, PLATFORM, "x", "--delay", "soon"), "--delay")
    assert_one_line(shell.run(*kind, PLATFORM, "x", "--urgency", "very"), "--urgency")
    assert_one_line(shell.run("channel", "type", "remove", PLATFORM, "x"), "no message type")
    assert_one_line(shell.run(*policy, PLATFORM, "unknown", "--delay", "1"), "appId")
    assert_one_line(shell.run(*policy, PLATFORM, app_id), "channels")
    assert_one_line(shell.run(*policy, PLATFORM, app_id, "--delay", "1", "--type", "x"), "no message type")
    assert_one_line(shell.run(*settings, PLATFORM, "--quiet", "22-7"), "quiet", "22:00")
    assert_one_line(shell.run(*settings, PLATFORM, "--quiet", "22:00-22:00"), "quiet")
    assert_one_line(shell.run(*settings, PLATFORM, "--time-zone", "Mars/Base"), "time_zone")
    assert_one_line(shell.run(*settings, PLATFORM, "--inbox-url", "javascript:alert(1)"), "inbox_url")
    assert_one_line(shell.run(*settings, PLATFORM, "--digest-after", "0"), "digest_after")
    for table in ("message_type", "channel_policy", "channel_settings"):
        assert await rows(database, f"select from {table}") == []
