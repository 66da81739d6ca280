"""`msgcenter webhook …` against a running server."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from msgcenter_client import Client
from tests.cli.program import Shell, assert_one_line
from tests.conftest import Credentials, Server
from tests.gateway.calls import until
from tests.receiver import Receiver, receiving


@pytest.fixture
def shell(server: Server, app: Credentials, tmp_path: Path) -> Shell:
    return Shell(None, tmp_path, SERVER=server.url, APP_ID=app.app_id, APP_KEY=app.app_key)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as started:
        yield started


def test_create_test_pause_replay_update_rotate_and_delete_a_webhook(
    shell: Shell, client: Client, receiver: Receiver
) -> None:
    assert "No webhooks yet" in shell.run("webhook", "list").out
    created = shell.run(
        "webhook", "create", "--url", receiver.url, "--event", "message.read", "--event", "approval.closed"
    )
    assert created.code == 0
    (webhook,) = client.webhooks()
    assert webhook.id in created.out
    assert "whsec_" in created.out
    assert webhook.events == ("approval.closed", "message.read")

    assert shell.run("webhook", "test", webhook.id).code == 0
    (post,) = receiver.until(bool)
    until(lambda: [delivery.state for delivery in client.webhook_deliveries(webhook.id)] == ["delivered"])
    shown = shell.run("webhook", "deliveries", webhook.id).out
    row = next(line for line in shown.splitlines() if post.id in line)
    assert row.replace("│", " ").split()[:6] == [post.id, "webhook.test", "1", "delivered", "1", "HTTP"]

    assert shell.run("webhook", "pause", webhook.id).code == 0
    assert "paused (request)" in shell.run("webhook", "list").out
    assert "Deliveries being posted again: 1" in shell.run("webhook", "replay", webhook.id, "--delivery", post.id).out
    assert shell.run("webhook", "resume", webhook.id).code == 0
    receiver.until(lambda posts: len(posts) == 2)
    assert "again: 2" not in shell.run("webhook", "replay", webhook.id, "--since", "2020-01-01").out
    assert "message.unread" not in shell.run("webhook", "list").out
    assert shell.run("webhook", "update", webhook.id, "--event", "message.unread").code == 0
    assert "message.unread" in shell.run("webhook", "list").out
    assert "whsec_" in shell.run("webhook", "rotate", webhook.id).out
    assert shell.run("webhook", "delete", webhook.id).code == 0
    assert client.webhooks() == ()


def test_json_output(shell: Shell, receiver: Receiver) -> None:
    created = json.loads(shell.run("webhook", "create", "--url", receiver.url, "--event", "message.read", "--json").out)
    assert set(created) == {"id", "secret"}
    (listed,) = json.loads(shell.run("webhook", "list", "--json").out)
    assert (listed["id"], listed["state"], listed["pending"]) == (created["id"], "active", 0)
    shell.run("webhook", "test", created["id"])
    receiver.until(bool)
    (delivery,) = json.loads(shell.run("webhook", "deliveries", created["id"], "--json").out)
    assert delivery["body"]["type"] == "webhook.test"
    assert json.loads(shell.run("webhook", "rotate", created["id"], "--json").out)["secret"].startswith("whsec_")


def test_errors_are_printed_in_one_line(shell: Shell) -> None:
    create = ("webhook", "create", "--event", "message.read", "--url")
    assert_one_line(shell.run(*create, "http://10.0.0.1/"), "url", "https")
    assert_one_line(shell.run("webhook", "test", "wh_0"), "no such webhook")
    assert_one_line(shell.run("webhook", "update", "wh_0"), "--url")
    assert_one_line(shell.run("webhook", "replay", "wh_0"), "--delivery", "--since")
