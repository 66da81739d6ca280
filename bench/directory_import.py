"""The cost of an import of a directory: `python -m bench.directory_import`.

Imports a made-up directory, imports it again without a change, and exports it. The yardstick is a copy of the same
memberships into a bare table with the same primary key, in the same database, in the same run.
"""

import argparse
import asyncio
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import asyncpg
import psutil
from rich.console import Console
from rich.table import Table

from bench.databases import own_database
from msgcenter.actions.apps.platforms import Platforms
from msgcenter.database.database import Database
from msgcenter.database.embedded.postgres import embedded_postgres
from msgcenter.database.migrate import migrate
from msgcenter.domain.person import COMMAND

PLATFORM = "420100"
_ROLES = ("stu", "par", "tea", "adm")
_SECRET = "x" * 32


class Size(NamedTuple):
    """How large the directory is."""

    orgs: int
    users: int
    members: int


class Figures(NamedTuple):
    """Seconds of a step, seconds of processor time of its process (without PostgreSQL), and its memory in MiB."""

    seconds: float
    processor: float
    memory: float


def main() -> None:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(prog="python -m bench.directory_import", description=__doc__)
    parser.add_argument("--orgs", type=int, default=20_000)
    parser.add_argument("--users", type=int, default=600_000)
    parser.add_argument("--members", type=int, default=1_000_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="msgcenter-directory-") as name, embedded_postgres(Path(name)) as url:
        figures = asyncio.run(measure(url, Path(name), Size(options.orgs, options.users, options.members)))
    table = Table("", "s", "processor s", "MiB", "× the copy")
    yardstick = figures["copy into a bare table"].seconds
    for title, it in figures.items():
        ratio = f"{it.seconds / yardstick:.1f}"
        table.add_row(title, f"{it.seconds:.1f}", f"{it.processor:.1f}", f"{it.memory:.0f}", ratio)
    Console().print(table)


async def measure(url: str, folder: Path, size: Size) -> dict[str, Figures]:
    """Return the figures of each step."""
    file = folder / "directory.jsonl"
    members = write(file, size)
    async with own_database(url, "msgcenter_directory") as database_url:
        await migrate(database_url)
        async with Database(database_url, connections=2) as database:
            await Platforms(database).create(PLATFORM, PLATFORM, cells=1, by=COMMAND)
        figures = {"copy into a bare table": await _copy(database_url, members)}
        for title in ("import", "the same import again"):
            figures[title] = await _command(database_url, folder, "import", str(file), "--platform", PLATFORM)
        export = folder / "export.jsonl"
        figures["export"] = await _command(database_url, folder, "export", str(export), "--platform", PLATFORM)
        exported, imported = (sorted(path.read_bytes().splitlines()) for path in (export, file))
        assert exported == imported, "the export is not what was imported"
    return figures


def write(file: Path, size: Size) -> list[tuple[str, str, str]]:
    """Write a directory of districts, schools and classes with their members, in any order; return the memberships."""
    orgs = list(_orgs(size.orgs))
    lines: list[dict[str, object]] = [
        {"type": "org", "orgId": org_id, "parentId": parent, "kind": kind, "name": f"{kind} {org_id}"}
        for org_id, parent, kind in orgs
    ]
    fields = {"locale": "zh-CN", "timeZone": "Asia/Shanghai", "disabled": False}
    lines += [
        {"type": "user", "userId": _user(number), "name": f"用户{number}", **fields} for number in range(size.users)
    ]
    classes = [org_id for org_id, _, kind in orgs if kind == "class"]
    members = list(_members(size, classes))
    lines += [{"type": "member", "orgId": org, "userId": user, "role": role} for org, user, role in members]
    random.Random(1).shuffle(lines)
    with file.open("w") as target:
        target.writelines(f"{json.dumps(line, ensure_ascii=False, separators=(',', ':'))}\n" for line in lines)
    return members


def _orgs(count: int) -> Iterator[tuple[str, str, str]]:
    districts, schools = max(1, count // 1_000), max(1, count // 25)
    for number in range(count):
        if number < districts:
            yield f"district-{number}", "", "district"
        elif number < districts + schools:
            yield f"school-{number}", f"district-{number % districts}", "school"
        else:
            yield f"class-{number}", f"school-{districts + number % schools}", "class"


def _members(size: Size, classes: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    """Yield memberships, all different: each user's further ones are in other classes."""
    for number in range(size.members):
        user, turn = number % size.users, number // size.users
        yield classes[(user * 31 + turn * 7) % len(classes)], _user(user), _ROLES[turn % len(_ROLES)]


def _user(number: int) -> str:
    return f"user-{number:07}"


async def _copy(database_url: str, members: Sequence[tuple[str, str, str]]) -> Figures:
    connection = await asyncpg.connect(database_url)
    await connection.execute(
        "create table bare (org_id text, user_id text, role text, primary key (user_id, org_id, role))"
    )
    start = time.perf_counter()
    await connection.copy_records_to_table("bare", records=members)
    seconds = time.perf_counter() - start
    await connection.close()
    return Figures(seconds, 0, 0)


async def _command(database_url: str, folder: Path, *arguments: str) -> Figures:
    """Run `msgcenter directory …` in a process of its own."""
    environment = {
        **os.environ,
        "MSGCENTER_DATABASE_URL": database_url,
        "MSGCENTER_DATA_DIR": str(folder),
        "MSGCENTER_SECRET_KEY": _SECRET,
    }
    start = time.perf_counter()
    command = [sys.executable, "-m", "msgcenter", "directory", *arguments]
    process = await asyncio.create_subprocess_exec(*command, env=environment, stdout=asyncio.subprocess.DEVNULL)
    ended = asyncio.ensure_future(process.wait())
    running, processor, memory = psutil.Process(process.pid), 0.0, 0
    while not ended.done():
        with suppress(psutil.Error):  # it may end this very moment
            times = running.cpu_times()
            processor, memory = times.user + times.system, max(memory, running.memory_info().rss)
        await asyncio.wait([ended], timeout=0.05)
    assert ended.result() == 0
    return Figures(time.perf_counter() - start, processor, memory / 2**20)


if __name__ == "__main__":
    main()
