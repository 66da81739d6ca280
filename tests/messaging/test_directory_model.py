"""The directory compared with a plain model: the tree, the members, and whom a message at each position is for."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from msgcenter.actions.apps.key_ring import KeyRing
from msgcenter.database.database import Connection, Database
from msgcenter.domain import org_tree
from msgcenter.domain.account import Platform
from msgcenter.domain.channels.contacts import ContactWriting
from msgcenter.domain.channels.sealing import contact_binding
from msgcenter.domain.directory import DirectoryUser, FormerMembership, Membership, OrgChange, UserChange
from msgcenter.messaging.directory import change_orgs as change_orgs_module
from msgcenter.messaging.directory.change_members import add_members, remove_members
from msgcenter.messaging.directory.change_orgs import change_orgs, end_members_of_deleted
from msgcenter.messaging.directory.change_users import change_users
from msgcenter.store.apps.platforms import ensure_platform
from msgcenter.store.channels import contacts
from msgcenter.store.directory import orgs, users
from msgcenter.store.directory.members import Member, find, list_members
from msgcenter.store.mailboxes import feed
from msgcenter.store.mailboxes.users import are_known
from tests.conftest import examples
from tests.scene import START, event_loop, find_platform, rows, weighted

ORGS = ("区", "school-1", "school-2", "class-1", "class-2")
USERS = ("u1", "u2", "王", "u4")
ROLES = ("tea", "par")
KEYS = KeyRing("a secret key of the tests")
WRITING = ContactWriting(KEYS, None, START)
DEPTH = 3
CELLS = 2

org_id = st.sampled_from(ORGS)
user_id = st.sampled_from(USERS)
role = st.sampled_from(ROLES)


class SetOrgs(NamedTuple):
    """Set or delete organisations."""

    changes: tuple[OrgChange, ...]


class SetUsers(NamedTuple):
    """Set or delete users."""

    changes: tuple[UserChange, ...]


class SetMembers(NamedTuple):
    """Begin memberships."""

    memberships: tuple[Membership, ...]


class RemoveMembers(NamedTuple):
    """End memberships."""

    memberships: tuple[FormerMembership, ...]


class Publish(NamedTuple):
    """Publish a message in each cell; without this step, nothing lies between two changes."""


Step: TypeAlias = SetOrgs | SetUsers | SetMembers | RemoveMembers | Publish
org_changes = st.builds(
    OrgChange,
    org_id,
    weighted((1, st.none()), (1, st.just("")), (4, org_id)),
    st.sampled_from([None, "", "class"]),
    st.sampled_from([None, "Name", "Other"]),
    weighted((4, st.just(False)), (1, st.just(True))),
)
user_changes = st.builds(
    UserChange,
    user_id,
    st.sampled_from([None, "", "Wang"]),
    st.sampled_from([None, "", "zh-CN"]),
    st.none(),
    st.sampled_from([None, False, True]),
    weighted((5, st.just(False)), (1, st.just(True))),
    st.sampled_from(
        [(), (("email", "a@school.example"),), (("email", "b@school.example"), ("mobile", "")), (("email", ""),)]
    ),
)
memberships = st.lists(st.builds(Membership, org_id, user_id, role), min_size=1, max_size=6, unique=True)
former = st.lists(
    st.builds(FormerMembership, org_id, user_id, st.sampled_from([None, *ROLES])), min_size=1, max_size=3, unique=True
)
steps: st.SearchStrategy[Step] = weighted(
    (3, st.lists(org_changes, min_size=1, max_size=5, unique_by=lambda it: it.org_id).map(tuple).map(SetOrgs)),
    (2, st.lists(user_changes, min_size=1, max_size=3, unique_by=lambda it: it.user_id).map(tuple).map(SetUsers)),
    (3, memberships.map(tuple).map(SetMembers)),
    (1, former.map(tuple).map(RemoveMembers)),
    (3, st.just(Publish())),
)
FIRST = SetOrgs(tuple(OrgChange(it, parent, "", "Name") for it, parent in zip(ORGS, ("", *ORGS[:1] * 4), strict=True)))


@dataclass
class Model:
    """The directory as plain sets. `reached` is, for each message, who gets it if it is to an organisation."""

    orgs: dict[str, tuple[str, str, str]] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)
    users: dict[str, DirectoryUser] = field(default_factory=dict)
    emails: dict[str, str] = field(default_factory=dict)
    members: set[Membership] = field(default_factory=set)
    reached: list[set[tuple[str, str, str, bool]]] = field(default_factory=list)

    def set_orgs(self, changes: tuple[OrgChange, ...], refused: set[str]) -> None:
        """Apply the changes that are not refused, and check that the tree is one."""
        for change in changes:
            if change.org_id in refused:
                continue
            if change.deleted:
                self.orgs.pop(change.org_id, None)
                self.members = {it for it in self.members if it.org_id != change.org_id}
                continue
            parent, _, name = self.orgs.get(change.org_id, ("", "", ""))
            kind = self.kinds.get(change.org_id, "")
            self.kinds[change.org_id] = kind if change.kind is None else change.kind
            self.orgs[change.org_id] = (
                parent if change.parent_id is None else change.parent_id,
                self.kinds[change.org_id],
                change.name or name,
            )
        for org in self.orgs:
            assert len(list(self.line(org))) <= DEPTH

    def line(self, org: str) -> Iterator[str]:
        """Yield an organisation and those above it. They must exist."""
        while org:
            yield org
            org = self.orgs[org][0]

    def set_users(self, changes: tuple[UserChange, ...]) -> None:
        """Apply changes of users."""
        for change in changes:
            if change.deleted:
                self.users.pop(change.user_id, None)
                self.emails.pop(change.user_id, None)
                self.members = {it for it in self.members if it.user_id != change.user_id}
            else:
                self.users[change.user_id] = change.applied_to(
                    self.users.get(change.user_id, DirectoryUser(change.user_id))
                )
                email = dict(change.contacts).get("email", self.emails.pop(change.user_id, ""))
                self.emails |= {change.user_id: email} if email else {}

    def add(self, new: tuple[Membership, ...]) -> None:
        """Begin memberships."""
        for membership in new:
            if membership.org_id in self.orgs:
                self.users.setdefault(membership.user_id, DirectoryUser(membership.user_id))
                self.members.add(membership)

    def remove(self, ended: tuple[FormerMembership, ...]) -> None:
        """End memberships."""
        for org, user, ended_role in ended:
            self.members = {
                it
                for it in self.members
                if not (it.org_id == org and it.user_id == user and ended_role in {None, it.role})
            }

    def publish(self) -> None:
        """Note who gets a message that is sent now."""
        self.reached.append(
            {
                (above, it.user_id, it.role, above == it.org_id)
                for it in self.members
                if not self.users[it.user_id].disabled
                for above in self.line(it.org_id)
            }
        )


@dataclass
class Scene:
    """The directory of a platform, and the model."""

    database: Database
    platform: Platform
    model: Model = field(default_factory=Model)
    positions: list[tuple[int, ...]] = field(default_factory=list)

    async def play(self, step: Step) -> None:
        """Make a step in both, twice: the second time changes nothing."""
        before = await self.heads()
        match step:
            case SetOrgs(changes):
                await end_members_of_deleted(self.database, self.platform, changes)
                result = await self.database.in_transaction(change_orgs, self.platform, changes, START)
                self.model.set_orgs(changes, set(result.problems))
                if not result.problems:  # else a repetition may apply what was refused, after the other changes
                    again = await self.database.in_transaction(change_orgs, self.platform, changes, START)
                    assert (again.changed, again.problems) == (0, {})
            case SetUsers(changes):
                await self.database.in_transaction(change_users, self.platform, changes, WRITING)
                assert await self.database.in_transaction(change_users, self.platform, changes, WRITING) == 0
                self.model.set_users(changes)
            case SetMembers(new):
                added = len(self.model.members)
                begun = await self.database.in_transaction(add_members, self.platform, new)
                assert begun.unknown_orgs == {it.org_id for it in new} - self.model.orgs.keys()
                self.model.add(new)
                assert begun.changed == len(self.model.members) - added
                assert not (await self.database.in_transaction(add_members, self.platform, new)).changed
            case RemoveMembers(ended):
                over = await self.database.in_transaction(remove_members, self.platform, ended)
                left = len(self.model.members)
                self.model.remove(ended)
                assert over.changed == left - len(self.model.members)
                assert not (await self.database.in_transaction(remove_members, self.platform, ended)).changed
            case Publish():
                self.model.publish()
                await self.database.in_transaction(self.publish)
                return
        if not isinstance(step, SetOrgs):  # members of deleted organisations leave in blocks
            assert all(new - old <= 1 for old, new in zip(before, await self.heads(), strict=True))

    async def publish(self, connection: Connection) -> None:
        """Take a position in each cell, as a message does."""
        taken = [(await feed.take_positions(connection, cell, 1))[0] for cell in self.platform.all_cells]
        self.positions.append(tuple(taken))

    async def heads(self) -> list[int]:
        """Return the positions of the feeds of all cells."""
        found = await rows(
            self.database, "select position from feed_head where cell = any($1) order by cell", self.cells
        )
        return [row["position"] for row in found]

    @property
    def cells(self) -> list[int]:
        """The cells of the platform."""
        return list(self.platform.all_cells)

    async def compare(self) -> None:
        """Compare the directory, and who gets each message, with the model."""
        await self.database.in_transaction(self.compare_definition)
        for position, (taken, reached) in enumerate(zip(self.positions, self.model.reached, strict=True)):
            assert await self.reached(taken) == reached, f"message {position}"

    async def compare_definition(self, connection: Connection) -> None:
        """Compare organisations, users and memberships with the model."""
        stored = {row.number: row async for row in orgs.all_orgs(connection, self.platform.code)}
        ids = {number: row.org_id for number, row in stored.items()}
        assert self.model.orgs == {
            row.org_id: ("" if row.parent_number is None else ids[row.parent_number], row.kind, row.name)
            for row in stored.values()
        }
        people: dict[str, DirectoryUser] = {}
        emails: dict[str, str] = {}
        memberships: set[Membership] = set()
        for cell in self.platform.all_cells:
            in_cell = await users.list_users(connection, cell, "", 100)
            people |= {user.user_id: user for user in in_cell}
            assert await are_known(connection, cell, [user.user_id for user in in_cell])
            emails |= await self.emails(connection, cell)
            members = await list_members(connection, cell, Member("", 0, ""), 1_000)
            assert set(members) == await find(connection, cell, members)
            memberships |= {Membership(ids[it.org_number], it.user_id, it.role) for it in members}
        assert people == self.model.users
        assert emails == self.model.emails
        assert memberships == self.model.members

    async def emails(self, connection: Connection, cell: int) -> dict[str, str]:
        """Return the e-mail addresses of the users of a cell, who have no contact points of other kinds."""
        stored = await contacts.read(connection, cell, USERS)
        assert {kind for points in stored.values() for kind in points} <= {"email"}
        return {
            user: KEYS.open_value("contact", contact_binding(self.platform.code, user, kind), contact.value_sealed)
            for user, points in stored.items()
            for kind, contact in points.items()
        }

    async def reached(self, positions: tuple[int, ...]) -> set[tuple[str, str, str, bool]]:
        """Return who gets a message at these positions of the cells: organisation, user, role, whether direct."""
        found = await rows(
            self.database,
            """
            select org.org_id, member.user_id, member.role, path.depth = 0, member.org_number
            from unnest($1::int[], $2::bigint[]) as message (cell, position)
            join directory_member as member
                on member.cell = message.cell
                and member.since < message.position
                and (member.until is null or message.position <= member.until)
            join directory_path as path
                on path.cell = message.cell
                and path.org_number = member.org_number
                and path.since < message.position
                and (path.until is null or message.position <= path.until)
            join directory_org as org on org.number = path.ancestor_number
            where org.platform_code = $3
            """,
            self.cells,
            positions,
            self.platform.code,
        )
        assert len(found) == len({tuple(row) for row in found})
        return {tuple(row)[:4] for row in found}


def test_the_directory_is_what_a_plain_model_says(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(org_tree, "MAX_DEPTH", DEPTH)
    monkeypatch.setattr(change_orgs_module, "BLOCK", 2)
    with event_loop() as run:
        database = run(Database(database_url).__aenter__())
        scenes = 0

        @settings(max_examples=examples(150), deadline=None, suppress_health_check=[HealthCheck.too_slow])
        @given(st.lists(steps, min_size=1, max_size=14))
        def check(story: list[Step]) -> None:
            nonlocal scenes
            scenes += 1
            run(_play(database, f"model-{scenes}", story))

        try:
            check()
        finally:
            run(database.__aexit__(None, None, None))


async def _play(database: Database, code: str, story: list[Step]) -> None:
    await database.in_transaction(ensure_platform, code, code, START, cells=CELLS)
    scene = Scene(database, await find_platform(database, code))
    for step in (FIRST, *story, Publish()):
        await scene.play(step)
    await scene.compare()
