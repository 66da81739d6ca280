"""The tree of organisations: which changes are refused, and that the others leave a tree."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from msgcenter.domain.directory import MAX_DEPTH, OrgChange
from msgcenter.domain.org_tree import final_parents, line_of, parents_first, tree_problems

TREE = {"district": "", "school": "district", "class": "school", "other": "district"}
CHAIN = {str(level): str(level - 1) if level else "" for level in range(MAX_DEPTH)}
DELETED = True


def named(org_id: str, parent_id: str | None = None) -> OrgChange:
    """Return a change with a name."""
    return OrgChange(org_id, parent_id, name="Name")


@pytest.mark.parametrize(
    "changes",
    [
        [named("new")],
        [named("new", "class"), named("below", "new")],
        [named("below", "new"), named("new", "class")],
        [OrgChange("class", "other")],
        [OrgChange("school", ""), OrgChange("district", "school")],
        [OrgChange("class", deleted=DELETED)],
        [OrgChange("class", deleted=DELETED), OrgChange("school", deleted=DELETED)],
        [OrgChange("school", deleted=DELETED), OrgChange("class", "other")],
        [OrgChange("unknown", deleted=DELETED)],
    ],
)
def test_possible_changes_are_accepted(changes: list[OrgChange]) -> None:
    assert tree_problems(TREE, changes) == {}


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ([OrgChange("new", "class")], {"new": "name"}),
        ([named("new", "nowhere")], {"new": "parentId"}),
        ([named("below", "new"), OrgChange("new")], {"new": "name", "below": "parentId"}),
        ([OrgChange("school", "school")], {"school": "parentId"}),
        ([OrgChange("district", "class")], {"district": "parentId"}),
        ([named("a", "b"), named("b", "a"), named("c", "district")], {"a": "parentId", "b": "parentId"}),
        ([OrgChange("district", deleted=DELETED)], {"district": "deleted"}),
        ([OrgChange("school", deleted=DELETED), named("new", "school")], {"school": "deleted"}),
        (
            [OrgChange(it, deleted=DELETED) for it in ("school", "district")],
            {"school": "deleted", "district": "deleted"},
        ),
    ],
)
def test_impossible_changes_are_refused(changes: list[OrgChange], refused: dict[str, str]) -> None:
    assert {org_id: problem.field for org_id, problem in tree_problems(TREE, changes).items()} == refused


def test_a_tree_has_twelve_levels() -> None:
    bottom = str(MAX_DEPTH - 1)
    assert tree_problems(CHAIN, [named("new", str(MAX_DEPTH - 2))]) == {}
    assert tree_problems(CHAIN, [named("new", bottom)]).keys() == {"new"}
    assert tree_problems(CHAIN, [named("top"), OrgChange("0", "top")]).keys() == {"0"}
    assert tree_problems(CHAIN, [named("top"), OrgChange("1", "top")]) == {}


def test_parents_come_first() -> None:
    assert parents_first(TREE, ["class", "other", "district", "school"]) == ["district", "other", "school", "class"]


ORGS = ("a", "b", "c", "d")
org_id = st.sampled_from(ORGS)
changes = st.lists(
    st.builds(OrgChange, org_id, st.sampled_from([None, "", *ORGS, "e"]), name=st.just("Name"), deleted=st.booleans()),
    max_size=4,
    unique_by=lambda change: change.org_id,
)


@given(st.lists(changes, min_size=1, max_size=4))
def test_accepted_changes_leave_a_tree(calls: list[list[OrgChange]]) -> None:
    tree: dict[str, str] = {}
    for call in calls:
        refused = tree_problems(tree, call)
        accepted = [change for change in call if change.org_id not in refused]
        before = tree
        tree = final_parents(tree, accepted)
        for change in accepted:
            if change.deleted:
                tree.pop(change.org_id, None)
        for org in tree:
            assert 1 <= len(list(line_of(tree, org))) <= len(ORGS)
        for change in call:
            if change.org_id in refused and len(call) == 1:
                assert is_impossible(before, change)


def is_impossible(tree: dict[str, str], change: OrgChange) -> bool:
    """Return whether a change on its own leaves no tree."""
    if change.deleted:
        return change.org_id in tree.values()
    assert change.parent_id
    return change.parent_id not in tree or change.org_id in {change.parent_id, *line_of(tree, change.parent_id)}
