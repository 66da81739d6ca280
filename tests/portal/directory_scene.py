"""A platform with a small directory, for the pages about it."""

from collections.abc import Iterable, Sequence

from msgcenter.database.database import Connection, Database
from msgcenter.domain.directory import DirectoryUser, Membership, Org, OrgChange, UserChange
from msgcenter.messaging.directory.change_members import add_members
from msgcenter.messaging.directory.change_orgs import change_orgs
from msgcenter.messaging.directory.change_users import change_users
from msgcenter.store.apps.platforms import ensure_platform
from tests.scene import START, find_platform

ORGS = (
    Org("district", "", "district", "江岸区"),
    Org("school/1", "district", "school", "第一小学"),
    Org("class-11", "school/1", "class", "三年级二班"),
    Org("class-12", "school/1", "class", "三年级三班"),
    Org("school2", "district", "school", "=第二中学"),
)
USERS = (
    DirectoryUser("tea-1", "王老师"),
    DirectoryUser("par-1", "王家长", locale="zh-CN", time_zone="Asia/Shanghai"),
    DirectoryUser("par-2", "Li Na", disabled=True),
)
MEMBERS = (
    Membership("school/1", "tea-1", "adm"),
    Membership("class-11", "tea-1", "tea"),
    Membership("class-12", "tea-1", "tea"),
    Membership("class-11", "par-1", "par"),
    Membership("class-12", "par-1", "par"),
    Membership("class-11", "par-2", "par"),
)


async def write_directory(
    database: Database,
    code: str,
    *,
    cells: int = 1,
    orgs: Sequence[Org] = ORGS,
    users: Iterable[DirectoryUser] = USERS,
    members: Iterable[Membership] = MEMBERS,
) -> None:
    """Add a platform, unless there is one, and fill its directory."""
    await database.in_transaction(_add_platform, code, cells)
    platform = await find_platform(database, code)
    await database.in_transaction(change_orgs, platform, [OrgChange(*org) for org in orgs], START)
    await database.in_transaction(change_users, platform, [UserChange(*user) for user in users])
    await database.in_transaction(add_members, platform, set(members))


async def _add_platform(connection: Connection, code: str, cells: int) -> None:
    await ensure_platform(connection, code, code, START, cells=cells)
