"""`msgcenter user …`."""

import json
from pathlib import Path

import pytest

from tests.cli.program import Shell, assert_one_line


@pytest.fixture
def shell(database_url: str, tmp_path: Path) -> Shell:
    shell = Shell(database_url, tmp_path / "data")
    assert shell.run("app", "create", "--name", "A", "--platform", "1").code == 0
    return shell


def test_importing_a_list_makes_its_users_known(shell: Shell, tmp_path: Path) -> None:
    user_list = tmp_path / "users.txt"
    user_list.write_bytes("\ufeffteacher-li\r\n\n  \n家长 王\r\ns p a c e s\nteacher-li".encode())
    first = shell.run("user", "import", str(user_list), "--platform", "1")
    assert (first.code, first.err) == (0, "")
    assert "New users on platform 1: 3 (lines read: 4)" in first.out
    again = shell.run("user", "import", "-", "--platform", "1", stdin="teacher-li\nteacher-zhao\n")
    assert "New users on platform 1: 1 (lines read: 2)" in again.out
    assert shell.run("user", "count", "--platform", "1").out == "4\n"


def test_bad_lines_are_named_and_nothing_is_imported(shell: Shell, tmp_path: Path) -> None:
    user_list = tmp_path / "users.txt"
    user_list.write_bytes(b"good\n\nta\tb\n\xff\n" + b"x" * 65 + b"\n" + b"\0\n" * 9 + b"y" * 64)
    refused = shell.run("user", "import", str(user_list), "--platform", "1")
    assert (refused.code, refused.out) == (1, "")
    lines = refused.err.splitlines()
    assert lines[0] == r"  line 3: 'ta\tb' contains control characters"
    assert lines[1] == "  line 4: not UTF-8"
    assert lines[2].startswith("  line 5: 'xxx")
    assert lines[2].endswith("is too long: 65 characters, at most 64 are allowed")
    assert lines[-2] == "  … more bad lines: 2"
    assert lines[-1].endswith(f"Bad lines in {user_list}: 12")
    assert "--skip-bad" in lines[-1]
    assert shell.run("user", "count", "--platform", "1").out == "0\n"

    skipped = shell.run("user", "import", str(user_list), "--platform", "1", "--skip-bad")
    assert skipped.code == 0
    assert "New users on platform 1: 2 (lines read: 2, bad lines skipped: 12)" in skipped.out


def test_white_space_around_an_id_makes_a_line_bad(shell: Shell, tmp_path: Path) -> None:
    user_list = tmp_path / "users.txt"
    user_list.write_bytes("a \n\u3000b\nc\u200b\nd".encode())
    refused = shell.run("user", "import", str(user_list), "--platform", "1")
    assert refused.code == 1
    lines = refused.err.splitlines()
    assert lines[0] == "  line 1: 'a ' starts or ends with white space or an invisible character"
    assert [line.partition(":")[0] for line in lines[:3]] == ["  line 1", "  line 2", "  line 3"]


def test_errors_are_printed_in_one_line(shell: Shell, tmp_path: Path) -> None:
    command = "app create --name NAME --platform 'school 2'"
    assert_one_line(
        shell.run("user", "count", "--platform", "school 2"), "no platform school 2", "platforms: 1", command
    )
    assert_one_line(shell.run("user", "import", "-", "--platform", "school 2", stdin="a"), "no platform", command)
    for missing in (tmp_path / "none.txt", tmp_path):
        assert_one_line(shell.run("user", "import", str(missing), "--platform", "1"), str(missing), "cannot be read")


@pytest.fixture
def wang(shell: Shell, tmp_path: Path) -> Shell:
    """A platform with the user wang, who has contact points."""
    file = tmp_path / "directory.jsonl"
    points = {"email": "wang@school.example", "mobile": "13800138000"}
    file.write_text(json.dumps({"type": "user", "userId": "wang", "name": "王芳", **points}) + "\n")
    done = shell.run("directory", "import", str(file), "--platform", "1")
    assert "Users with other contact points: 1" in done.out
    return shell


def test_contact_points_are_shown_masked_and_removed(wang: Shell) -> None:
    shown = wang.run("user", "contacts", "wang", "--platform", "1")
    assert (shown.code, len(shown.out.splitlines())) == (0, 2)
    assert "w***@school.example  (from an import," in shown.out
    assert "+86138****8000" in shown.out
    removed = wang.run("user", "contacts", "wang", "--platform", "1", "--remove", "email")
    assert "Removed: email" in removed.out
    assert "school.example" not in removed.out
    assert_one_line(wang.run("user", "contacts", "wang", "--platform", "1", "--remove", "email"), "wang has no email")
    assert_one_line(wang.run("user", "contacts", "wang", "--platform", "1", "--remove", "fax"), "--remove takes one of")
    (contact,) = json.loads(wang.run("user", "contacts", "wang", "--platform", "1", "--json").out)
    assert (contact["kind"], contact["masked"]) == ("mobile", "+86138****8000")


def test_exports_have_contact_points_only_on_request(wang: Shell, tmp_path: Path) -> None:
    file = tmp_path / "school.jsonl"
    file.write_text(json.dumps({"type": "org", "orgId": "school", "name": "School"}) + "\n")
    assert wang.run("directory", "import", str(file), "--platform", "1").code == 0
    assert "Contact points: email 1, mobile 1" in wang.run("directory", "show", "--platform", "1").out
    assert "13800138000" not in wang.run("directory", "export", "--platform", "1").out
    assert "+8613800138000" in wang.run("directory", "export", "--platform", "1", "--contacts").out


def test_a_person_is_removed_after_a_confirmation(wang: Shell) -> None:
    dry = wang.run("user", "forget", "wang", "--platform", "1", "--dry-run")
    assert "contact points: 2" in dry.out
    assert "Nothing was changed." in dry.out
    asked = wang.run("user", "forget", "wang", "--platform", "1")
    assert (asked.code, "Add --yes" in asked.err) == (1, True)
    assert wang.run("user", "count", "--platform", "1").out == "1\n"
    done = wang.run("user", "forget", "wang", "--platform", "1", "--yes")
    assert (done.code, "✓ Removed" in done.out) == (0, True)
    assert wang.run("user", "count", "--platform", "1").out == "0\n"
    assert "wang" not in wang.run("directory", "export", "--platform", "1", "--contacts").out
    assert_one_line(wang.run("user", "forget", "wang", "--platform", "1", "--yes"), "has no user wang")
