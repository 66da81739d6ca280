"""Every mutation applies to the current sources, and its tests exist; `make mutations` shows that they catch it."""

import ast
from pathlib import Path

import pytest

from tests.mutations.mutation import Mutation, apply
from tests.mutations.mutations import MUTATIONS

_ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_a_mutation_applies_once_and_leaves_valid_python(mutation: Mutation) -> None:
    source = (_ROOT / mutation.path).read_text(encoding="utf-8")
    mutated = apply(mutation, source)
    if not mutation.path.endswith(".py"):
        assert mutated != source
        return
    assert ast.dump(ast.parse(mutated)) != ast.dump(ast.parse(source))


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_the_tests_of_a_mutation_exist(mutation: Mutation) -> None:
    for test in mutation.tests:
        path, _, name = test.partition("::")
        source = (_ROOT / path).read_text(encoding="utf-8")
        assert not name or f"def {name}(" in source


def test_there_are_thirty_or_more_with_names_of_their_own() -> None:
    assert len({mutation.name for mutation in MUTATIONS}) == len(MUTATIONS) >= 30
