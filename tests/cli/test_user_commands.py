"""`msgcenter user …`."""

from pathlib import Path

import pytest

from tests.cli.program import Shell, assert_one_line


@pytest.fixture
def shell(database_url: str, tmp_path: Path) -> Shell:
    shell = Shell(database_url, tmp_path / "data")
    assert shell.run("app", "create", "--name", "A", "--platform", "1").code == 0
    return shell


def test_a_directory_becomes_known(shell: Shell, tmp_path: Path) -> None:
    listed = tmp_path / "users.txt"
    listed.write_bytes("\ufeffteacher-li\r\n\n  \n家长 王\r\ns p a c e s\nteacher-li".encode())
    first = shell.run("user", "import", str(listed), "--platform", "1")
    assert (first.code, first.err) == (0, "")
    assert "3 new users on platform 1 (4 lines read)" in first.out
    again = shell.run("user", "import", "-", "--platform", "1", given="teacher-li\nteacher-zhao\n")
    assert "1 new user on platform 1 (2 lines read)" in again.out
    assert shell.run("user", "count", "--platform", "1").out == "4\n"


def test_bad_lines_are_named_and_nothing_is_imported(shell: Shell, tmp_path: Path) -> None:
    listed = tmp_path / "users.txt"
    listed.write_bytes(b"good\n\nta\tb\n\xff\n" + b"x" * 65 + b"\n" + b"\0\n" * 9 + b"y" * 64)
    refused = shell.run("user", "import", str(listed), "--platform", "1")
    assert (refused.code, refused.out) == (1, "")
    told = refused.err.splitlines()
    assert told[0] == r"  line 3: 'ta\tb' has control characters"
    assert told[1] == "  line 4: not UTF-8"
    assert told[2].startswith("  line 5: 'xxx")
    assert told[2].endswith("has 65 characters, 64 at most may be")
    assert told[-2] == "  … and 2 lines more"
    assert told[-1].startswith("✗ 12 lines")
    assert "--skip-bad" in told[-1]
    assert shell.run("user", "count", "--platform", "1").out == "0\n"

    skipped = shell.run("user", "import", str(listed), "--platform", "1", "--skip-bad")
    assert skipped.code == 0
    assert "2 new users on platform 1 (2 lines read, 12 bad lines left out)" in skipped.out


def test_white_space_around_an_id_is_told(shell: Shell, tmp_path: Path) -> None:
    listed = tmp_path / "users.txt"
    listed.write_bytes("a \n\u3000b\nc\u200b\nd".encode())
    refused = shell.run("user", "import", str(listed), "--platform", "1")
    assert refused.code == 1
    told = refused.err.splitlines()
    assert told[0] == "  line 1: 'a ' has white space or an invisible character at an end"
    assert [line.partition(":")[0] for line in told[:3]] == ["  line 1", "  line 2", "  line 3"]


def test_what_cannot_be_done_is_told_in_a_line(shell: Shell, tmp_path: Path) -> None:
    make = "app create --name NAME --platform 'school 2'"
    assert_one_line(shell.run("user", "count", "--platform", "school 2"), "no platform school 2", "there are 1", make)
    assert_one_line(shell.run("user", "import", "-", "--platform", "school 2", given="a"), "no platform", make)
    for missing in (tmp_path / "none.txt", tmp_path):
        assert_one_line(shell.run("user", "import", str(missing), "--platform", "1"), str(missing), "cannot be read")
