"""Changing what the directory knows of users."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from msgcenter.database.database import Connection
from msgcenter.domain.account import Platform
from msgcenter.domain.channels.contacts import ContactWriting
from msgcenter.domain.directory import DirectoryUser, UserChange
from msgcenter.messaging.channels.change_contacts import change_contacts
from msgcenter.store.channels import contacts
from msgcenter.store.directory import members, orgs
from msgcenter.store.directory import users as directory_users
from msgcenter.store.directory.members import Member
from msgcenter.store.mailboxes import feed, users


class _CellPlan(NamedTuple):
    """What to do in a cell: the users to write, and whose memberships to end, suspend or resume."""

    written: list[DirectoryUser]
    deleted: set[str]
    disabled: set[str]
    enabled: set[str]
    ended: list[Member]


async def change_users(
    connection: Connection,
    platform: Platform,
    changes: Collection[UserChange],
    writing: ContactWriting | None = None,
) -> int:
    """Set what the directory knows of distinct users, or remove them. Return how many have changed.

    New users become known. The memberships of users who are disabled wait, those of users who are removed end.
    Changes with contact points need `writing`.
    """
    await orgs.lock_directory(connection, platform.code)
    cells: dict[int, list[UserChange]] = {}
    for change in changes:
        cells.setdefault(platform.cell_of(change.user_id), []).append(change)
    planned = {cell: await _plan(connection, cell, cells[cell]) for cell in sorted(cells)}
    for cell, plan in planned.items():
        await users.register(connection, cell, {user.user_id for user in plan.written})
        await directory_users.write(connection, cell, plan.written)
    changed = 0
    for cell, plan in planned.items():
        await _change_members(connection, cell, plan)
        points = {change.user_id: change.contacts for change in cells[cell] if change.contacts and not change.deleted}
        reached = set[str]()
        if points:
            assert writing is not None
            reached = await change_contacts(connection, platform, cell, points, writing)
        changed += len({*(user.user_id for user in plan.written), *plan.deleted, *reached})
    return changed


async def _plan(connection: Connection, cell: int, changes: Sequence[UserChange]) -> _CellPlan:
    present = await directory_users.find(connection, cell, [change.user_id for change in changes])
    plan = _CellPlan([], set(), set(), set(), [])
    for change in changes:
        user_id = change.user_id
        before = present.get(user_id)
        if change.deleted:
            if before is not None:
                plan.deleted.add(user_id)
            continue
        after = change.applied_to(before or DirectoryUser(user_id))
        if after == before:
            continue
        plan.written.append(after)
        if before is not None and after.disabled is not before.disabled:
            (plan.disabled if after.disabled else plan.enabled).add(user_id)
    if plan.deleted:
        plan.ended.extend(await members.of_users(connection, cell, plan.deleted))
    return plan


async def _change_members(connection: Connection, cell: int, plan: _CellPlan) -> None:
    if plan.ended or plan.disabled or plan.enabled:
        (position,) = await feed.take_positions(connection, cell, 1)
        if plan.ended:
            await members.end(connection, cell, position, plan.ended)
        if plan.disabled:
            await members.suspend(connection, cell, position, plan.disabled)
        if plan.enabled:
            await members.resume(connection, cell, position, plan.enabled)
    if plan.deleted:
        await directory_users.remove(connection, cell, plan.deleted)
        await contacts.remove_all(connection, cell, plan.deleted)
