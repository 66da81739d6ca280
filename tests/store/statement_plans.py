"""Plans of the statements on tables of cells: which partitions a statement touches, and where it is in the code."""

import ast
import importlib
import inspect
import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any, NamedTuple, Self

import asyncpg

import msgcenter
from msgcenter import store
from msgcenter.database.connections import LastingConnection
from msgcenter.database.database import Connection
from tests.store.partitioned import PARTITIONS, partitions_by_name, remainders_of

_SOURCE = Path(str(msgcenter.__file__)).parent
_STORE = Path(str(store.__file__)).parent
_METHODS = frozenset({"fetch", "fetchrow", "fetchval", "execute", "executemany"})
_PLANNED = re.compile(r"\s*(select|insert|update|delete|with)\b", re.IGNORECASE)
_MANY_CELLS = range(1, 101)
"""The cells that tests use."""


class Observation(NamedTuple):
    """A statement that was executed, with the remainders of the partitions that its plan touches, by table.

    `other_tables` are the tables in its plan that have no cells.
    """

    path: str
    line: int
    statement: str
    partitions: Mapping[str, frozenset[int]]
    other_tables: frozenset[str]

    @property
    def is_of_one_cell(self) -> bool:
        """Whether the plan touches one partition of each table, which is the same for all tables.

        The cells of a story are in different partitions.
        """
        return len(set().union(*self.partitions.values())) == 1


class CallSite(NamedTuple):
    """A call in `store/` that executes a statement, from its first to its last line.

    Its name is that of the function (`mailboxes.topics.unsubscribe`), for later calls with their number (`… 2`).
    """

    name: str
    path: str
    first_line: int
    last_line: int

    def executed(self, observation: Observation) -> bool:
        """Return whether this call executed an observed statement."""
        return observation.path == self.path and self.first_line <= observation.line <= self.last_line


@dataclass
class PlanRecorder:
    """Explains every statement of the product on a partitioned database just before it is executed.

    `places` are the table and the remainder of each partition, `remainders` those of the partitions of cells.
    """

    places: Mapping[str, tuple[str, int]]
    remainders: Mapping[int, int]
    observations: list[Observation] = field(default_factory=list)

    @classmethod
    async def of(cls, url: str) -> Self:
        """Return a recorder for the partitioned database with this URL."""
        connection = await asyncpg.connect(url)
        try:
            return cls(await partitions_by_name(connection), await remainders_of(connection, _MANY_CELLS))
        finally:
            await connection.close()

    async def explain(self, connection: Connection, statement: str, *values: object) -> None:
        """Record the plan of a statement with its values, unless a library executes it."""
        caller = sys._getframe(2)
        path, line = caller.f_code.co_filename, caller.f_lineno
        if not path.startswith(str(_SOURCE)) or not _PLANNED.match(statement):
            return
        partitions, other_tables = await self.touched(connection, statement, *values)
        if partitions:
            self.observations.append(Observation(path, line, statement, partitions, other_tables))

    async def touched(
        self, connection: Connection, statement: str, *values: object
    ) -> tuple[Mapping[str, frozenset[int]], frozenset[str]]:
        """Return what the plan of a statement touches: partitions and other tables, as in an `Observation`."""
        # `verbose` shows the values of the rows that are inserted.
        ((plan,),) = await connection.fetch(f"explain (verbose, format json) {statement}", *values)
        tables = {table for table, _ in self.places.values()}
        partitions: dict[str, set[int]] = {}
        other_tables: set[str] = set()
        for node in _nodes(json.loads(plan)[0]["Plan"]):
            relation = node.get("Relation Name")
            if relation is None:
                continue
            if relation in self.places:
                table, remainder = self.places[relation]
                partitions.setdefault(table, set()).add(remainder)
            elif relation not in tables:
                other_tables.add(relation)
            elif node.get("Operation") == "Insert":
                partitions.setdefault(relation, set()).update(self._inserted(node))
        touched = {table: frozenset(remainders) for table, remainders in partitions.items()}
        return touched, frozenset(other_tables)

    def _inserted(self, node: Mapping[str, Any]) -> set[int]:
        """Return the partitions that an insert may write to.

        It is one if the cell, the first column, is a constant, or is read from a table of cells (`home.cell`) of which
        one partition is read.
        """
        rows = node["Plans"][0]
        cell: str = rows.get("Output", [""])[0]
        if cell.isdigit():
            return {self.remainders[int(cell)]}
        home, _, column = cell.partition(".")
        sources = [scan["Relation Name"] for scan in _nodes(rows) if _is_scan_of(scan, home)]
        if column == "cell" and sources and all(source in self.places for source in sources):
            return {self.places[source][1] for source in sources}
        return set(range(PARTITIONS))

    def connection_class(self) -> type[LastingConnection]:
        """Return a class of connections that record their statements here."""
        recorder = self

        class RecordingConnection(LastingConnection):
            async def fetch(self, query: str, *args: Any, **options: Any) -> Any:
                await recorder.explain(self, query, *args)
                return await super().fetch(query, *args, **options)

            async def fetchrow(self, query: str, *args: Any, **options: Any) -> Any:
                await recorder.explain(self, query, *args)
                return await super().fetchrow(query, *args, **options)

            async def fetchval(self, query: str, *args: Any, **options: Any) -> Any:
                await recorder.explain(self, query, *args)
                return await super().fetchval(query, *args, **options)

            async def execute(self, query: str, *args: Any, **options: Any) -> Any:
                await recorder.explain(self, query, *args)
                return await super().execute(query, *args, **options)

            async def executemany(self, command: str, args: Any, **options: Any) -> Any:
                rows = list(args)
                for row in rows:
                    await recorder.explain(self, command, *row)
                return await super().executemany(command, rows, **options)

        return RecordingConnection


