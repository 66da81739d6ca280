"""Errors that an operator can fix are printed in one line."""

import asyncio
import secrets
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from msgcenter.database.database import Database
from tests.cli.program import Shell, assert_one_line
from tests.conftest import other_database

SECRET = "s" * 32
NOWHERE = "postgresql://user:hunter2@127.0.0.1:9/msgcenter"


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(None, tmp_path / "data")


@pytest.fixture
def taken_port() -> Iterator[str]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield str(listener.getsockname()[1])


@pytest.mark.parametrize("command", [["serve"], ["app", "list"]])
def test_a_wrong_setting_stops_every_command(command: list[str], shell: Shell) -> None:
    assert_one_line(shell.run(*command, PORT="eighty"), "MSGCENTER_PORT is 'eighty'", "0 to 65535")
    assert not shell.data_dir.exists()


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("TOKEN_TTL", "1", "a whole number from 60"),
        ("LOG_LEVEL", "loud", "one of debug, info, warning, error"),
        ("SECRET_KEY", "hunter2", "at least 32"),
        ("DATABASE_URL", "mysql://hunter2@db", "a URL like postgresql://"),
        ("DATABASE_URL", NOWHERE, "MSGCENTER_SECRET_KEY is not set"),
        ("HOST", "no.such.host.invalid", "not an address of this machine"),
        ("HOST", "192.0.2.1", "not an address of this machine"),
    ],
)
def test_a_wrong_setting_is_named(name: str, value: str, message: str, shell: Shell) -> None:
    outcome = shell.run("serve", **{"PORT": "0", name: value})
    assert_one_line(outcome, message)
    assert "hunter2" not in outcome.err


def test_an_impossible_data_folder_is_reported(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert_one_line(shell.run("migrate", DATA_DIR=str(tmp_path / "file" / "x")), "MSGCENTER_DATA_DIR")


@pytest.mark.parametrize("command", ["serve", "demo"])
def test_a_taken_port_is_reported_before_anything_is_created(command: str, shell: Shell, taken_port: str) -> None:
    other = int(taken_port) + 1
    assert_one_line(shell.run(command, "--port", taken_port), f"Port {taken_port} ", "is taken", f"--port {other}")
    assert not shell.data_dir.exists()


def test_under_make_a_taken_port_is_explained_in_terms_of_make(shell: Shell, taken_port: str) -> None:
    shell.environment["MAKELEVEL"] = "1"
    assert_one_line(shell.run("demo", "--port", taken_port), f"make run ARGS='--port {int(taken_port) + 1}'")


@pytest.mark.parametrize("command", [["demo", "--port", "0"], ["migrate"], ["app", "list"]])
def test_an_unreachable_database_is_reported(command: list[str], shell: Shell) -> None:
    outcome = shell.run(*command, DATABASE_URL=NOWHERE, SECRET_KEY=SECRET)
    assert_one_line(outcome, "The database does not answer", "MSGCENTER_DATABASE_URL")
    assert "hunter2" not in outcome.err


async def test_rows_that_another_program_holds_are_named_as_the_cause(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    shell = Shell(database_url, tmp_path / "data")
    assert (await asyncio.to_thread(shell.run, "app", "create", "--name", "A", "--platform", "1")).code == 0
    async with database.connection() as connection, connection.transaction():
        app_id = await connection.fetchval("select app_id from app where name = 'A' for update")
        outcome = await asyncio.to_thread(shell.run, "app", "disable", app_id)
    assert_one_line(outcome, "Another program is changing the same rows", "Repeat the command")
    assert "disabled" in (await asyncio.to_thread(shell.run, "app", "disable", app_id)).out


def test_a_missing_database_is_reported(shell: Shell, postgres: str) -> None:
    url = other_database(postgres, f"no_{secrets.token_hex(4)}")
    assert_one_line(shell.run("migrate", DATABASE_URL=url, SECRET_KEY=SECRET), "does not exist")


def test_a_wrong_secret_key_is_reported(database_url: str, tmp_path: Path) -> None:
    shell = Shell(database_url, tmp_path)
    assert shell.run("app", "create", "--name", "A", "--platform", "1", SECRET_KEY="a" * 32).code == 0
    other = "b" * 32
    outcome = shell.run("serve", "--port", "0", SECRET_KEY=other)
    assert_one_line(outcome, "secret key", "MSGCENTER_SECRET_KEY", "secret.key")
    assert other not in outcome.err


def test_database_programs_run_only_on_the_embedded_database(shell: Shell) -> None:
    assert_one_line(shell.run("database", "../psql"), "not a PostgreSQL program", "pg_dump")
    assert_one_line(shell.run("database", DATABASE_URL=NOWHERE, SECRET_KEY=SECRET), "MSGCENTER_DATABASE_URL")
    assert not shell.data_dir.exists()
