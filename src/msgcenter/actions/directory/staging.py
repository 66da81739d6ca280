"""A directory as a file describes it, in a temporary SQLite database on disk, so that memory does not grow with it."""

import sqlite3
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec

from msgcenter.actions.directory.import_files import BadLine, Entry, Place
from msgcenter.domain.account import Platform
from msgcenter.domain.channels.contacts import Contacts
from msgcenter.domain.directory import OrgChange, UserChange
from msgcenter.domain.directory_items import OrgItem, UserItem

MAX_SHOWN = 50
"""Bad lines that are named; the others are counted."""
_BATCH = 5_000
_CACHE_KIB = 32_768
_SCHEMA = """
    create table org (org_id text primary key, parent_id text, kind text, name text, place text) without rowid;
    create table person (
        cell int, user_id text, name text, locale text, time_zone text, disabled int, contacts text, place text,
        primary key (cell, user_id)
    ) without rowid;
    create table member (
        cell int, user_id text, org_id text, role text, place text, primary key (cell, user_id, org_id, role)
    ) without rowid;
"""
_INSERT = {
    "org": "insert into org values (?, ?, ?, ?, ?)",
    "person": "insert into person values (?, ?, ?, ?, ?, ?, ?, ?)",
    "member": "insert into member values (?, ?, ?, ?, ?)",
}
_KEYS = {"org": ("org_id",), "person": ("cell", "user_id"), "member": ("cell", "user_id", "org_id", "role")}
_Row = tuple[object, ...]


class StagedUser(NamedTuple):
    """A user as a file describes one, with all memberships: pairs of organisation and role."""

    change: UserChange
    members: frozenset[tuple[str, str]]


class Staging:
    """What a file says about a platform's directory. `bad_lines` are the first of `problems`. Use in a `with` block."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        # An empty name is a temporary file that ends with the process.
        self.connection = sqlite3.connect("", isolation_level=None)
        self.connection.execute(f"pragma cache_size = -{_CACHE_KIB}")
        self.connection.executescript(_SCHEMA)
        self.bad_lines: list[BadLine] = []
        self.problems = 0
        self.has_contacts = False
        """Whether there is a contact point in the file, or the removal of one."""
        self._batches: dict[str, list[_Row]] = {table: [] for table in _INSERT}

    def __enter__(self) -> "Staging":
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    def read(self, entries: Iterable[Entry]) -> None:
        """Take all items in. Lines that are none, or repeat another line, are bad lines."""
        self.connection.execute("begin")
        cell_of = self.platform.cell_of
        for entry in entries:
            if isinstance(entry, BadLine):
                self.refuse(entry)
                continue
            place, item = entry
            at = f"{place.file}:{place.line}"
            if isinstance(item, OrgItem):
                org_id, parent_id, kind, name, _ = item.change()
                self._add("org", (org_id, parent_id, kind, name, at))
            elif isinstance(item, UserItem):
                user_id, name, locale, time_zone, disabled, _, contacts = item.change()
                self.has_contacts |= bool(contacts)
                texts = packed(contacts)
                self._add("person", (cell_of(user_id), user_id, name, locale, time_zone, disabled, texts, at))
            else:
                user_id = str(item.user_id)
                self._add("member", (cell_of(user_id), user_id, str(item.org_id), item.role, at))
        for table in self._batches:
            self._flush(table)
        # Whoever is a member is a user of the directory.
        self.connection.execute(
            "insert or ignore into person (cell, user_id) select distinct cell, user_id from member"
        )
        self.connection.execute("commit")

    def refuse(self, bad_line: BadLine) -> None:
        """Note a bad line."""
        self.problems += 1
        if len(self.bad_lines) < MAX_SHOWN:
            self.bad_lines.append(bad_line)

    def _add(self, table: str, row: _Row) -> None:
        batch = self._batches[table]
        batch.append(row)
        if len(batch) >= _BATCH:
            self._flush(table)

    def _flush(self, table: str) -> None:
        batch = self._batches[table]
        # `insert or ignore` would hide which rows repeat others.
        before = self.connection.total_changes
        self.connection.executemany(_INSERT[table].replace("insert", "insert or ignore", 1), batch)
        if self.connection.total_changes - before != len(batch):
            for row in batch:
                self._find_repetition(table, row)
        batch.clear()

    def _find_repetition(self, table: str, row: _Row) -> None:
        keys = _KEYS[table]
        where = " and ".join(f"{key} = ?" for key in keys)
        (place,) = self.connection.execute(f"select place from {table} where {where}", row[: len(keys)]).fetchone()  # noqa: S608 - names of this module
        if place != row[-1]:
            self.refuse(BadLine(str(row[-1]), f"repeats {place}"))

    # --- What the file says -------------------------------------------------------------------------------------------

    def orgs(self) -> list[OrgChange]:
        """Return all organisations of the file."""
        rows = self.connection.execute("select org_id, parent_id, kind, name from org order by org_id")
        return [OrgChange(*row) for row in rows]

    def place_of_org(self, org_id: str) -> str | None:
        """Return where the file has an organisation."""
        row = self.connection.execute("select place from org where org_id = ?", [org_id]).fetchone()
        return None if row is None else str(row[0])

    def refuse_members_outside(self, org_ids: Iterable[str]) -> None:
        """Note the memberships in organisations other than these."""
        self.connection.execute("create temp table known (org_id text primary key) without rowid")
        self.connection.executemany("insert into known values (?)", ((org_id,) for org_id in org_ids))
        rows = self.connection.execute(
            """
            select member.place, member.org_id
            from member
            where member.org_id not in (select org_id from known)
            """
        )
        for place, org_id in rows:
            self.refuse(BadLine(place, f"there is no organisation {org_id}"))

    def users(self, cell: int) -> Iterator[StagedUser]:
        """Yield the users of a cell with their memberships, by user id."""
        users = self.connection.execute(
            "select user_id, name, locale, time_zone, disabled, contacts from person where cell = ? order by user_id",
            [cell],
        )
        members = self.connection.execute(
            "select user_id, org_id, role from member where cell = ? order by user_id", [cell]
        )
        member = next(members, None)
        for user_id, name, locale, time_zone, disabled, contacts in users:
            own: list[tuple[str, str]] = []
            while member is not None and member[0] == user_id:
                own.append((member[1], member[2]))
                member = next(members, None)
            change = UserChange(
                user_id,
                name,
                locale,
                time_zone,
                None if disabled is None else bool(disabled),
                contacts=unpacked(contacts),
            )
            yield StagedUser(change, frozenset(own))

    def counts(self) -> tuple[int, int, int]:
        """Return how many organisations, users and memberships the file has."""
        orgs, users, members = (
            self.connection.execute(f"select count(*) from {table}").fetchone()[0]  # noqa: S608 - as above
            for table in ("org", "person", "member")
        )
        return orgs, users, members


def packed(contacts: Contacts) -> str | None:
    """Return contact points as a text for a column."""
    return msgspec.json.encode(contacts).decode() if contacts else None


def unpacked(text: str | None) -> Contacts:
    """Return the contact points of a column."""
    return msgspec.json.decode(text, type=Contacts) if text else ()


def place_key(bad_line: BadLine) -> tuple[str, int]:
    """Return the key by which bad lines are sorted: by file and line."""
    place = bad_line.place
    if isinstance(place, Place):
        return place.file, place.line
    file, _, line = place.rpartition(":")
    return (file, int(line)) if line.isdigit() else (place, 0)
