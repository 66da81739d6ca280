"""Changing memberships."""

from collections.abc import Collection, Iterable
from typing import NamedTuple

from msgcenter.database.database import Connection
from msgcenter.domain.account import Platform
from msgcenter.domain.directory import FormerMembership, Membership
from msgcenter.store.directory import members, orgs
from msgcenter.store.directory import users as directory_users
from msgcenter.store.directory.members import Member
from msgcenter.store.mailboxes import feed, users


class ChangedMembers(NamedTuple):
    """How many memberships began or ended, and which of the organisations do not exist."""

    changed: int
    unknown_orgs: frozenset[str]


async def add_members(
    connection: Connection, platform: Platform, memberships: Collection[Membership]
) -> ChangedMembers:
    """Begin memberships in organisations that exist; others do not change.

    Users become known, and are in the directory from now on.
    """
    await orgs.lock_directory(connection, platform.code)
    numbers = await orgs.numbers_of(connection, platform.code, {it.org_id for it in memberships})
    new: dict[int, set[Member]] = {}
    for cell, in_cell in _by_cell(platform, numbers, memberships).items():
        if absent := in_cell - await members.find(connection, cell, in_cell):
            user_ids = {member.user_id for member in absent}
            await users.register(connection, cell, user_ids)
            await directory_users.add_nameless(connection, cell, user_ids)
            new[cell] = absent
    for cell, absent in new.items():
        (position,) = await feed.take_positions(connection, cell, 1)
        await members.add(connection, cell, position, absent)
    unknown = frozenset(it.org_id for it in memberships if it.org_id not in numbers)
    return ChangedMembers(sum(map(len, new.values())), unknown)


async def remove_members(
    connection: Connection, platform: Platform, memberships: Collection[FormerMembership]
) -> ChangedMembers:
    """End memberships; what is none does not change."""
    await orgs.lock_directory(connection, platform.code)
    numbers = await orgs.numbers_of(connection, platform.code, {it.org_id for it in memberships})
    former: dict[int, set[Member]] = {}
    for cell, in_cell in _by_cell(platform, numbers, memberships).items():
        user_ids = {member.user_id for member in in_cell}
        # "" stands for all roles here; no role is "".
        ended = {
            member
            for member in await members.of_users(connection, cell, user_ids)
            if member in in_cell or member._replace(role="") in in_cell
        }
        if ended:
            former[cell] = ended
    for cell, ended in former.items():
        (position,) = await feed.take_positions(connection, cell, 1)
        await members.end(connection, cell, position, ended)
    unknown = frozenset(it.org_id for it in memberships if it.org_id not in numbers)
    return ChangedMembers(sum(map(len, former.values())), unknown)


def _by_cell(
    platform: Platform, numbers: dict[str, int], memberships: Iterable[Membership | FormerMembership]
) -> dict[int, set[Member]]:
    cells: dict[int, set[Member]] = {}
    for org_id, user_id, role in memberships:
        if org_id in numbers:
            member = Member(user_id, numbers[org_id], role or "")
            cells.setdefault(platform.cell_of(user_id), set()).add(member)
    return dict(sorted(cells.items()))
