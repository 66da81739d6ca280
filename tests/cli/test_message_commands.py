"""Commands for topics and sent messages; sends to topics, to everyone and at a later time."""

import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
import typer

from msgcenter.cli.moments import parse_moment
from msgcenter_client import Client
from tests.cli.program import Shell, assert_one_line
from tests.conftest import Credentials, Server

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=timezone(timedelta(hours=8)))


@pytest.fixture
def shell(server: Server, app: Credentials, tmp_path: Path) -> Shell:
    return Shell(None, tmp_path, SERVER=server.url, APP_ID=app.app_id, APP_KEY=app.app_key)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("+30m", NOON + timedelta(minutes=30)),
        ("+2h", NOON + timedelta(hours=2)),
        ("+3d", NOON + timedelta(days=3)),
        ("15:30", NOON.replace(hour=15, minute=30)),
        ("07:05", NOON.replace(day=25, hour=7, minute=5)),
        ("2026-12-01T08:00+08:00", datetime(2026, 12, 1, tzinfo=UTC)),
    ],
)
def test_moments_are_parsed(text: str, expected: datetime) -> None:
    assert parse_moment(text, "--at", NOON) == expected


@pytest.mark.parametrize("text", ["", "soon", "25:00", "+1w", "2026-13-01"])
def test_an_invalid_moment_fails_with_the_allowed_forms(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit):
        parse_moment(text, "--at", NOON)
    message = capsys.readouterr().err
    assert "--at" in message
    assert "is not a valid time" in message
    assert "+2h" in message


def test_subscribe_send_to_and_unsubscribe_from_a_topic(shell: Shell, client: Client, user: str) -> None:
    users = "\n".join([user, f"{user}-2", "", user])
    subscribed = shell.run("topic", "subscribe", f"t-{user}", "--from", "-", stdin=users)
    assert subscribed.code == 0
    assert f"New subscribers of t-{user}: 2, already subscribed: 0" in subscribed.out
    added = shell.run("topic", "subscribe", f"t-{user}", user, f"{user}-3").out
    assert f"New subscribers of t-{user}: 1, already subscribed: 1" in added
    assert shell.run("topic", "subscribers", f"t-{user}").out.split() == [user, f"{user}-2", f"{user}-3"]
    message_id = shell.run("send", "--topic", f"t-{user}", "to the topic").out.strip()
    assert client.unread_count(f"{user}-3") == 1
    removed = shell.run("topic", "unsubscribe", f"t-{user}", user).out
    assert f"Users unsubscribed from t-{user}: 1, not subscribed: 0" in removed
    assert json.loads(shell.run("topic", "subscribers", f"t-{user}", "--json").out) == [f"{user}-2", f"{user}-3"]
    assert f"topic t-{user}" in shell.run("list").out
    shown = shell.run("receipts", message_id, "--unread").out
    assert "recipients: 3, delivered: 3, read: 0, unread: 3" in shown
    assert_one_line(shell.run("topic", "subscribe", "t"), "--from")
    assert_one_line(shell.run("topic", "unsubscribe", f"no-{user}", user), "no such topic")


def test_send_to_everyone_and_at_a_later_time(shell: Shell, client: Client, user: str) -> None:
    client.user_token(user)
    assert shell.run("send", "--all", "--expire", "+12h", "to everyone").code == 0
    assert client.unread_count(user) == 1
    later = shell.run("send", "--to", user, "--at", "+2h", "--sender", "宋文萍", "later").out.strip()
    status = client.message_status(later)
    assert (status.state, status.sender_name) == ("scheduled", "宋文萍")
    assert "sender: 宋文萍" in shell.run("receipts", later).out
    assert_one_line(shell.run("send", "--to", user, "--all", "both"), "--to", "--topic", "--all")
    assert_one_line(shell.run("send", "no audience"), "--to")
    assert_one_line(shell.run("send", "--to", user, "--at", "soon", "x"), "--at", "+2h")


def test_update_remind_and_recall_a_message(shell: Shell, client: Client, user: str) -> None:
    message_id = shell.run("send", "--to", user, "the trip is on Monday").out.strip()
    assert shell.run("update", message_id, "the trip is on Tuesday", "--reset-read").code == 0
    assert "unread again" in shell.run("update", message_id, "on Friday", "--reset-read").out
    versions = shell.run("versions", message_id).out
    assert "Monday" in versions
    assert "Friday" in versions
    assert [version["number"] for version in json.loads(shell.run("versions", message_id, "--json").out)] == [1, 2, 3]
    assert "Reminded users: 1" in shell.run("remind", message_id).out
    assert_one_line(shell.run("remind", message_id), "once an hour")
    shown = shell.run("receipts", message_id).out
    assert "updated" in shown
    assert "version 3" in shown
    assert "reminded" in shown
    assert user in shown
    assert shell.run("recall", message_id).code == 0
    assert client.unread_count(user) == 0
    assert "recalled" in shell.run("receipts", message_id).out
    assert_one_line(shell.run("recall", "1"), "no such message")
    assert_one_line(shell.run("receipts", message_id, "--read", "--unread"), "--read", "--unread")


def test_the_approver_of_a_closed_approval_is_shown(shell: Shell, client: Client, user: str) -> None:
    message_id = client.send_text(user, "may I?", approval=True)
    assert shell.run("status", "--set", "read", "--approver", "headmaster", message_id).code == 0
    assert "by headmaster" in shell.run("receipts", message_id).out
    assert_one_line(shell.run("status", "--approver", "headmaster", message_id), "--set")
