"""Single changes of the directory, and what is in force after them."""

from msgcenter.database.database import Database
from msgcenter.domain.directory import NEVER, Membership, OrgChange, UserChange
from msgcenter.messaging.directory.change_members import add_members
from msgcenter.messaging.directory.change_orgs import change_orgs
from msgcenter.messaging.directory.change_users import change_users
from tests.scene import HOME, START, rows

TREE = [
    OrgChange("a", name="A"),
    OrgChange("b", name="B"),
    OrgChange("s", "a", name="S"),
    OrgChange("c", "s", name="C"),
]


async def test_a_new_membership_of_a_disabled_user_waits(database: Database, app_number: int) -> None:
    await database.in_transaction(change_orgs, HOME, TREE, START)
    await database.in_transaction(change_users, HOME, [UserChange("u", disabled=True)])
    await database.in_transaction(add_members, HOME, [Membership("c", "u", "stu")])
    (row,) = await rows(database, "select since, until from directory_member")
    assert tuple(row) == (NEVER, None)
    await database.in_transaction(change_users, HOME, [UserChange("u", disabled=False)])
    (row,) = await rows(database, "select since < $1 as in_force, until from directory_member", NEVER)
    assert tuple(row) == (True, None)


async def test_an_organisation_moves_with_all_below_it(database: Database, app_number: int) -> None:
    await database.in_transaction(change_orgs, HOME, TREE, START)
    assert await database.in_transaction(change_orgs, HOME, [OrgChange("s", "b")], START) == (1, {})
    found = await rows(
        database,
        """
        select org.org_id, above.org_id, path.depth
        from directory_path as path
        join directory_org as org on org.number = path.org_number
        join directory_org as above on above.number = path.ancestor_number
        where path.until is null
        order by org.org_id, path.depth
        """,
    )
    assert [tuple(row) for row in found] == [
        *(("a", "a", 0), ("b", "b", 0)),
        *(("c", "c", 0), ("c", "s", 1), ("c", "b", 2)),
        *(("s", "s", 0), ("s", "b", 1)),
    ]