def _is_scan_of(node: Mapping[str, Any], alias: str) -> bool:
    """Return whether a node reads the table with this alias, or a partition of it: these are numbered."""
    return "Relation Name" in node and re.fullmatch(rf"{alias}(_\d+)?", node["Alias"]) is not None


def _nodes(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from _nodes(child)


# --- Where the statements are ---------------------------------------------------------------------------------------


def call_sites(tables: list[str]) -> list[CallSite]:
    """Return the calls in `store/` that execute statements, of all functions whose SQL names one of the tables."""
    names = re.compile(rf"\b({'|'.join(tables)})\b")
    sites = []
    for path in sorted(_STORE.rglob("*.py")):
        module_name = ".".join(path.relative_to(_STORE).with_suffix("").parts)
        module = importlib.import_module(f"{store.__name__}.{module_name}".removesuffix(".__init__"))
        for qualified_name, node in _functions(ast.parse(path.read_text(encoding="utf-8"))):
            function = _function_of(module, qualified_name)
            if any(names.search(text) for text in _texts(function, set())):
                for number, call in enumerate(_calls(node), 1):
                    name = f"{module_name}.{qualified_name}" + (f" {number}" if number > 1 else "")
                    sites.append(CallSite(name, str(path), call.lineno, call.end_lineno or 0))
    return sites


def _calls(function: ast.AST) -> list[ast.Call]:
    """Return the calls in a function that execute statements, in their order."""
    calls = (node for node in ast.walk(function) if isinstance(node, ast.Call))
    executing = [call for call in calls if isinstance(call.func, ast.Attribute) and call.func.attr in _METHODS]
    return sorted(executing, key=lambda call: call.lineno)


def _functions(tree: ast.Module) -> Iterator[tuple[str, ast.AST]]:
    """Yield the functions of a module and the methods of its classes, with their qualified names."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, node
        elif isinstance(node, ast.ClassDef):
            for method in node.body:
                if isinstance(method, ast.FunctionDef | ast.AsyncFunctionDef):
                    yield f"{node.name}.{method.name}", method


def _function_of(module: object, qualified_name: str) -> FunctionType:
    value: Any = module
    for name in qualified_name.split("."):
        value = inspect.getattr_static(value, name)
    value = getattr(value, "__func__", getattr(value, "fget", value))
    return inspect.unwrap(value)  # type: ignore[no-any-return]


def _texts(function: FunctionType, seen: set[Callable[..., object]]) -> Iterator[str]:
    """Yield the strings that a function uses, also by way of constants and of other functions that build SQL."""
    seen.add(function)
    constants, names = _used(function.__code__)
    yield from (constant for constant in constants if constant != function.__doc__)
    for name in names:
        value = function.__globals__.get(name)
        if isinstance(value, str):
            yield value
        elif isinstance(value, Mapping):
            yield from (text for text in value.values() if isinstance(text, str))
        elif isinstance(value, FunctionType) and value not in seen and _builds_sql(value):
            yield from _texts(value, seen)


def _builds_sql(function: FunctionType) -> bool:
    is_asynchronous = inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)
    return function.__module__.startswith(store.__name__) and not is_asynchronous


def _used(code: CodeType) -> tuple[set[str], set[str]]:
    """Return the strings and the global names in a function's code."""
    constants = {constant for constant in code.co_consts if isinstance(constant, str)}
    names = set(code.co_names)
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            inner_constants, inner_names = _used(inner)
            constants |= inner_constants
            names |= inner_names
    return constants, names
