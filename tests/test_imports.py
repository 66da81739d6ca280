"""A name is imported from the module that defines it, so that no alias stays where a moved name was."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCES = ROOT / "src"
FILES = sorted(path for folder in ("src", "tests", "bench") for path in (ROOT / folder).rglob("*.py"))


@cache
def definitions(module: str) -> frozenset[str]:
    """Return the names that one of our modules defines at its top level, or the modules in a package."""
    path = SOURCES.joinpath(*module.split("."))
    if path.is_dir():
        modules = {file.stem for file in path.glob("*.py")} | {folder.name for folder in path.iterdir()}
        return frozenset(modules | set(_defined(path / "__init__.py")))
    return frozenset(_defined(path.with_suffix(".py")))


def _defined(path: Path) -> Iterator[str]:
    statements = list(ast.parse(path.read_text(encoding="utf-8")).body)
    while statements:
        statement = statements.pop()
        match statement:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield statement.name
            case ast.Assign():
                nodes = [node for target in statement.targets for node in ast.walk(target)]
                yield from (node.id for node in nodes if isinstance(node, ast.Name))
            case ast.AnnAssign(target=ast.Name(id=name)):
                yield name
            case ast.If() | ast.Try():
                statements += [child for child in ast.iter_child_nodes(statement) if isinstance(child, ast.stmt)]


def test_names_are_imported_from_where_they_are_defined() -> None:
    misplaced = []
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.level == 0 and (node.module or "").startswith("msgcenter."):
                module = node.module or ""
                foreign = {alias.name for alias in node.names} - definitions(module)
                if foreign:
                    misplaced.append(f"{path.relative_to(ROOT)}: {module} does not define {', '.join(sorted(foreign))}")
    assert misplaced == []


def test_packages_import_nothing_for_others() -> None:
    packages = {path.parent for path in (SOURCES / "msgcenter").rglob("__init__.py")}
    # The program's version, and the entry point of `python -m msgcenter`.
    for package in packages - {SOURCES / "msgcenter", SOURCES / "msgcenter" / "cli"}:
        statements = ast.parse((package / "__init__.py").read_text(encoding="utf-8")).body
        assert all(isinstance(statement, ast.Expr) for statement in statements), package


def test_the_client_of_redis_is_imported_only_with_its_setting() -> None:
    modules = "msgcenter.application.wiring, msgcenter.cli.commands.doctor"
    code = f"import sys, {modules}; sys.exit('redis.asyncio' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0, "it takes 18 MiB and 0.3 s"
