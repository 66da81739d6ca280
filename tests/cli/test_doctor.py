"""`msgcenter migrate` and `msgcenter doctor`."""

import fcntl
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from msgcenter.cli.commands.doctor import without_password
from msgcenter.database.embedded.holders import HOLDERS
from msgcenter.database.embedded.postgres import embedded_postgres
from msgcenter.database.migrate import known_migrations
from tests import citus
from tests.cli.program import Shell
from tests.conftest import execute, running_server, server_environment, wait_for
from tests.database.embedded_server import holder, kill_tree, read_line, server
from tests.gateway.calls import until


def findings(shell: Shell, *, code: int = 0, **settings: str) -> dict[str, dict[str, Any]]:
    """The results of `msgcenter doctor`, by subject."""
    examined = shell.run("doctor", "--json", **settings)
    assert (examined.code, examined.err) == (code, "")
    assert examined.out.count("\n") == 1
    report = json.loads(examined.out)
    assert report["ok"] is (code == 0)
    return {finding["subject"]: finding for finding in report["findings"]}


def test_migrating_twice_changes_nothing_the_second_time(empty_database: str, tmp_path: Path) -> None:
    shell = Shell(empty_database, tmp_path, PORT="0")
    # The doctor reports a problem because the tests' PostgreSQL is not crash-safe.
    pending = findings(shell, code=1)["migrations"]
    assert (pending["verdict"], pending["advice"]) == ("warning", "run msgcenter migrate, or start the server")

    first = shell.run("migrate")
    assert first.code == 0
    assert first.out.count("applied") == len(known_migrations())
    second = shell.run("migrate")
    assert (second.code, second.out) == (0, "The database is up to date.\n")


async def test_a_database_of_a_newer_version_is_reported(database_url: str, tmp_path: Path) -> None:
    await execute(database_url, "insert into schema_migration values (9999, 'the future', 0)")
    shell = Shell(database_url, tmp_path, PORT="0")
    assert "9999" in findings(shell, code=1)["database"]["found"]
    refused = shell.run("migrate")
    assert refused.code == 1
    assert "newer version" in refused.err


def test_a_healthy_installation_has_only_ok_results(database_url: str, tmp_path: Path) -> None:
    shell = Shell(database_url, tmp_path, PORT="0")
    results = findings(shell, code=1)
    assert results.pop("durability")["verdict"] == "problem"
    assert {finding["verdict"] for finding in results.values()} == {"ok"}
    assert results.keys() == {
        *("version", "settings", "disk", "port", "open files", "database", "address"),
        *("migrations", "clock", "connections", "jobs", "secret key"),
        *(("citus",) if citus.is_on() else ()),
        *(("citus node",) if citus.servers_use_worker() else ()),
    }


def test_too_few_open_files_are_a_warning(database_url: str, tmp_path: Path) -> None:
    def open_files(files: str) -> dict[str, Any]:
        command = ["prlimit", f"--nofile={files}", sys.executable, "-m", "msgcenter", "doctor", "--json"]
        environment = server_environment(database_url, tmp_path, {"PORT": "0"})
        report = json.loads(subprocess.run(command, env=environment, capture_output=True, check=False).stdout)
        return next(finding for finding in report["findings"] if finding["subject"] == "open files")

    few = open_files("1024")
    assert few["verdict"] == "warning"
    assert "ulimit -n is 1024" in few["found"]
    assert "LimitNOFILE=10274" in few["advice"]
    assert "MSGCENTER_CONNECTION_LIMIT" in few["advice"]
    assert open_files("1024:20000")["verdict"] == "ok"  # a server raises its soft limit itself


def test_an_unreachable_database_is_a_problem(tmp_path: Path) -> None:
    url = "postgresql://user:hunter2@127.0.0.1:9/msgcenter"
    shell = Shell(url, tmp_path, PORT="0")
    results = findings(shell, code=1)["database"]
    assert results["verdict"] == "problem"
    assert "MSGCENTER_DATABASE_URL" in results["advice"]
    shown = shell.run("doctor")
    assert "Solve the problems above" in shown.out
    assert "hunter2" not in shown.out + shown.err


