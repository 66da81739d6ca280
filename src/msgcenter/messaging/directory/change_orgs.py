"""Changing the tree of organisations."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from msgcenter.database.database import Connection, Database
from msgcenter.domain.account import Platform
from msgcenter.domain.directory import BLOCK, OrgChange
from msgcenter.domain.org_tree import Problem, final_parents, line_of, tree_problems
from msgcenter.store.directory import members, orgs, paths
from msgcenter.store.directory.members import Member
from msgcenter.store.directory.orgs import OrgRow
from msgcenter.store.directory.paths import Path
from msgcenter.store.mailboxes import feed


class ChangedOrgs(NamedTuple):
    """How many organisations have changed, and why the others could not, by org id."""

    changed: int
    problems: Mapping[str, Problem]


async def end_members_of_deleted(database: Database, platform: Platform, changes: Sequence[OrgChange]) -> None:
    """End the memberships in the organisations that `changes` will delete, in blocks."""
    if any(change.deleted for change in changes):
        plan = await database.in_transaction(_plan, platform, changes)
        for row in plan.deleted:
            await _empty(database, platform, row.number)


async def change_orgs(
    connection: Connection, platform: Platform, changes: Sequence[OrgChange], now: int
) -> ChangedOrgs:
    """Set or delete distinct organisations, and move all below those that move. `now` is ms since 1970.

    Users keep what they have received. Before, `end_members_of_deleted` has run.
    """
    plan = await _plan(connection, platform, changes)
    numbers = {org_id: row.number for org_id, row in plan.rows.items()}
    if plan.new:
        new = [(change.org_id, change.kind or "", change.name or "") for change in plan.new]
        numbers |= await orgs.insert(connection, platform.code, new)
    written = [*plan.new, *plan.changed]
    if written:
        await orgs.update(connection, [_row_after(plan, numbers, change) for change in written])
    if plan.deleted:
        await orgs.delete(connection, [row.number for row in plan.deleted], now)
    if plan.affected:
        await _change_paths(connection, platform, plan, numbers)
    return ChangedOrgs(len(written) + len(plan.deleted), plan.problems)


@dataclass(frozen=True)
class _Plan:
    """What to do: the organisations to add, to write and to delete, and those whose paths change.

    `rows` are the organisations that exist or existed, `parents` the tree after the changes.
    """

    rows: Mapping[str, OrgRow]
    parents: Mapping[str, str]
    new: list[OrgChange]
    changed: list[OrgChange]
    deleted: list[OrgRow]
    affected: list[str]
    problems: Mapping[str, Problem]


async def _plan(connection: Connection, platform: Platform, changes: Sequence[OrgChange]) -> _Plan:
    """Lock the directory and return what the changes, as far as they are possible, mean for it."""
    await orgs.lock_directory(connection, platform.code)
    named = {change.org_id for change in changes} | {change.parent_id for change in changes if change.parent_id}
    rows = {row.org_id: row for row in await orgs.with_ancestors(connection, platform.code, named)}
    ids = {row.number: row.org_id for row in rows.values()}
    known = {
        row.org_id: "" if row.parent_number is None else ids[row.parent_number]
        for row in rows.values()
        if not row.is_deleted
    }
    moved = [rows[it.org_id].number for it in changes if it.org_id in known and _moves(it, known)]
    for row in await orgs.below(connection, moved):
        rows[row.org_id] = row
        ids[row.number] = row.org_id
    known |= {row.org_id: ids[row.parent_number] for row in rows.values() if row.parent_number and not row.is_deleted}
    problems = tree_problems(known, changes)
    accepted = [change for change in changes if change.org_id not in problems]
    parents = final_parents(known, accepted)
    return _Plan(
        rows,
        parents,
        new=[change for change in accepted if not change.deleted and change.org_id not in rows],
        changed=[it for it in accepted if it.org_id in rows and _differs(it, rows[it.org_id], known, parents)],
        deleted=[rows[change.org_id] for change in accepted if change.deleted and change.org_id in known],
        affected=_affected(known, parents, accepted),
        problems=problems,
    )


def _moves(change: OrgChange, known: Mapping[str, str]) -> bool:
    """Return whether a change moves or deletes an organisation."""
    return change.deleted or change.parent_id not in {None, known[change.org_id]}


def _differs(change: OrgChange, row: OrgRow, known: Mapping[str, str], parents: Mapping[str, str]) -> bool:
    """Return whether a change is to be written to the row of an organisation that exists or existed."""
    if change.deleted:
        return False
    return (
        row.is_deleted
        or parents[row.org_id] != known[row.org_id]
        or change.kind not in {None, row.kind}
        or bool(change.name and change.name != row.name)
    )


def _affected(known: Mapping[str, str], parents: Mapping[str, str], accepted: Iterable[OrgChange]) -> list[str]:
    """Return the organisations whose paths change: new, moved and deleted ones, and all below those that move."""
    changed = {
        change.org_id
        for change in accepted
        if (change.org_id in known if change.deleted else parents[change.org_id] != known.get(change.org_id))
    }
    return [org_id for org_id in parents if not changed.isdisjoint(line_of(parents, org_id))]


def _row_after(plan: _Plan, numbers: Mapping[str, int], change: OrgChange) -> tuple[int, int | None, str, str]:
    row = plan.rows.get(change.org_id)
    parent = plan.parents[change.org_id]
    kind, name = change.kind, change.name
    if row is not None:
        kind, name = row.kind if kind is None else kind, name or row.name
    return numbers[change.org_id], numbers[parent] if parent else None, kind or "", name or ""


def _paths(parents: Mapping[str, str], numbers: Mapping[str, int], org_id: str) -> list[Path]:
    return [Path(numbers[org_id], numbers[above], depth) for depth, above in enumerate(line_of(parents, org_id))]


async def _change_paths(connection: Connection, platform: Platform, plan: _Plan, numbers: Mapping[str, int]) -> None:
    """Open and close the paths of the affected organisations in all cells, and end what is left in deleted ones."""
    affected = [numbers[org_id] for org_id in plan.affected]
    deleted = {row.org_id for row in plan.deleted}
    after = {
        path for org_id in plan.affected if org_id not in deleted for path in _paths(plan.parents, numbers, org_id)
    }
    before = {cell: await paths.find(connection, cell, affected) for cell in platform.all_cells}
    for cell in platform.all_cells:
        (position,) = await feed.take_positions(connection, cell, 1)
        await paths.end(connection, cell, position, before[cell] - after)
        await paths.add(connection, cell, position, after - before[cell])
        for row in plan.deleted:
            # Usually there is none left: those who became members since the organisation was emptied.
            if rest := await members.of_org(connection, cell, row.number, None):
                await members.end(connection, cell, position, rest)


async def _empty(database: Database, platform: Platform, org_number: int) -> None:
    """End all memberships in an organisation, in blocks."""
    for cell in platform.all_cells:
        while await database.in_transaction(_end_block, platform, cell, org_number) == BLOCK:
            pass


async def _end_block(connection: Connection, platform: Platform, cell: int, org_number: int) -> int:
    await orgs.lock_directory(connection, platform.code)
    block: list[Member] = await members.of_org(connection, cell, org_number, BLOCK)
    if block:
        (position,) = await feed.take_positions(connection, cell, 1)
        await members.end(connection, cell, position, block)
    return len(block)
