"""`msgcenter send` and `msgcenter status` against a running server."""

from pathlib import Path

import pytest

from msgcenter.database.database import Database
from msgcenter_client import Client, Organisations
from tests.cli.program import Shell, assert_one_line
from tests.conftest import PLATFORM, Credentials, Server, SharedConnections
from tests.directory_rows import DirectoryRows
from tests.scene import find_platform

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


def test_send_to_organisations(
    shell: Shell, client: Client, app: Credentials, shared_connections: SharedConnections, user: str
) -> None:
    school = f"school-{user}"

    async def write(database: Database) -> None:
        directory = DirectoryRows(database, await find_platform(database, PLATFORM))
        await directory.add_org(school)
        await directory.join(school, [user], "tea")
        await directory.grant(app.number, school)

    shared_connections.run(write(shared_connections.database))
    sent = shell.run("send", "--org", school, "--role", "tea", "--role", "adm", "--no-sub", "hello")
    assert sent.out.strip().isdigit()
    assert client.unread_count(user) == 1
    (message,) = client.messages()
    assert message.organisations == Organisations((school,), ("adm", "tea"), include_sub=False)
    assert f"organisations {school}" in shell.run("list", COLUMNS="300").out
    assert_one_line(shell.run("send", "--org", "none", "x"), "no such organisation: none")
    assert_one_line(shell.run("send", "--to", user, "--org", school, "x"), "--org")
    assert_one_line(shell.run("send", "--to", user, "--role", "tea", "x"), "--org")


def test_errors_are_printed_in_one_line(shell: Shell, client: Client, user: str) -> None:
    message_id = client.send_text(user, "hello")
    assert_one_line(shell.run("status", "--set", "read", message_id), "pending approval", "--user")
    assert_one_line(shell.run("send", "--to", user, "x", APP_KEY="wrong"), "keyInfo is wrong", "200004")
    assert_one_line(
        shell.run("send", "--to", user, "x", "--server", "http://127.0.0.1:9"), "http://127.0.0.1:9", "msgcenter serve"
    )
    assert_one_line(shell.run("send", "--to", user, "--head", "x", "y"), "--url")
    assert_one_line(shell.run("status", "--user", user, message_id), "--set")
