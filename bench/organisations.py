"""The cost of messages to organisations: `python -m bench.organisations`.

On a platform whose district has many members, in classes of 50 and schools of 20 classes: the first and second unread
count of members with ten messages to pull, the receipts of a message by school, and sends to one user and to the
district in turn.
"""

import argparse
import asyncio
import tempfile
import time
from pathlib import Path
from statistics import median

import asyncpg
import httpx
from rich.console import Console
from rich.table import Table

from bench.api import SUCCESS, Api, message_id_in, must_succeed
from bench.databases import Postgres, connected, own_database
from bench.load import run
from bench.load_client import Outcome, Plan
from bench.product import PLATFORM, product
from msgcenter.database.embedded.postgres import embedded_postgres

_ROUNDS = 5
_SECONDS = 2.0
_PENDING = 10
_READERS = 5_000
_BUSY = 64
_CLASS, _SCHOOL = 50, 20
"""Members of a class, classes of a school."""


def main() -> None:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(prog="python -m bench.organisations", description=__doc__)
    parser.add_argument("--members", type=int, default=500_000, help="members of the district")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="msgcenter-organisations-") as name, embedded_postgres(Path(name)) as url:
        asyncio.run(_measure(url, Path(name), options.members))


async def _measure(url: str, folder: Path, members: int) -> None:
    async with (
        own_database(url, "msgcenter_organisations") as database_url,
        product(database_url, folder, workers=1) as api,
        connected(database_url) as postgres,
    ):
        await _fill(database_url, members)
        await postgres.vacuum()
        table = Table("", "p50 ms", "p99 ms", "calls/s", title=f"Members of the district: {members:,}")
        readers = [f"user-{number:07}" for number in range(0, members, max(1, members // _READERS))]
        await _read(api, table, readers)
        await _send(api, postgres, table, readers)
        Console().print(table)


async def _fill(database_url: str, members: int) -> None:
    """Write the directory by SQL: importing it is measured elsewhere."""
    connection = await asyncpg.connect(database_url)
    try:
        classes = -(-members // _CLASS)
        schools = -(-classes // _SCHOOL)
        cell = await connection.fetchval("select first_cell from platform where code = $1", PLATFORM)
        await connection.execute("update feed_head set position = 1 where cell = $1", cell)
        for kind, number in (("district", 1), ("school", schools), ("class", classes)):
            await connection.execute(
                """
                insert into directory_org (parent_number, platform_code, org_id, kind, name)
                select parent.number, $1, $2 || '-' || n, $2, $2 || ' ' || n
                from generate_series(0, $3 - 1) as n
                left join directory_org as parent
                    on parent.org_id = case $2::text
                        when 'school' then 'district-0'
                        when 'class' then 'school-' || n / $4::int
                    end
                """,
                PLATFORM,
                kind,
                number,
                _SCHOOL,
            )
        await connection.execute(
            """
            insert into directory_path (cell, org_number, ancestor_number, depth, since)
            with recursive line as (
                select number, number as above, parent_number, 0 as depth from directory_org
                union all
                select line.number, org.number, org.parent_number, depth + 1
                from line join directory_org as org on org.number = line.parent_number
            )
            select $1, number, above, depth, 1 from line
            """,
            cell,
        )
        await connection.execute(
            "insert into directory_grant (app_number, org_number)"
            " select app.number, org.number from app, directory_org as org where org.org_id = 'district-0'"
        )
        await connection.execute(
            "insert into mailbox (cell, joined, pulled_to, user_id)"
            " select $1, 1, 1, 'user-' || lpad(n::text, 7, '0') from generate_series(0, $2 - 1) as n",
            cell,
            members,
        )
        await connection.execute(
            """
            insert into directory_member (cell, org_number, since, user_id, role)
            select $1, org.number, 1, 'user-' || lpad(n::text, 7, '0'), case when n % 10 = 0 then 'tea' else 'stu' end
            from generate_series(0, $3 - 1) as n
            join directory_org as org on org.platform_code = $2 and org.org_id = 'class-' || n / $4::int
            """,
            cell,
            PLATFORM,
            members,
            _CLASS,
        )
    finally:
        await connection.close()


async def _read(api: Api, table: Table, readers: list[str]) -> None:
    """Measure the first and second unread count of members after the sends, then receipts and reports."""
    sends = [api.send_to_organisation("district-0", f"news {number}") for number in range(_PENDING)]
    sent = await api.call_all(sends)
    counts = [api.unread_count(user_id) for user_id in readers]
    for title in (f"unread count with {_PENDING} messages to pull", "the same count again"):
        outcome = await run(api.plan(counts, SUCCESS, _BUSY))
        must_succeed(outcome)
        _add(table, f"{title}, {_BUSY} at a time", [outcome])
    message_id = str(message_id_in(sent[0]))
    questions: dict[str, dict[str, object]] = {
        "receipts: counts and first page": {},
        "the same receipts again": {},
        "report of the schools of the district": {"groupBy": "org", "orgId": "district-0"},
        "the same report again": {"groupBy": "org", "orgId": "district-0"},
        "report of the classes of a school": {"groupBy": "org", "orgId": "school-0"},
    }
    async with httpx.AsyncClient(base_url=api.server.base_url, trust_env=False, timeout=120) as http:
        for title, question in questions.items():
            start = time.perf_counter()
            answer = await http.post(
                "/msgCenter/message/getMsgStatus",
                params={"accessToken": api.token},
                json={"msgId": message_id, "pageSize": 50, **question},
            )
            table.add_row(title, f"{(time.perf_counter() - start) * 1_000:.1f}")
            assert answer.json()["retCode"] == "000000", answer.text


async def _send(api: Api, postgres: Postgres, table: Table, users: list[str]) -> None:
    sends = {
        "send to one": [api.send_text([user_id], "hello") for user_id in users],
        "send to the district": [api.send_to_organisation("district-0", "hello")],
    }
    for connections in (1, _BUSY):
        rounds: dict[str, list[Outcome]] = {title: [] for title in sends}
        for _ in range(_ROUNDS):
            for title, requests in sends.items():
                await postgres.checkpoint()
                outcome = await run(_timed_plan(api, requests, connections))
                must_succeed(outcome)
                rounds[title].append(outcome)
        for title, outcomes in rounds.items():
            _add(table, f"{title}, {connections} at a time", outcomes)
        one, district = (rounds[title] for title in sends)
        ratio = median(d.p50_ms / o.p50_ms for o, d in zip(one, district, strict=True))
        table.add_row("  district : one", f"{ratio:.2f}", style="bold")


def _timed_plan(api: Api, requests: list[bytes], connections: int) -> Plan:
    return Plan(
        host=api.server.host,
        port=api.server.port,
        requests=requests,
        connections=connections,
        expect=(SUCCESS,),
        warm_up=0.3,
        seconds=_SECONDS,
    )


def _add(table: Table, title: str, outcomes: list[Outcome]) -> None:
    table.add_row(
        title,
        f"{median(outcome.p50_ms for outcome in outcomes):.1f}",
        f"{median(outcome.p99_ms for outcome in outcomes):.1f}",
        f"{median(outcome.counted / outcome.seconds for outcome in outcomes):,.0f}",
    )


if __name__ == "__main__":
    main()