def test_a_citus_node_that_cannot_answer_for_cells_is_a_problem(empty_database: str, tmp_path: Path) -> None:
    """An empty database is no node of the cluster, and no cluster."""
    results = findings(Shell(empty_database, tmp_path, PORT="0", CITUS="on", CITUS_NODE_URL=empty_database), code=1)
    assert results["citus node"]["verdict"] == "problem"
    assert "does not know the distributed tables" in results["citus node"]["found"]
    nowhere = "postgresql://nobody:hunter2@127.0.0.1:1/msgcenter"
    result = findings(Shell(empty_database, tmp_path, PORT="0", CITUS="on", CITUS_NODE_URL=nowhere), code=1)[
        "citus node"
    ]
    assert result["found"].startswith("no answer from postgresql://nobody@127.0.0.1:1/msgcenter: ")
    assert result["advice"].startswith("check MSGCENTER_CITUS_NODE_URL")


def test_a_wrong_setting_is_a_problem(tmp_path: Path) -> None:
    results = findings(Shell(None, tmp_path / "unused"), code=1, PORT="x")
    assert results["settings"]["found"].startswith("MSGCENTER_PORT is 'x'")
    assert not (tmp_path / "unused").exists()


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://u:secret@h:5432/d?sslmode=require", "postgresql://u@h:5432/d?sslmode=require"),
        ("postgresql://u:se@cret@h/d", "postgresql://u@h/d"),
        ("postgresql://h/d?user=u&password=secret", "postgresql://h/d?user=u"),
        ("postgresql://postgres@/d?host=/a/b&port=5432", "postgresql://postgres@/d?host=/a/b&port=5432"),
    ],
)
def test_an_address_is_shown_without_its_password(url: str, shown: str) -> None:
    assert without_password(url) == shown


@pytest.mark.kill
def test_the_state_of_the_embedded_database_is_reported(tmp_path: Path) -> None:
    shell = Shell(None, tmp_path, PORT="0")
    assert "postgresql" not in findings(shell)

    assert findings(shell)["postgresql"]["found"] == "was not running: no MsgCenter process uses it"

    with embedded_postgres(tmp_path):
        assert findings(shell)["postgresql"] == {
            "verdict": "ok",
            "subject": "postgresql",
            "found": "was running",
            "advice": "",
        }

    with (tmp_path / HOLDERS).open() as holders:
        fcntl.flock(holders, fcntl.LOCK_SH)
        results = findings(shell)["postgresql"]
    assert (results["verdict"], results["found"]) == ("warning", "was not running although a MsgCenter process uses it")

    with holder(tmp_path) as process:
        assert read_line(process)
        process.kill()
        process.wait()
        kill_tree(server(tmp_path))
    results = findings(shell)["postgresql"]
    assert (results["verdict"], "was killed" in results["found"]) == ("warning", True)

    later = findings(shell)
    assert later["postgresql"]["verdict"] == "ok"
    assert later["recoveries"]["found"].startswith("recoveries from a crash in the last 24 hours: 1,")


def test_a_server_that_is_not_ready_is_a_warning(database_url: str, tmp_path: Path) -> None:
    with running_server(database_url, tmp_path) as running:
        port = running.url.rpartition(":")[2]
        shell = Shell(database_url, tmp_path, PORT=port)
        assert findings(shell, code=1)["port"]["found"] == f"a MsgCenter server answers on 127.0.0.1:{port}"
        wait_for(execute(database_url, "delete from schema_migration where number = 1"))
        # The server checks its readiness at most once a second.
        until(lambda: findings(shell, code=1)["port"]["verdict"] == "warning")
        assert "is not ready" in findings(shell, code=1)["port"]["found"]
