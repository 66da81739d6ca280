"""`msgcenter template …`."""

import json
from pathlib import Path
from typing import Any

import pytest

from msgcenter.database.database import Database
from tests.cli.program import Shell, assert_one_line
from tests.cli.test_app_commands import json_of

TEMPLATE: dict[str, Any] = {
    "platform": "420100",
    "code": "meeting",
    "name": "Parents' meeting",
    "variables": [{"name": "title", "kind": "text", "required": True, "sample": "家长会"}],
    "parts": {
        "zh": {
            "inbox": {"kind": "text", "content": "{{ title }}"},
            "sms": {"code": "SMS_1", "variables": [{"name": "z", "value": "1"}, {"name": "a", "value": "{{ title }}"}]},
        }
    },
}


@pytest.fixture
def shell(database_url: str, tmp_path: Path) -> Shell:
    """A shell with a platform and an app."""
    return Shell(database_url, tmp_path / "data")


def _file(folder: Path, **changes: object) -> str:
    path = folder / "template.json"
    path.write_text(json.dumps({**TEMPLATE, **changes}), "utf-8")
    return str(path)


def _listed(shell: Shell, *options: str) -> list[tuple[Any, ...]]:
    listed = json_of(shell.run("template", "list", "--json", *options))
    return [(item["code"], item["app"], item["inUse"], item["version"], item["state"]) for item in listed]


async def test_a_file_is_saved_shown_and_archived(shell: Shell, tmp_path: Path) -> None:
    assert "No templates" in shell.run("template", "list").out
    shell.run("platform", "create", "420100")
    assert "version 1, is in use" in shell.run("template", "set", _file(tmp_path)).out
    shown = shell.run("template", "show", "420100", "meeting")
    assert json.loads(shown.out) == TEMPLATE
    (tmp_path / "again.json").write_text(shown.out, "utf-8")
    assert "version 2, is in use" in shell.run("template", "set", str(tmp_path / "again.json")).out
    assert "version 3, is a draft" in shell.run("template", "set", _file(tmp_path), "--draft").out
    assert _listed(shell) == [("meeting", None, 2, 3, "draft")]
    assert "meeting" in shell.run("template", "list").out
    assert "is archived" in shell.run("template", "archive", "420100", "meeting").out
    assert json_of(shell.run("template", "list", "--json"))[0]["archived"] is True
    assert "is restored" in shell.run("template", "archive", "420100", "meeting", "--restore").out


_TOML = """
platform = "420100"
code = "meeting"
name = "Parents' meeting"

[[variables]]
name = "title"
kind = "text"
required = true
sample = "家长会"

[parts.zh.inbox]
kind = "text"
content = "{{ title }}"

[parts.zh.email]
subject = "{{ title }}"
html = '''
<p>{{ title }}</p>
<p><a href="{{ link }}">{{ appName }}</a></p>
'''
"""


async def test_a_file_may_be_toml(shell: Shell, tmp_path: Path) -> None:
    shell.run("platform", "create", "420100")
    file = tmp_path / "meeting.toml"
    file.write_text(_TOML, "utf-8")
    assert "version 1, is in use" in shell.run("template", "set", str(file)).out
    shown = json.loads(shell.run("template", "show", "420100", "meeting").out)
    assert shown["variables"] == TEMPLATE["variables"]
    assert shown["parts"]["zh"]["email"]["html"].splitlines()[0] == "<p>{{ title }}</p>"
    file.write_text("platform = ", "utf-8")
    assert_one_line(shell.run("template", "set", str(file)), "is not TOML")


async def test_an_apps_template_waits_for_an_approval(shell: Shell, tmp_path: Path, database: Database) -> None:
    created = json_of(shell.run("app", "create", "--name", "Homework", "--platform", "420100", "--json"))
    app_id = created["appId"]
    async with database.connection() as connection:
        await connection.execute(
            "insert into channel_settings (platform_code, approves_templates) values ('420100', true)"
        )
    file = _file(tmp_path, app=app_id)
    assert "waiting for an approval" in shell.run("template", "set", file).out
    assert _listed(shell, "--waiting") == [("meeting", app_id, None, 1, "waiting")]
    assert shell.run("template", "reject", "420100", "meeting", "--reason", "Say who.").code == 0
    assert _listed(shell, "--waiting") == []
    shell.run("template", "set", file)
    assert "version 2, is in use" in shell.run("template", "approve", "420100", "meeting").out
    assert _listed(shell) == [("meeting", app_id, 2, 2, "approved")]
    assert json.loads(shell.run("template", "show", "420100", "meeting").out)["app"] == app_id


async def test_mistakes_are_named_in_one_line(shell: Shell, tmp_path: Path) -> None:
    shell.run("platform", "create", "420100")
    for changes, words in (
        ({"platform": "unknown"}, ("platform",)),
        ({"code": "Not a code"}, ("code",)),
        ({"variables": []}, ("parts.zh.", "title")),
        ({"more": 1}, ("more",)),
        ({"app": "unknown"}, ("no app unknown",)),
    ):
        assert_one_line(shell.run("template", "set", _file(tmp_path, **changes)), *words)
    (tmp_path / "x.json").write_text("{", "utf-8")
    assert_one_line(shell.run("template", "set", str(tmp_path / "x.json")), "is not JSON")
    (tmp_path / "x.json").write_text("[]", "utf-8")
    assert_one_line(shell.run("template", "set", str(tmp_path / "x.json")), "must be an object")
    assert_one_line(shell.run("template", "show", "420100", "meeting"), "no such template")
    assert_one_line(shell.run("template", "approve", "420100", "meeting"), "no such template")
    assert _listed(shell) == []
