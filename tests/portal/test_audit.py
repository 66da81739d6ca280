"""The audit log in the portal: filters, pages, texts, export, and protection against changes."""

import ast
import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

import msgcenter
from msgcenter.database.database import Connection, Database
from msgcenter.domain.person import Actor
from msgcenter.domain.spreadsheet import csv_line
from msgcenter.portal.texts.audit import ACTIONS
from msgcenter.store import audit
from msgcenter_client import Client
from tests.conftest import Credentials, wait_for
from tests.portal.conftest import Company, Visitor

_SOURCE = Path(str(msgcenter.__file__)).parent
HOUR = 3_600_000


def subjects(page: str) -> list[str]:
    """Return the subjects of the entries on a page, in order."""
    rows = re.findall(r"<tr>\s*<td class=\"nowrap\"><time.*?</tr>", page, re.DOTALL)
    return [re.sub(r"<[^>]*>", "", row.split('<td class="break">')[1].partition("</td>")[0]) for row in rows]


async def _record(database_url: str, entries: list[tuple[Actor, str, str, int, int | None]]) -> None:
    async with Database(database_url, connections=2) as database:

        async def write(connection: Connection) -> None:
            for by, action, subject, now, app_number in entries:
                await audit.record(connection, by, action, subject, now=now, app_number=app_number, note="=1+1")

        await database.in_transaction(write)


def test_filters_apply_alone_and_together(
    operator: Visitor, developer: Visitor, shared_database: str, app: Credentials, user: str
) -> None:
    day = 1_767_225_600_000  # 2026-01-01T08:00 in Shanghai
    li, key = Actor("person", f"{user}@example.edu", "10.0.0.1"), Actor("app", f"key-{user}", "10.0.0.2")
    wait_for(
        _record(
            shared_database,
            [
                (li, "app.key.rotate", "one", day, app.number),
                (li, "app.keys", "two", day + 24 * HOUR, None),
                (key, "message.recall", "three", day + 48 * HOUR, app.number),
                (li, "app_key", "four", day + 72 * HOUR, app.number),
            ],
        )
    )

    def subjects_found(**criteria: str) -> list[str]:
        return subjects(operator.request("GET", "/operator/audit", params=criteria).text)

    assert subjects_found(actor=li.name) == ["four", "two", "one"]
    assert subjects_found(actor=li.name, app=app.app_id) == ["four", "one"]
    assert subjects_found(actor=li.name, action="app.key") == ["two", "one"]
    assert subjects_found(actor=li.name, action="app.key.rotate") == ["one"]
    assert subjects_found(actor=li.name, action="%") == []
    assert subjects_found(actor=key.name) == subjects_found(actor=key.name, kind="app") == ["three"]
    assert subjects_found(actor=key.name, kind="command") == []
    assert subjects_found(actor=li.name, since="2026-01-02") == ["four", "two"]
    assert subjects_found(actor=li.name, until="2026-01-02") == ["two", "one"]
    assert subjects_found(actor=li.name, since="2026-01-02", until="2026-01-02") == ["two"]
    own = developer.get(f"/apps/{app.app_id}/audit?actor={li.name}").text
    assert subjects(own) == ["four", "one"]
    for query, field in (("since=soon", "since"), ("until=2026-02-30", "until"), ("app=nowhere", "app")):
        answer = operator.get(f"/operator/audit?{query}")
        assert (answer.status_code, f'id="wrong-{field}"' in answer.text) == (422, True)
    assert developer.get(f"/apps/{app.app_id}/audit?until=x").status_code == 422


def test_pages_keep_the_filter(operator: Visitor, shared_database: str, user: str) -> None:
    li = Actor("person", f"{user}@example.edu", "10.0.0.1")
    wait_for(_record(shared_database, [(li, "app.face", f"subject {n}", n, None) for n in range(120)]))
    shown: list[str] = []
    query = f"?actor={li.name}&action=app"
    while query:
        page = operator.get(f"/operator/audit{query}").text
        shown += subjects(page)
        older = re.search(r'href="(\?[^"]*before=\d+[^"]*)"', page)
        query = older[1].replace("&amp;", "&") if older else ""
    assert shown == [f"subject {n}" for n in reversed(range(120))]


