"""The commands of the command line and their help."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
import typer
from typer.testing import CliRunner

from msgcenter import __version__
from msgcenter.cli.commands.webhook import DeliveryState, EventType
from msgcenter.cli.main import cli
from msgcenter.domain import webhook_schedule as domain_schedule
from msgcenter.domain.webhook import WebhookKind
from tests.cli.program import Shell


def commands(group: Any, *path: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command and group with the words that call it."""
    yield path, group
    for name, command in getattr(group, "commands", {}).items():
        yield from commands(command, *path, name)


ALL = dict(commands(typer.main.get_command(cli)))


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(None, tmp_path / "unused", forked=False)


def test_the_commands_are_exactly_these() -> None:
    assert {" ".join(path) for path in ALL} == {
        *("", "app", "user", "platform", "topic", "webhook", "operator", "retention", "directory", "channel"),
        *("serve", "demo", "migrate", "database", "doctor", "send", "status"),
        *(f"operator {name}" for name in ("create", "reset")),
        *(f"directory {name}" for name in ("import", "export", "show")),
        *(f"app {name}" for name in ("create", "list", "show", "rotate-key", "disable", "enable", "scope", "grant")),
        *("list", "receipts", "versions", "update", "recall", "remind"),
        *(f"topic {name}" for name in ("subscribe", "unsubscribe", "subscribers")),
        *(f"user {name}" for name in ("import", "count", "contacts", "forget")),
        *("platform create", "platform list"),
        *(f"channel {name}" for name in ("set", "fields", "list", "test", "off", "on", "remove")),
        *(f"channel {name}" for name in ("settings", "type", "policy")),
        *(f"channel {group} {name}" for group in ("type", "policy") for name in ("set", "list", "remove")),
        *("template", *(f"template {name}" for name in ("list", "show", "set", "approve", "reject", "archive"))),
        *(f"retention {name}" for name in ("show", "set", "keep", "run")),
        *(f"webhook {name}" for name in ("create", "list", "update", "pause", "resume", "delete", "rotate", "test")),
        *(f"webhook {name}" for name in ("deliveries", "replay")),
    }


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_every_command_and_option_has_help(path: tuple[str, ...]) -> None:
    shown = CliRunner().invoke(cli, [*path, "--help"], env={"COLUMNS": "200"})
    assert shown.exit_code == 0
    assert "Usage:" in shown.output
    assert ALL[path].help
    for parameter in ALL[path].params:
        assert parameter.help
        if parameter.param_type_name == "option":
            assert max(parameter.opts, key=len) in shown.output


def test_the_choices_for_webhooks_are_those_of_the_server() -> None:
    assert tuple(EventType) == get_args(WebhookKind)
    assert set(DeliveryState) == set(get_args(domain_schedule.DeliveryState))


def test_help_touches_nothing(shell: Shell) -> None:
    shown = shell.run("app", "create", "--help")
    assert (shown.code, shown.err) == (0, "")
    assert "\x1b" not in shown.out
    assert not shell.data_dir.exists()


def test_defaults_and_examples_are_in_the_help(shell: Shell) -> None:
    serve = shell.run("serve", "--help").out
    assert all(word in serve for word in ("127.0.0.1", "8080", "MSGCENTER_PORT", "Example:"))
    send = shell.run("send", "--help").out
    assert all(word in send for word in ("http://127.0.0.1:8080", "MSGCENTER_APP_KEY", "Examples:"))


def test_no_text_suggests_serving_every_network_without_tls() -> None:
    root = Path(__file__).parents[2]
    helps = [CliRunner().invoke(cli, [*path, "--help"], env={"COLUMNS": "200"}).output for path in ALL]
    pages = [page.read_text() for page in (root / "README.md", *(root / "docs").rglob("*.md"))]
    for text in helps + pages:
        # Texts may warn of it or document the setting, but never give it as a command.
        assert not re.search(r"msgcenter (serve|demo)[^\n]*--host (0\.0\.0\.0|::)", text)
        assert "HOST=0.0.0.0" not in text


def test_version(shell: Shell) -> None:
    outcome = shell.run("--version")
    assert (outcome.code, outcome.out, outcome.err) == (0, f"{__version__}\n", "")


def test_without_a_command_the_help_is_shown(shell: Shell) -> None:
    shown = shell.run()
    assert "Usage:" in shown.out + shown.err
    assert "Traceback" not in shown.err


def test_a_misspelt_command_is_reported(shell: Shell) -> None:
    refused = shell.run("srve")
    assert refused.code == 2
    assert "srve" in refused.err
    assert "Traceback" not in refused.err
