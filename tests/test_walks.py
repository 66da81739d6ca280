"""docs/architecture.md: every file and function that it names exists."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src/msgcenter"
_STEP = re.compile(r"^\d+\. `(?P<path>[^`]+)`(?: → `(?P<name>[^`]+)`)?", re.MULTILINE)
STEPS = [(step["path"], step["name"]) for step in _STEP.finditer((ROOT / "docs/architecture.md").read_text("utf-8"))]


def names_in(path: Path) -> set[str]:
    """Return the names of the classes, functions and methods of a module."""
    names = set()
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            names.add(node.name)
        if isinstance(node, ast.ClassDef):
            methods = [part for part in node.body if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef)]
            names |= {f"{node.name}.{method.name}" for method in methods}
    return names


def test_every_walk_has_steps() -> None:
    assert len(STEPS) >= 50


@pytest.mark.parametrize(("path", "name"), STEPS)
def test_each_step_of_a_walk_exists(path: str, name: str | None) -> None:
    file = SOURCE / path
    assert file.is_file()
    assert name is None or name in names_in(file)
