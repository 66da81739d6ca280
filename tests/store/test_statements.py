"""Rules for all statements besides `test_partitions.py`: no server clock, locks in key order, heap-only updates."""

import ast
import re
from pathlib import Path

import pytest

import msgcenter
from msgcenter.database.database import Database
from msgcenter.database.migrate import known_migrations
from msgcenter.domain.mailbox import EntryChange
from msgcenter.domain.message_id import MessageIds, bucket_of
from msgcenter.messaging.send import send_drafts
from msgcenter.messaging.set_status import StatusChange, apply_status_changes
from msgcenter.store.mailboxes import read_states
from msgcenter.store.mailboxes.pages import PageKey
from msgcenter.store.mailboxes.read_states import PageChange
from tests.citus import one_server
from tests.scene import HOME, text_to

_SOURCE = Path(str(msgcenter.__file__)).parent
_PACKAGES = ("database", "store", "messaging", "delivery", "live", "monitor")
_UNSTABLE = re.compile(
    r"\b(now|clock_timestamp|statement_timestamp|transaction_timestamp|random|gen_random_uuid)\s*\(|"
    r"\b(current_timestamp|current_date|localtimestamp)\b",
    re.IGNORECASE,
)
# Modules that query the server itself, no table of ours.
_EXEMPT = {"diagnosis.py"}


def _texts(path: Path) -> list[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]


@pytest.mark.parametrize(
    "path",
    [p for p in sorted(p for package in _PACKAGES for p in (_SOURCE / package).rglob("*.py")) if p.name not in _EXEMPT],
    ids=lambda path: str(path.relative_to(_SOURCE)),
)
def test_no_statement_depends_on_the_servers_clock_or_on_chance(path: Path) -> None:
    sql = [text for text in _texts(path) if re.search(r"\b(select|insert|update|delete)\b", text)]
    assert not [text for text in sql if _UNSTABLE.search(text)]


def test_numbers_are_taken_from_sequences_without_a_table_of_cells() -> None:
    """On a cluster, these tables are on the workers, and the sequences on the coordinator."""
    schema = "".join(migration.sql for migration in known_migrations())
    tables = "|".join(re.findall(r"create table (\w+) \(\n  cell ", schema))
    texts = [text for package in _PACKAGES for path in (_SOURCE / package).rglob("*.py") for text in _texts(path)]
    numbering = [text for text in texts if re.search(r"\bnextval\s*\(", text)]
    assert len(numbering) >= 3
    assert [text for text in numbering if re.search(rf"\b({tables})\b", text)] == []


def test_several_rows_are_locked_in_an_order() -> None:
    """Two transactions that lock the same rows in different orders would deadlock."""
    texts = [text for package in _PACKAGES for path in (_SOURCE / package).rglob("*.py") for text in _whole_texts(path)]
    locking = [text for text in texts if re.search(r"\bfor (no key )?update\b", text)]
    one_row = re.compile(
        r"\bwhere (\w+\.)?number = \$1\b|\bwhere template\.platform_code = \$1 and template\.code = \$2"
    )
    assert len(locking) >= 10
    assert [text for text in locking if "order by" not in text and not one_row.search(text)] == []


def _whole_texts(path: Path) -> list[str]:
    """Return the strings of a module, f-strings with their expressions."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    formatted = [node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)]
    parts = {id(part) for node in formatted for part in ast.walk(node) if part is not node}
    plain = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    return [ast.unparse(node) for node in (*formatted, *plain) if id(node) not in parts]


@one_server
async def test_status_changes_are_heap_only(database: Database, app_number: int) -> None:
    users = tuple(f"user-{number:03}" for number in range(50))
    drafts = [text_to(app_number, HOME, users) for _ in range(60)]
    ids = [i for i in await send_drafts(database, MessageIds(1), drafts) if isinstance(i, int)]
    shares = []
    for _ in range(_ROUNDS):
        updates, heap_only = await _updates(database)
        for turn in range(20):
            changes = [
                StatusChange(HOME.recipient(user), app_number, frozenset(ids[:50]), turn % 2 == 0) for user in users
            ]
            await apply_status_changes(database, changes)
        updates_after, heap_only_after = await _updates(database)
        assert updates_after - updates >= 1_000
        shares.append((heap_only_after - heap_only) / (updates_after - updates))
        if shares[-1] >= 0.95:
            return
    raise AssertionError(f"of the updates, these were heap-only: {shares}")


_ROUNDS = 5
"""Attempts: a transaction in any database keeps old row versions in all databases of the server, and other tests use
the same server."""


async def _updates(database: Database) -> tuple[int, int]:
    """Return the number of updates of pages, and of heap-only ones among them."""
    async with database.connection() as connection:
        await connection.execute("select pg_stat_force_next_flush()")
        row = await connection.fetchrow(
            "select n_tup_upd, n_tup_hot_upd from pg_stat_user_tables where relname = 'mailbox_page'"
        )
    assert row is not None
    return row["n_tup_upd"], row["n_tup_hot_upd"]


@pytest.mark.parametrize("only_pulled", [False, True])
async def test_status_changes_probe_the_key_in_order(database: Database, app_number: int, only_pulled: bool) -> None:
    (message_id,) = await send_drafts(database, MessageIds(1), [text_to(app_number, HOME, ["u"])])
    assert isinstance(message_id, int)
    key = PageKey(HOME.first_cell, "u", bucket_of(message_id), app_number)
    async with database.connection() as connection:
        assert await read_states.change_status(connection, {key: PageChange(read=[message_id])}, 1) == {}
        await connection.execute("set local statement_timeout = 0")
        plan = await _plan_of_status_statement(connection, only_pulled=only_pulled)
    assert "Nested Loop" in plan
    assert "mailbox_page_pkey" in plan
    for other in ("Hash Join", "Merge Join", "Seq Scan on", "Bitmap Heap Scan"):
        assert other not in plan


async def _plan_of_status_statement(connection: object, *, only_pulled: bool) -> str:
    """Return the plan of the statement that `change_status` executes."""

    class Spy:
        async def fetch(self, statement: str, *values: object) -> list[object]:
            rows = await connection.fetch(f"explain {statement}", *values)  # type: ignore[attr-defined]
            self.plan = "\n".join(row[0] for row in rows)
            return []

    spy = Spy()
    key = PageKey(HOME.first_cell, "u", 1, 1)
    await read_states.change_status(spy, {key: PageChange.of({5: EntryChange.READ})}, 1, only_pulled=only_pulled)  # type: ignore[arg-type]
    return spy.plan
