"""The difference between a directory and a file: what an import would change."""

from collections.abc import AsyncIterator, Iterator, Mapping
from enum import StrEnum
from typing import NamedTuple

from msgcenter.actions.directory.import_files import BadLine
from msgcenter.actions.directory.staging import StagedUser, Staging, packed
from msgcenter.database.database import Connection
from msgcenter.domain.account import Platform
from msgcenter.domain.channels.codes import ContactKind
from msgcenter.domain.channels.contacts import ContactWriting
from msgcenter.domain.directory import DirectoryUser, OrgChange, UserChange
from msgcenter.domain.org_tree import final_parents, parents_first, tree_problems
from msgcenter.store.channels import contacts as stored_contacts
from msgcenter.store.channels.contacts import Contact
from msgcenter.store.directory import members, users
from msgcenter.store.directory.members import Member
from msgcenter.store.directory.orgs import OrgRow, all_orgs

EXAMPLES = 10
"""The first differences of each kind that are shown."""
PAGE = 10_000
_SCHEMA = """
    create temp table new_user (cell int, user_id, name, locale, time_zone, disabled);
    create temp table new_member (cell int, user_id, org_id, role);
    create temp table missing_member (cell int, user_id, org_id, role);
    create temp table missing_user (cell int, user_id);
    create temp table new_contact (cell int, user_id, contacts);
"""


class Kind(StrEnum):
    """The kinds of differences. What is missing in the file stays, unless its deletion is confirmed."""

    NEW_ORG = "New organisations"
    CHANGED_ORG = "Changed organisations"
    MISSING_ORG = "Organisations that are not in the file"
    NEW_USER = "New users"
    CHANGED_USER = "Changed users"
    CHANGED_CONTACT = "Users with other contact points"
    MISSING_USER = "Users that are not in the file"
    NEW_MEMBER = "New memberships"
    MISSING_MEMBER = "Memberships that are not in the file"


MISSING = (Kind.MISSING_ORG, Kind.MISSING_USER, Kind.MISSING_MEMBER)


class StoredUser(NamedTuple):
    """A user of the directory with all memberships: pairs of organisation and role.

    `contacts` are the sealed contact points, if they are asked for.
    """

    user: DirectoryUser
    members: frozenset[tuple[str, str]]
    contacts: Mapping[ContactKind, Contact]


class StoredOrgs(NamedTuple):
    """The organisations of a platform by their ids, their parents ("" for none), and their ids by number."""

    rows: Mapping[str, OrgRow]
    parents: Mapping[str, str]
    ids: Mapping[int, str]

    @classmethod
    async def read(cls, connection: Connection, platform: Platform) -> "StoredOrgs":
        """Read all organisations. Runs inside a transaction."""
        rows = {row.org_id: row async for row in all_orgs(connection, platform.code)}
        ids = {row.number: row.org_id for row in rows.values()}
        parents = {org_id: "" if row.parent_number is None else ids[row.parent_number] for org_id, row in rows.items()}
        return cls(rows, parents, ids)


async def stored_users(
    connection: Connection, cell: int, org_ids: Mapping[int, str], *, contacts: bool
) -> AsyncIterator[StoredUser]:
    """Yield the users of a cell with their memberships, by user id; `contacts`: also their contact points.

    Needs a snapshot.
    """
    stored_members = _stored_members(connection, cell)
    member = await anext(stored_members, None)
    after = ""
    while page := await users.list_users(connection, cell, after, PAGE):
        points = await stored_contacts.read(connection, cell, [user.user_id for user in page]) if contacts else {}
        for user in page:
            own: list[tuple[str, str]] = []
            while member is not None and member.user_id <= user.user_id:
                if member.user_id == user.user_id:
                    own.append((org_ids[member.org_number], member.role))
                member = await anext(stored_members, None)
            yield StoredUser(user, frozenset(own), points.get(user.user_id, {}))
        after = page[-1].user_id


async def _stored_members(connection: Connection, cell: int) -> AsyncIterator[Member]:
    after = Member("", 0, "")
    while page := await members.list_members(connection, cell, after, PAGE):
        for member in page:
            yield member
        after = page[-1]


