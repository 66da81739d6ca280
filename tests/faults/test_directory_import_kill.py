"""An import that is killed again and again leaves whole blocks, and leads to exactly the file in the end."""

import asyncio
import json
import random
import signal
from pathlib import Path

import pytest

from msgcenter.actions.apps.platforms import Platforms
from msgcenter.actions.directory.exporting import export_directory, open_target
from msgcenter.database.database import Database
from msgcenter.domain.directory import BLOCK
from msgcenter.domain.person import COMMAND
from tests.cli.program import Running, Shell
from tests.scene import rows

CODE = "420100"
USERS = 5_000
MEMBERS = 11_000
KILLS = 4
COUNTS = """
    select (select count(*) from directory_org) as orgs,
        (select count(*) from directory_user) as users,
        (select count(*) from directory_member) as members
"""


def directory() -> list[dict[str, object]]:
    """Return the lines of a file, sorted as an export is."""
    orgs = [f"class-{number}" for number in range(30)]
    lines: list[dict[str, object]] = [
        {"type": "org", "orgId": org_id, "parentId": "school" if org_id != "school" else "", "kind": "", "name": org_id}
        for org_id in ("school", *orgs)
    ]
    empty = {"name": "", "locale": "", "timeZone": "", "disabled": False}
    lines += [{"type": "user", "userId": f"user-{number:05}", **empty} for number in range(USERS)]
    lines += [
        {
            "type": "member",
            "orgId": orgs[number // USERS * 7 % 30],
            "userId": f"user-{number % USERS:05}",
            "role": ("stu", "par", "tea")[number // USERS % 3],
        }
        for number in range(MEMBERS)
    ]
    return sorted(lines, key=json.dumps)


async def counts(database: Database) -> dict[str, int]:
    """Return how many organisations, users and memberships there are."""
    (row,) = await rows(database, COUNTS)
    return dict(row)


async def kill_when(database: Database, running: Running, done: int) -> bool:
    """Kill the command as soon as it has written this many users and memberships; return False if it ends before."""
    async with asyncio.timeout(120):
        while running.process.poll() is None:
            now = await counts(database)
            if now["users"] + now["members"] >= done:
                running.end(signal.SIGKILL)
                return True
            await asyncio.sleep(0.005)
    return False


@pytest.mark.kill
@pytest.mark.slow
async def test_a_killed_import_is_completed_by_the_next(database: Database, database_url: str, tmp_path: Path) -> None:
    dice = random.Random(11)
    await Platforms(database).create(CODE, CODE, cells=1, by=COMMAND)
    file = tmp_path / "directory.jsonl"
    lines = directory()
    dice.shuffle(lines)
    file.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    shell = Shell(database_url, tmp_path)
    done = kills = 0
    last = USERS + MEMBERS - BLOCK
    while kills < KILLS and done < last:
        with shell.started("directory", "import", str(file), "--platform", CODE) as running:
            kills += await kill_when(database, running, dice.randint(done + 1, last))
        await is_whole(database)
        now = await counts(database)
        done = now["users"] + now["members"]
    assert kills, "no import was killed, so the test proves nothing"
    finished = None
    while finished is None or "Repeat the command" in finished.err:  # the killed one may still hold rows
        finished = await asyncio.to_thread(shell.run, "directory", "import", str(file), "--platform", CODE)
    assert finished.code == 0, finished.err
    with open_target(tmp_path / "export.jsonl", contacts=False) as writer:
        await export_directory(database, CODE, writer, lambda _: None, by=COMMAND)
    exported = [json.loads(line) for line in (tmp_path / "export.jsonl").read_text().splitlines()]
    assert sorted(exported, key=json.dumps) == directory()
    again = await asyncio.to_thread(shell.run, "directory", "import", str(file), "--platform", CODE)
    assert "as the file says already" in again.out


async def is_whole(database: Database) -> None:
    """Check that all blocks are whole: no membership without its user, and none of a block without the others."""
    now = await counts(database)
    assert now["orgs"] in {0, 31}
    assert now["users"] in {*range(0, USERS, BLOCK), USERS}
    assert now["members"] in {*range(0, MEMBERS, BLOCK), MEMBERS}
    blocks = await rows(database, "select since, count(*) as members from directory_member group by since")
    assert {row["members"] for row in blocks} <= {BLOCK, MEMBERS % BLOCK}
    unknown = await rows(
        database,
        """
        select from directory_user as person
        left join mailbox on mailbox.cell = person.cell and mailbox.user_id = person.user_id
        where mailbox.user_id is null
        """,
    )
    assert unknown == []
