"""`msgcenter channel …`, with a real SMTP server."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.program import Shell, assert_one_line
from tests.smtp_sink import SmtpSink, smtp_sink

PASSWORD = "correct horse"


@pytest.fixture
def shell(database_url: str, tmp_path: Path) -> Shell:
    shell = Shell(database_url, tmp_path / "data")
    assert shell.run("app", "create", "--name", "A", "--platform", "1").code == 0
    return shell


@pytest.fixture
def server() -> Iterator[SmtpSink]:
    """A mail server on this machine."""
    with smtp_sink() as sink:
        yield sink


def test_a_gateway_is_set_tested_listed_turned_off_and_removed(shell: Shell, server: SmtpSink) -> None:
    assert "No gateways yet" in shell.run("channel", "list").out
    url = f"smtp://127.0.0.1:{server.port}?security=none"
    done = shell.run("channel", "set", "1", "email", "--smtp", url, "--from", "School <no-reply@s.example>")
    assert (done.code, "channel test 1 email --to ADDRESS" in done.out) == (0, True)
    accepted = shell.run("channel", "test", "1", "email", "--to", "a@school.example", "--language", "en")
    assert (accepted.code, accepted.out.startswith("✓ Accepted")) == (0, True)
    assert [mail.to for mail in server.mails] == ["a@school.example"]
    server.answer_to = lambda _: "550 5.1.1 no such user"
    refused = shell.run("channel", "test", "1", "email", "--to", "a@school.example")
    assert (refused.code, "no such user" in refused.err) == (1, True)
    listed = shell.run("channel", "list", "1").out
    assert f"127.0.0.1:{server.port}" in listed
    assert "no such user" in listed
    assert "email is off." in shell.run("channel", "off", "1", "email").out
    assert "off already" in shell.run("channel", "off", "1", "email").out
    assert json.loads(shell.run("channel", "list", "--json").out)[0]["state"] == "off"
    assert "email is on." in shell.run("channel", "on", "1", "email").out
    assert_one_line(shell.run("channel", "remove", "1", "email"), "Add --yes")
    assert shell.run("channel", "remove", "1", "email", "--yes").code == 0
    assert_one_line(shell.run("channel", "off", "1", "email"), "no gateway for email")


def test_a_secret_is_read_from_a_file_or_input_and_never_printed(shell: Shell, tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text(f"{PASSWORD}\n")
    fields = [f"--field={it}" for it in ("host=mail.s.example", "user=u", "from=a@s.example")]
    by_file = shell.run("channel", "set", "1", "email", *fields, f"--field=password=@{secret}")
    by_input = shell.run("channel", "set", "1", "email", *fields, "--field=password=?", stdin=f"{PASSWORD}\n")
    listed = shell.run("channel", "list", "--json")
    for outcome in (by_file, by_input, listed):
        assert outcome.code == 0, outcome.err
        assert PASSWORD not in outcome.out
    assert json.loads(listed.out)[0]["secrets"] == ["password"]
    assert_one_line(shell.run("channel", "set", "1", "email", "--field=password=@/nowhere"), "/nowhere cannot be read")


def test_what_is_wrong_is_named(shell: Shell) -> None:
    assert_one_line(shell.run("channel", "set", "1", "fax"), "field channel is wrong")
    assert_one_line(shell.run("channel", "set", "1", "email", "--field=host=a b"), "field")
    assert_one_line(shell.run("channel", "set", "1", "sms"), "access_key_id is missing", "channel fields sms lists all")
    assert_one_line(shell.run("channel", "set", "1", "email", "--field=host"), "--field takes NAME=VALUE")
    assert_one_line(shell.run("channel", "set", "2", "email"), "There is no platform 2")
    assert_one_line(shell.run("channel", "fields", "fax"), "field channel is wrong")


def test_the_fields_of_a_channel_are_listed(shell: Shell) -> None:
    listed = shell.run("channel", "fields", "email").out
    assert "password: Password (secret; optional)" in listed
    (provider,) = json.loads(shell.run("channel", "fields", "email", "--json").out)
    assert next(it for it in provider["fields"] if it["name"] == "host")["required"]