class Difference:
    """What an import would change. The changes of users and memberships are in temporary tables of the staging."""

    def __init__(self, staging: Staging, writing: ContactWriting) -> None:
        self.staging = staging
        self._writing = writing
        self.counts = dict.fromkeys(Kind, 0)
        self.examples: dict[Kind, list[str]] = {kind: [] for kind in Kind}
        self.orgs: list[OrgChange] = []
        """The organisations to set, each after those above it."""
        self.missing_orgs: list[OrgChange] = []
        """The deletions of the organisations that are not in the file, each before those above it."""
        self._rows: dict[str, list[tuple[object, ...]]] = {
            table: [] for table in ("new_user", "new_contact", "new_member", "missing_member", "missing_user")
        }
        staging.connection.executescript(_SCHEMA)

    @property
    def missing(self) -> int:
        """How many organisations, users and memberships are not in the file."""
        return sum(self.counts[kind] for kind in MISSING)

    def compare_orgs(self, stored: StoredOrgs, *, delete_missing: bool) -> None:
        """Compare the organisations, and note as bad lines what would not be a tree."""
        changes = self.staging.orgs()
        in_file = {change.org_id for change in changes}
        for change in changes:
            row = stored.rows.get(change.org_id)
            if row is None:
                self._note(Kind.NEW_ORG, f"{change.org_id} {change.name or ''}".rstrip())
            elif _differs(change, row, stored.parents):
                self._note(Kind.CHANGED_ORG, _org_difference(change, row, stored.parents))
            else:
                continue
            self.orgs.append(change)
        missing = [org_id for org_id in stored.rows if org_id not in in_file]
        for org_id in missing:
            self._note(Kind.MISSING_ORG, f"{org_id} {stored.rows[org_id].name}")
        gone = parents_first(stored.parents, missing)[::-1]
        self.missing_orgs = [OrgChange(org_id, deleted=True) for org_id in gone]
        deleted = self.missing_orgs if delete_missing else []
        for org_id, problem in tree_problems(stored.parents, [*self.orgs, *deleted]).items():
            place = self.staging.place_of_org(org_id)
            if place is None:
                field, place = f"organisation {org_id} is not in the file:", "deletion"
            else:
                field = problem.field
            self.staging.refuse(BadLine(place, f"{field} {problem.rule.en}"))
        self.staging.refuse_members_outside(in_file if delete_missing else {*in_file, *stored.rows})
        if not self.staging.problems:
            parents = final_parents(stored.parents, self.orgs)
            by_id = {change.org_id: change for change in self.orgs}
            self.orgs = [by_id[org_id] for org_id in parents_first(parents, by_id)]

    async def compare_users(self, stored: AsyncIterator[StoredUser], cell: int) -> None:
        """Compare the users of a cell and their memberships."""
        self.staging.connection.execute("begin")
        staged = self.staging.users(cell)
        mine: StagedUser | None = next(staged, None)
        async for theirs in stored:
            while mine is not None and mine.change.user_id < theirs.user.user_id:
                self._compare(cell, mine, None)
                mine = next(staged, None)
            if mine is not None and mine.change.user_id == theirs.user.user_id:
                self._compare(cell, mine, theirs)
                mine = next(staged, None)
            else:
                self._missing(cell, theirs)
        while mine is not None:
            self._compare(cell, mine, None)
            mine = next(staged, None)
        for table in self._rows:
            self._flush(table)
        self.staging.connection.execute("commit")

    def _compare(self, cell: int, mine: StagedUser, theirs: StoredUser | None) -> None:
        user_id = mine.change.user_id
        before = None if theirs is None else theirs.user
        after = mine.change.applied_to(before or DirectoryUser(user_id))
        if after != before:
            self._note(Kind.NEW_USER if before is None else Kind.CHANGED_USER, f"{user_id} {after.name}".rstrip())
            self._insert("new_user", (cell, *after))
        self._compare_contacts(cell, mine.change, {} if theirs is None else theirs.contacts)
        known = frozenset[tuple[str, str]]() if theirs is None else theirs.members
        if mine.members != known:
            self._members(Kind.NEW_MEMBER, "new_member", cell, user_id, mine.members - known)
            self._members(Kind.MISSING_MEMBER, "missing_member", cell, user_id, known - mine.members)

    def _compare_contacts(self, cell: int, change: UserChange, stored: Mapping[ContactKind, Contact]) -> None:
        """Note the contact points of a user that change. Their values are not shown."""
        changed = tuple(
            (kind, value) for kind, value in change.contacts if self._is_new(change.user_id, kind, value, stored)
        )
        if changed:
            self._note(Kind.CHANGED_CONTACT, f"{change.user_id}: {', '.join(kind for kind, _ in changed)}")
            self._insert("new_contact", (cell, change.user_id, packed(changed)))

    def _is_new(self, user_id: str, kind: ContactKind, value: str, stored: Mapping[ContactKind, Contact]) -> bool:
        if not value or kind not in stored:
            return bool(value) is not (kind in stored)
        code = self.staging.platform.code
        return not self._writing.is_sealed(code, user_id, kind, value=value, sealed=stored[kind].value_sealed)

    def _missing(self, cell: int, theirs: StoredUser) -> None:
        user_id = theirs.user.user_id
        self._note(Kind.MISSING_USER, f"{user_id} {theirs.user.name}".rstrip())
        self._insert("missing_user", (cell, user_id))
        self._members(Kind.MISSING_MEMBER, "missing_member", cell, user_id, theirs.members)

    def _members(self, kind: Kind, table: str, cell: int, user_id: str, pairs: frozenset[tuple[str, str]]) -> None:
        if not pairs:
            return
        ordered = sorted(pairs)
        for org_id, role in ordered[:EXAMPLES]:
            self._example(kind, f"{org_id} {user_id} {role}")
        self.counts[kind] += len(ordered)
        for org_id, role in ordered:
            self._insert(table, (cell, user_id, org_id, role))

    def _insert(self, table: str, row: tuple[object, ...]) -> None:
        rows = self._rows[table]
        rows.append(row)
        if len(rows) >= PAGE:
            self._flush(table)

    def _flush(self, table: str) -> None:
        if rows := self._rows[table]:
            places = ", ".join("?" * len(rows[0]))
            self.staging.connection.executemany(f"insert into {table} values ({places})", rows)  # noqa: S608 - names of this module
            rows.clear()

    def _note(self, kind: Kind, text: str) -> None:
        self.counts[kind] += 1
        self._example(kind, text)

    def _example(self, kind: Kind, text: str) -> None:
        examples = self.examples[kind]
        if len(examples) < EXAMPLES:
            examples.append(text)

    def blocks(self, table: str, size: int) -> Iterator[tuple[int, list[tuple[str, ...]]]]:
        """Yield the rows of a temporary table in blocks of up to `size`, each with its cell."""
        rows = self.staging.connection.execute(f"select * from {table} order by cell, rowid")  # noqa: S608 - as above
        cell, block = -1, list[tuple[str, ...]]()
        for row in rows:
            if block and (row[0] != cell or len(block) >= size):
                yield cell, block
                block = []
            cell = row[0]
            block.append(row[1:])
        if block:
            yield cell, block


def _differs(change: OrgChange, row: OrgRow, parents: Mapping[str, str]) -> bool:
    return (
        change.parent_id not in {None, parents[row.org_id]}
        or change.kind not in {None, row.kind}
        or change.name not in {None, row.name}
    )


def _org_difference(change: OrgChange, row: OrgRow, parents: Mapping[str, str]) -> str:
    before = {"parentId": parents[row.org_id], "kind": row.kind, "name": row.name}
    after = {"parentId": change.parent_id, "kind": change.kind, "name": change.name}
    parts = [
        f"{field} {before[field]!r} → {value!r}" for field, value in after.items() if value not in {None, before[field]}
    ]
    return f"{row.org_id}: {', '.join(parts)}"
