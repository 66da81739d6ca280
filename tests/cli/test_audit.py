"""Commands are recorded in the audit log with user, machine and change. No-op changes are not recorded."""

import getpass
import json
import socket
from pathlib import Path

import pytest

from msgcenter.database.database import Database
from tests.cli.program import Shell
from tests.scene import rows


@pytest.fixture
def shell(database_url: str, tmp_path: Path) -> Shell:
    """A shell with an empty database."""
    return Shell(database_url, tmp_path / "data")


async def entries(database: Database) -> list[tuple[str, str, object]]:
    """Return the log's actions, subjects and details. Asserts that all entries are by this user on this machine."""
    audit_rows = await rows(database, "select * from audit_entry order by id")
    assert {(row["actor_kind"], row["actor"], row["address"]) for row in audit_rows} == {
        ("command", getpass.getuser(), socket.gethostname())
    }
    return [(row["action"], row["subject"], json.loads(row["detail"])) for row in audit_rows]


async def test_commands_are_recorded(shell: Shell, database: Database, tmp_path: Path) -> None:
    users = tmp_path / "users.txt"
    users.write_text("li\nwang\n")
    for command in (
        ("app", "create", "--name", "Homework", "--platform", "420100", "--app-id", "homework"),
        ("app", "create", "--name", "Canteen", "--platform", "420100", "--app-id", "canteen"),
        ("app", "rotate-key", "homework"),
        ("app", "scope", "homework", "--inbox", "platform", "--no-broadcast"),
        ("app", "scope", "homework", "--inbox", "platform", "--no-broadcast"),
        ("app", "disable", "homework"),
        ("app", "disable", "homework"),
        ("app", "enable", "homework"),
        ("retention", "set", "420100", "365"),
        ("retention", "set", "420100", "365"),
        ("retention", "keep", "420100"),
        ("user", "import", str(users), "--platform", "420100"),
        ("user", "import", str(users), "--platform", "420100"),
        ("operator", "create", "li@school.example.edu", "--name", "Li"),
        ("operator", "reset", "li@school.example.edu"),
    ):
        assert shell.run(*command).code == 0, command
    assert shell.run("app", "create", "--name", "Again", "--platform", "new", "--app-id", "homework").code == 1
    assert await entries(database) == [
        ("platform.create", "420100", {"name": "420100"}),
        ("app.create", "homework", {"name": "Homework", "platform": "420100"}),
        ("app.create", "canteen", {"name": "Canteen", "platform": "420100"}),
        ("app.key.rotate", "homework", {"overlap_seconds": 0}),
        ("app.broadcasts", "homework", {"allowed": False}),
        ("app.inbox", "homework", {"scope": "platform"}),
        ("app.disable", "homework", {}),
        ("app.enable", "homework", {}),
        ("platform.retention", "420100", {"days": 365}),
        ("platform.retention", "420100", {"days": None}),
        ("platform.users", "420100", {"new": 2}),
        ("person.create", "li@school.example.edu", {"role": "operator"}),
        ("person.reset", "li@school.example.edu", {}),
    ]
    assert [row["code"] for row in await rows(database, "select code from platform")] == ["420100"]
