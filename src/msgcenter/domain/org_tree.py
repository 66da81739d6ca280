"""The rules of a platform's tree of organisations: known parents, no circles, at most 12 levels, no orphans."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from msgcenter.domain.directory import MAX_DEPTH, OrgChange
from msgcenter.domain.language import Phrase

Parents = Mapping[str, str]
"""The parents of organisations by their ids; "" is the parent of a top organisation."""


class Problem(NamedTuple):
    """Why an item cannot be applied: the field, and what is wrong with it or allowed."""

    field: str
    rule: Phrase


UNNAMED = Problem("name", Phrase("新组织须有名称", "is required for a new organisation"))


def unknown_org(field: str, org_id: str) -> Problem:
    """Return the problem of a field that names an organisation which is not there."""
    return Problem(field, Phrase(f"没有组织{org_id}", f"there is no organisation {org_id}"))


def tree_problems(known: Parents, changes: Sequence[OrgChange]) -> dict[str, Problem]:
    """Return why some of the changes (of distinct organisations, to be applied together) cannot be applied, by org id.

    The other changes can be applied. `known` are the organisations that exist, with all that are above the changed ones
    and their new parents, and all that are below those that move or are deleted.
    """
    accepted = {change.org_id: change for change in changes}
    problems = {
        change.org_id: UNNAMED
        for change in changes
        if not change.deleted and change.org_id not in known and not change.name
    }
    new_problems: Mapping[str, Problem] = problems
    while True:
        for org_id in new_problems:
            del accepted[org_id]
        # A refused change leaves the organisation where it is, which may make another change impossible.
        new_problems = _problems(known, accepted)
        if not new_problems:
            return problems
        problems.update(new_problems)


def final_parents(known: Parents, changes: Iterable[OrgChange]) -> dict[str, str]:
    """Return the parents of all organisations after the changes. Deleted ones are still there."""
    parents = dict(known)
    for change in changes:
        if not change.deleted:
            parent = parents.get(change.org_id, "") if change.parent_id is None else change.parent_id
            parents[change.org_id] = parent
    return parents


def line_of(parents: Parents, org_id: str) -> Iterator[str]:
    """Yield an organisation and those above it, in order."""
    while org_id:
        yield org_id
        org_id = parents[org_id]


def parents_first(parents: Parents, org_ids: Iterable[str]) -> list[str]:
    """Return organisations in an order in which each comes after those above it."""
    depths: dict[str, int] = {"": 0}
    return sorted(org_ids, key=lambda org_id: (_depth(parents, org_id, depths), org_id))


def _depth(parents: Parents, org_id: str, depths: dict[str, int]) -> int:
    line = []
    while org_id not in depths:
        line.append(org_id)
        org_id = parents[org_id]
    depth = depths[org_id]
    for below in reversed(line):
        depth += 1
        depths[below] = depth
    return depth


def _problems(known: Parents, changes: Mapping[str, OrgChange]) -> dict[str, Problem]:
    parents = final_parents(known, changes.values())
    problems = {
        org_id: unknown_org("parentId", parents[org_id])
        for org_id, change in changes.items()
        if not change.deleted and parents[org_id] and parents[org_id] not in parents
    }
    if not problems:
        problems = dict(_circles(parents, changes))
    if not problems:
        problems = dict(_too_deep(parents, changes))
    return problems or dict(_orphans(parents, changes))


def _circles(parents: Parents, changes: Mapping[str, OrgChange]) -> Iterator[tuple[str, Problem]]:
    """Yield the changes of organisations that would be above themselves."""
    rule = Phrase("组织不能位于自身之下", "an organisation cannot be below itself")
    harmless = {""}
    for start in changes:
        line: dict[str, None] = {}
        org_id = start
        while org_id in parents and org_id not in harmless and org_id not in line:
            line[org_id] = None
            org_id = parents[org_id]
        if org_id in line:
            in_line = list(line)
            for below in in_line[in_line.index(org_id) :]:
                if below in changes:
                    yield below, Problem("parentId", rule)
        harmless.update(line)


def _too_deep(parents: Parents, changes: Mapping[str, OrgChange]) -> Iterator[tuple[str, Problem]]:
    """Yield the lowest changes above organisations that would be too deep."""
    depths: dict[str, int] = {"": 0}
    for org_id in parents:
        if _depth(parents, org_id, depths) > MAX_DEPTH:
            rule = Phrase(f"最多{MAX_DEPTH}级,{org_id}过深", f"at most {MAX_DEPTH} levels; {org_id} would be too deep")
            lowest = next((above for above in line_of(parents, org_id) if above in changes), None)
            if lowest is not None:
                yield lowest, Problem("parentId", rule)


def _orphans(parents: Parents, changes: Mapping[str, OrgChange]) -> Iterator[tuple[str, Problem]]:
    """Yield the deletions of organisations that have others below them which stay."""
    deleted = {org_id for org_id, change in changes.items() if change.deleted}
    for org_id, parent in parents.items():
        if parent in deleted and org_id not in deleted:
            rule = Phrase(f"须先删除下级组织{org_id}", f"delete or move {org_id} below it first")
            yield parent, Problem("deleted", rule)
