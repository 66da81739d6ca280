"""`msgcenter app …`."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.program import Outcome, Shell, assert_one_line


@pytest.fixture
def shell(database_url: str, tmp_path: Path) -> Shell:
    return Shell(database_url, tmp_path)


def json_of(outcome: Outcome) -> Any:
    """The JSON value that a command printed in one line."""
    assert outcome.code == 0, outcome.err
    assert outcome.out.count("\n") == 1
    return json.loads(outcome.out)


def test_create_show_rotate_disable_and_enable_an_app(shell: Shell) -> None:
    created = json_of(shell.run("app", "create", "--name", "智慧校园", "--platform", "420100", "--json"))
    assert created.keys() == {"appId", "appKey", "name", "platformCode"}
    assert (created["name"], created["platformCode"]) == ("智慧校园", "420100")
    app_id, app_key = created["appId"], created["appKey"]

    [listed] = json_of(shell.run("app", "list", "--json"))
    assert (listed["appId"], listed["state"]) == (app_id, "active")
    assert app_key not in str(listed)
    assert json_of(shell.run("app", "show", app_id, "--key", "--json")) == listed | {"appKey": app_key}

    rotated = json_of(shell.run("app", "rotate-key", app_id, "--json"))
    assert rotated == created | {"appKey": rotated["appKey"]}
    assert rotated["appKey"] != app_key

    assert "disabled" in shell.run("app", "disable", app_id).out
    assert json_of(shell.run("app", "show", app_id, "--json"))["state"] == "disabled"
    assert "active" in shell.run("app", "enable", app_id).out


def test_output_for_people(shell: Shell) -> None:
    empty = shell.run("app", "list")
    assert "No apps yet" in empty.out
    assert "app create --name NAME --platform CODE" in empty.out

    created = shell.run("app", "create", "--name", "[bold]x[/]", "--platform", "1", "--app-id", "old", "--app-key", "-",
                     stdin="old-key\n")  # fmt: skip
    assert "[bold]x[/]" in created.out
    assert "MSGCENTER_APP_ID=old MSGCENTER_APP_KEY=old-key" in created.out
    assert "send --to USER" in created.out

    table = shell.run("app", "list").out
    assert all(word in table for word in ("old", "[bold]x[/]", "active"))
    assert "platform 2" in shell.run("app", "list", "--platform", "2").out


def test_the_appkey_variable_for_sending_is_not_used_for_new_apps(shell: Shell) -> None:
    exported = shell.run("app", "create", "--name", "A", "--platform", "1", "--json", APP_KEY="another app's key")
    assert json_of(exported)["appKey"] != "another app's key"


def test_errors_are_printed_in_one_line(shell: Shell) -> None:
    create = ("app", "create", "--platform", "1", "--name")
    assert_one_line(shell.run(*create, ""), "name", "1-64")
    assert shell.run(*create, "A", "--app-id", "taken").code == 0
    assert_one_line(shell.run(*create, "B", "--app-id", "taken"), "taken is taken")
    assert_one_line(shell.run("app", "rotate-key", "unknown"), "no app with this appId", "app list")
