"""`msgcenter app grant`."""

import json
from pathlib import Path

import pytest

from msgcenter.actions.apps.apps import Apps
from msgcenter.actions.apps.key_ring import KeyRing
from msgcenter.database.database import Database
from msgcenter.domain.directory import OrgChange
from msgcenter.messaging.directory.change_orgs import change_orgs
from tests.cli.program import Shell, assert_one_line
from tests.conftest import PLATFORM, SECRET_KEY
from tests.scene import HOME, START, rows


@pytest.fixture
async def app_id(database: Database) -> str:
    """An app, and a school with a class."""
    app = (await Apps(database, KeyRing(SECRET_KEY)).create("Reports", PLATFORM)).app
    tree = [OrgChange("school", name="School"), OrgChange("class", "school", name="3(2)")]
    await database.in_transaction(change_orgs, HOME, tree, START)
    return app.app_id


async def test_organisations_are_granted_and_revoked(
    database: Database, database_url: str, tmp_path: Path, app_id: str
) -> None:
    shell = Shell(database_url, tmp_path)

    def granted(*options: str) -> object:
        outcome = shell.run("app", "grant", app_id, *options, "--json")
        assert outcome.code == 0, outcome.err
        answer = json.loads(outcome.out)
        return answer["directory"], [(it["orgId"], it["roles"]) for it in answer["organisations"]]

    assert granted() == (False, [])
    assert granted("--org", "school", "--role", "tea", "--role", "par") == (False, [("school", ["par", "tea"])])
    assert granted("--org", "school", "--org", "class") == (False, [("class", None), ("school", None)])
    assert granted("--directory", "--org", "class", "--revoke") == (True, [("school", None)])
    assert granted("--directory", "--org", "class", "--revoke") == (True, [("school", None)])
    assert granted("--no-directory") == (False, [("school", None)])
    for option, allowed in (("--urgent", True), ("--no-urgent", False)):
        assert json.loads(shell.run("app", "grant", app_id, option, "--json").out)["urgent"] is allowed
    actions = await rows(
        database,
        "select action from audit_entry where action like 'app.%' and action <> 'app.create' order by id",
    )
    assert [row["action"] for row in actions] == [
        *("app.grant", "app.grant", "app.grant"),
        *("app.revoke", "app.directory", "app.directory", "app.urgent", "app.urgent"),
    ]


async def test_grants_for_people_and_mistakes(database_url: str, tmp_path: Path, app_id: str) -> None:
    shell = Shell(database_url, tmp_path)
    shown = shell.run("app", "grant", app_id).out
    assert "not allowed" in shown
    assert "none" in shown
    assert "School: tea" in shell.run("app", "grant", app_id, "--org", "school", "--role", "tea").out
    grant = ("app", "grant", app_id)
    assert_one_line(shell.run(*grant, "--org", "nowhere"), "nowhere")
    assert_one_line(shell.run(*grant, "--org", "class", "--role", "a b"), "roles", "letters")
    assert_one_line(shell.run(*grant, "--role", "tea"), "--org")
    assert_one_line(shell.run(*grant, "--org", "class", "--role", "tea", "--revoke"), "--revoke")
    assert_one_line(shell.run(*grant, "--org", "class", "--platform", "330100"), "330100")
    assert_one_line(shell.run("app", "grant", "unknown"), "app list")
