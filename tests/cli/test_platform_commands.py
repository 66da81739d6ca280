"""`msgcenter platform …`."""

from pathlib import Path

import pytest

from msgcenter.database.database import Database
from msgcenter.domain.account import MAX_CELLS
from tests.cli.program import Shell, assert_one_line
from tests.cli.test_app_commands import json_of
from tests.scene import find_platform


@pytest.fixture
def shell(database_url: str, tmp_path: Path) -> Shell:
    return Shell(database_url, tmp_path / "data")


async def test_platforms_have_cells_of_their_own(shell: Shell, database: Database) -> None:
    assert "platform create CODE" in shell.run("platform", "list").out
    assert "Cells: 16" in shell.run("platform", "create", "420000", "--name", "Province", "--cells", "16").out
    assert "Cells: 1" in shell.run("platform", "create", "420100").out
    assert shell.run("app", "create", "--name", "Homework", "--platform", "420000").code == 0
    assert json_of(shell.run("platform", "list", "--json")) == [
        {"platformCode": "420000", "name": "Province", "apps": 1, "cells": 16},
        {"platformCode": "420100", "name": "420100", "apps": 0, "cells": 1},
    ]
    first, second = await find_platform(database, "420000"), await find_platform(database, "420100")
    assert not set(first.all_cells) & set(second.all_cells)
    assert {first.cell_of(f"user-{number}") for number in range(1_000)} == set(first.all_cells)


@pytest.mark.parametrize("cells", ["0", "-1", str(MAX_CELLS + 1)])
async def test_an_impossible_number_of_cells_is_refused(shell: Shell, cells: str) -> None:
    outcome = shell.run("platform", "create", "1", "--cells", cells)
    assert outcome.code != 0
    assert_one_line(outcome, "cells", "1-1024")
    assert json_of(shell.run("platform", "list", "--json")) == []


async def test_an_existing_platform_is_not_changed(shell: Shell, database: Database) -> None:
    shell.run("platform", "create", "1", "--cells", "4")
    outcome = shell.run("platform", "create", "1", "--cells", "8")
    assert_one_line(outcome, "taken")
    assert (await find_platform(database, "1")).cells == 4
