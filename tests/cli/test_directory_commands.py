"""`msgcenter directory …`."""

import json
from pathlib import Path

import pytest

from tests.cli.program import Shell, assert_one_line

ORGS = "orgId,parentId,kind,name\nschool,,school,实验小学\nclass,school,class,三年级2班\n"
MEMBERS = "orgId,userId,role\nclass,wang,par\nclass,li,stu\n"


@pytest.fixture
def shell(database_url: str, tmp_path: Path) -> Shell:
    """A shell with a platform."""
    shell = Shell(database_url, tmp_path)
    assert shell.run("platform", "create", "420100").code == 0
    return shell


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """CSV files as Excel writes them."""
    folder = tmp_path / "csv"
    folder.mkdir()
    (folder / "orgs.csv").write_bytes(ORGS.encode("gb18030"))
    (folder / "members.csv").write_bytes(MEMBERS.encode("gb18030"))
    return folder


def test_import_show_and_export(shell: Shell, folder: Path, tmp_path: Path) -> None:
    run = ("directory", "import", str(folder), "--platform", "420100")
    dry = shell.run(*run, "--dry-run").out
    assert "New organisations: 2" in dry
    assert "class 三年级2班" in dry
    assert "class wang par" in dry
    assert "No organisations yet" in shell.run("directory", "show", "--platform", "420100").out
    assert "as the file says" in shell.run(*run).out
    assert "as the file says already" in shell.run(*run).out
    assert json.loads(shell.run(*run, "--json").out) == {
        "dryRun": False,
        "inFile": {"orgs": 2, "users": 2, "members": 2},
        "differences": {
            **{f"{kind}_{what}": 0 for what in ("org", "user") for kind in ("new", "changed", "missing")},
            **{"changed_contact": 0, "new_member": 0, "missing_member": 0},
        },
        "missing": 0,
    }

    shown = shell.run("directory", "show", "--platform", "420100").out
    assert "实验小学 school school\n└── 三年级2班 class class  par 1, stu 1\n" in shown
    assert json.loads(shell.run("directory", "show", "--platform", "420100", "class", "--json").out) == [
        {"orgId": "class", "kind": "class", "name": "三年级2班", "members": {"par": 1, "stu": 1}, "children": []}
    ]
    printed = shell.run("directory", "export", "--platform", "420100").out
    assert [json.loads(line)["type"] for line in printed.splitlines()] == [*("org", "org"), *("user", "member") * 2]
    for name in ("e.zip", "e.jsonl", "e"):
        assert shell.run("directory", "export", "--platform", "420100", str(tmp_path / name)).code == 0
        again = shell.run("directory", "import", str(tmp_path / name), "--platform", "420100", "--delete-missing", "0")
        assert "as the file says already" in again.out


def test_deletions_must_be_confirmed(shell: Shell, folder: Path) -> None:
    run = ("directory", "import", str(folder), "--platform", "420100")
    assert shell.run(*run).code == 0
    (folder / "members.csv").write_text("orgId,userId,role\nclass,li,stu\n")
    kept = shell.run(*run).out
    assert "Not in the file: 2 (organisations: 0, users: 1, memberships: 1). They stay." in kept
    assert "--delete-missing 2" in kept
    assert_one_line(shell.run(*run, "--delete-missing", "7"), "Nothing was changed", "--delete-missing 2")
    assert "would be deleted" in shell.run(*run, "--delete-missing", "7", "--dry-run").out
    assert "Memberships that are not in the file, deleted: 1" in shell.run(*run, "--delete-missing", "2").out
    assert "stay" not in shell.run(*run).out


def test_bad_lines_are_printed_with_their_number(shell: Shell, folder: Path, tmp_path: Path) -> None:
    run = ("directory", "import", str(folder), "--platform", "420100")
    (folder / "members.csv").write_text("orgId,userId,role\n" + "nowhere,u,stu\n" * 2 + "class,u,老师\n")
    outcome = shell.run(*run)
    assert (outcome.code, outcome.out) == (1, "")
    assert "Bad lines: 3" in outcome.err
    assert "members.csv:2: there is no organisation nowhere" in outcome.err
    assert "members.csv:3: repeats members.csv:2" in outcome.err
    assert "members.csv:4: role must be 1-16" in outcome.err
    (folder / "members.csv").write_text("orgId,userId,role\n" + "".join(f"nowhere,u{n},stu\n" for n in range(99)))
    assert "and more: 49" in shell.run(*run).err
    assert_one_line(
        shell.run("directory", "import", str(tmp_path / "no"), "--platform", "420100"), "no", "cannot be read"
    )
    assert_one_line(shell.run(*run[:-1], "330100"), "no platform 330100", "420100")
    assert_one_line(shell.run("directory", "show", "--platform", "420100", "nowhere"), "nowhere")
    assert_one_line(
        shell.run("directory", "export", "--platform", "420100", str(tmp_path / "a/b.jsonl")), "cannot be written"
    )
