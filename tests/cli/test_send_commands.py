"""`msgcenter send` and `msgcenter status` against a running server."""

from pathlib import Path

import pytest

from msgcenter_client import Client
from tests.cli.program import Shell, assert_one_line
from tests.conftest import Credentials, Server

URL = "https://a.example/x"


@pytest.fixture
def shell(server: Server, app: Credentials, tmp_path: Path) -> Shell:
    return Shell(None, tmp_path, SERVER=server.url, APP_ID=app.app_id, APP_KEY=app.app_key)


def test_send_a_message_and_set_its_status(shell: Shell, client: Client, user: str) -> None:
    sent = shell.run("send", "--to", user, "--to", f"{user}-2", "hello")
    assert sent.code == 0
    message_id = sent.out.strip()
    assert message_id.isdigit()
    assert client.unread_count(user) == 1

    shown = shell.run("status", "--set", "read", "--user", user, message_id, "1")
    assert shown.code == 0
    assert "1: no such message of this user" in shown.out
    row = next(line for line in shown.out.splitlines() if message_id in line)
    assert row.replace("│", " ").split() == [message_id, "sent", "2", "2", "1", "1"]
    assert client.unread_count(user) == 0


def test_send_links_cards_and_approvals(shell: Shell, client: Client, user: str) -> None:
    assert shell.run("send", "--to", user, "--title", "Homework", "--url", URL, "Unit 3").code == 0
    card = shell.run("send", "--to", user, "--head", "Leave", "--url", URL, "--approval", "3 days").out.strip()
    assert [(message.kind, message.business_id) for message in client.messages()] == [("oa", "cli"), ("link", "cli")]
    assert shell.run("status", "--set", "read", card).code == 0
    assert client.unread_count(user) == 1


def test_errors_are_printed_in_one_line(shell: Shell, client: Client, user: str) -> None:
    message_id = client.send_text(user, "hello")
    assert_one_line(shell.run("status", "--set", "read", message_id), "pending approval", "--user")
    assert_one_line(shell.run("send", "--to", user, "x", APP_KEY="wrong"), "keyInfo is wrong", "200004")
    assert_one_line(
        shell.run("send", "--to", user, "x", "--server", "http://127.0.0.1:9"), "http://127.0.0.1:9", "msgcenter serve"
    )
    assert_one_line(shell.run("send", "--to", user, "--head", "x", "y"), "--url")
    assert_one_line(shell.run("status", "--user", user, message_id), "--set")