def test_the_export_is_the_filtered_log_and_safe_to_open(
    operator: Visitor, shared_database: str, app: Credentials, user: str
) -> None:
    li = Actor("person", f"{user}@example.edu", "10.0.0.1")
    evil = ["=cmd|'/C calc'!A0", "+1", "-1", "@SUM(A1)", "\tx", 'plain, "quoted"', "消息"]
    wait_for(_record(shared_database, [(li, "app.face", subject, 1, app.number) for subject in evil]))
    answer = operator.get(f"/operator/audit.csv?actor={li.name}&lang=en")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert re.fullmatch(r'attachment; filename="audit-[0-9-]{10}\.csv"', answer.headers["content-disposition"])
    assert answer.content.startswith(b"\xef\xbb\xbf")
    head, *lines = csv.reader(io.StringIO(answer.content.decode("utf-8-sig"), newline=""))
    assert head[:3] == ["when", "kind", "who"]
    assert [line[6] for line in lines] == [f"'{text}" if text[0] in "=+-@\t" else text for text in evil][::-1]
    assert {tuple(line[1:6]) for line in lines} == {
        ("person", li.name, "10.0.0.1", "app.face", "Name or colour changed")
    }
    assert {(line[7], line[8]) for line in lines} == {(app.app_id, '{"note": "=1+1"}')}
    assert operator.get("/operator/audit.csv?since=x").status_code == 422


def test_a_long_export_is_complete(operator: Visitor, shared_database: str, user: str) -> None:
    li = Actor("person", f"{user}@example.edu", "10.0.0.1")
    wait_for(_record(shared_database, [(li, "app.face", str(n), n, None) for n in range(2_500)]))
    text = operator.get(f"/operator/audit.csv?actor={li.name}").content.decode("utf-8-sig")
    assert [line[6] for line in csv.reader(io.StringIO(text, newline=""))][1:] == [str(n) for n in range(2_500)][::-1]


FORMULAS = [
    "=1",
    "+1",
    "-1",
    "@x",
    "\t=1",
    "\r=1",
    "\n=1",
    "＝1",
    "＋1",
    "－1",
    "＠x",
    "﹦1",
    " =1",
    "\u200b=1",
    "\u3000＝1",
    "\u3164=1",
]


@pytest.mark.parametrize("cell", FORMULAS)
def test_no_cell_is_a_formula(cell: str) -> None:
    (row,) = csv.reader(io.StringIO(csv_line(cell, "fine"), newline=""))
    assert row == [f"'{cell}", "fine"]


@pytest.mark.parametrize(
    "statement", ["update audit_entry set actor = 'nobody'", "delete from audit_entry", "truncate audit_entry"]
)
async def test_audit_entries_cannot_be_changed(database: Database, statement: str) -> None:
    by = Actor("command", "root", "here")
    async with database.connection() as connection:
        await audit.record(connection, by, "app.create", "a", now=1)
        with pytest.raises(asyncpg.RaiseError, match="append-only"):
            await connection.execute(statement)
        assert await connection.fetchval("select count(*) from audit_entry where actor = 'root'") == 1


def _recorded() -> Iterator[str]:
    """Return every action that the sources record."""
    for path in (path for room in ("actions", "messaging", "store") for path in (_SOURCE / room).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            called = getattr(node.func, "attr", getattr(node.func, "id", "")) if isinstance(node, ast.Call) else ""
            if isinstance(node, ast.Call) and called in {"record", "_change"}:
                for text in (constant.value for constant in node.args if isinstance(constant, ast.Constant)):
                    if isinstance(text, str) and re.fullmatch(r"[a-z]+(\.[a-z_]+)+", text):
                        yield text


def test_every_action_has_a_name() -> None:
    recorded = set(_recorded())
    assert {"app.create", "message.recall", "topic.subscribe", "session.end"} <= recorded
    assert recorded - set(ACTIONS) == set()


def test_no_op_changes_are_not_recorded(
    developer: Visitor, operator: Visitor, app: Credentials, client: Client
) -> None:
    path = f"/apps/{app.app_id}"
    before = subjects(developer.get(f"{path}/audit").text)
    for _ in range(2):
        developer.post(f"{path}/face", page=f"{path}/settings", name="Renamed", automatic="1")
        developer.post(f"{path}/origins", page=f"{path}/settings", origins=f"https://{app.app_id}.example.edu")
        developer.post(f"{path}/keys/end", page=f"{path}/keys")
        operator.post(f"/operator{path}/limits", page=f"/operator{path}", quota="500")
    after = subjects(developer.get(f"{path}/audit").text)
    assert len(after) == len(before) + 3


def test_the_end_of_sessions_is_recorded(company: Company, operator: Visitor) -> None:
    visitor, person = company.enter()
    visitor.post("/logout", page="/account")
    page = operator.get(f"/operator/audit?actor={person.login}").text
    assert re.findall(r"<code>([\w.]+)</code>", page)[:2] == ["session.end", "session.begin"]
    assert "Session ended" in page
    assert "结束会话" in operator.get(f"/operator/audit?actor={person.login}&lang=zh").text
