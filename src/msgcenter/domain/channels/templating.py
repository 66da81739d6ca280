"""The language of templates: a small part of Jinja, whose cost is bounded by the length of the text.

Allowed are the values of variables, filters from a fixed list, conditions, and loops over variables of kind `list`, but
no loop inside another. Everything else is refused when a template is saved: calls, attributes, assignments, arithmetic,
macros, includes. Jinja's own sandbox is the second line of defence.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from functools import lru_cache

import jinja2
from jinja2 import nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup, escape

from msgcenter.domain.channels.values import Moment, Value, shown
from msgcenter.domain.refusal import Refusal, malformed

MAX_NODES = 1_000
"""Maximum number of parts of a text's syntax tree: it bounds what one rendering costs."""
MAX_OUTPUT = 60_000
"""Maximum length of a rendered text in characters."""
_MAX_DEPTH = 25
_MAX_CONSTANT = 200
_MAX_NUMBER = 10**12
_LOOP_FACTS = frozenset({"index", "index0", "first", "last", "length"})


class TemplateError(Exception):
    """A text that cannot be rendered with these values. The message says why, in English."""


# --- Filters ----------------------------------------------------------------------------------------------------------


def _default(value: object, fallback: object = "") -> object:
    return fallback if value in {"", None} or value == () else value


def _date(value: object) -> str:
    return value.date() if isinstance(value, Moment) else str(value)


def _time(value: object) -> str:
    return value.time() if isinstance(value, Moment) else str(value)


def _number(value: object, digits: int | None = None) -> str:
    if not isinstance(value, int | float):
        return str(value)
    if digits is None:
        return f"{shown(value):,}"
    return f"{value:,.{max(0, min(6, digits))}f}"


def _truncate(value: object, length: int = 100) -> str:
    text = str(value)
    return text if len(text) <= length else text[: max(0, length - 1)].rstrip() + "…"


def _first(value: object) -> object:
    return value[0] if isinstance(value, tuple) and value else ""


def _last(value: object) -> object:
    return value[-1] if isinstance(value, tuple) and value else ""


def _length(value: object) -> int:
    return len(value) if isinstance(value, tuple | str) else len(str(value))


def _join(value: object, separator: str = ", ") -> object:
    return separator.join(map(str, value)) if isinstance(value, tuple) else value


def _lines(value: object) -> Markup:
    return Markup("<br>").join(escape(line) for line in str(value).splitlines())


_FILTERS: dict[str, Callable[..., object]] = {
    "date": _date,
    "default": _default,
    "first": _first,
    "join": _join,
    "last": _last,
    "length": _length,
    "lower": lambda value: str(value).lower(),
    "number": _number,
    "time": _time,
    "trim": lambda value: str(value).strip(),
    "truncate": _truncate,
    "upper": lambda value: str(value).upper(),
}
_HTML_FILTERS = _FILTERS | {"lines": _lines}


def _environment(*, html: bool) -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        autoescape=html, undefined=jinja2.StrictUndefined, finalize=shown, keep_trailing_newline=True
    )
    environment.globals.clear()
    environment.tests.clear()
    environment.filters.clear()
    environment.filters.update(_HTML_FILTERS if html else _FILTERS)
    return environment


_TEXT, _HTML = _environment(html=False), _environment(html=True)


# --- Checking ---------------------------------------------------------------------------------------------------------


def check_source(source: str, field: str, names: Collection[str], lists: Collection[str], *, html: bool) -> set[str]:
    """Check a text and return the variables that it uses. `lists` are those of `names` that a loop may go through.

    Refuses with FIELD_MALFORMED, naming `field`, what is not in the language or uses other names.
    """
    if "\0" in source:
        raise malformed(field, "不能含有U+0000字符", "must not contain the character U+0000")
    if not _has_syntax(source):
        return set()
    tree = _parsed(source, field, html=html)
    check = _Check(field, frozenset(names), frozenset(lists), _HTML_FILTERS if html else _FILTERS)
    check.visit(tree, frozenset(), 0)
    return check.used


def _has_syntax(source: str) -> bool:
    return "{" in source


def _parsed(source: str, field: str, *, html: bool) -> nodes.Template:
    try:
        return (_HTML if html else _TEXT).parse(source)
    except jinja2.TemplateSyntaxError as error:
        raise malformed(
            field, f"第{error.lineno}行语法错误:{error.message}", f"syntax, line {error.lineno}: {error.message}"
        ) from None
    except (RecursionError, MemoryError, ValueError, OverflowError):
        raise _too_deep(field) from None


def _too_deep(field: str) -> Refusal:
    return malformed(field, "过于复杂", "is too complex")


class _Check:
    """A walk over a syntax tree that refuses what is not in the language and collects the variables."""

    def __init__(self, field: str, names: frozenset[str], lists: frozenset[str], filters: Mapping[str, object]) -> None:
        self._field = field
        self._names = names
        self._lists = lists
        self._filters = filters
        self._count = 0
        self.used: set[str] = set()

    def visit(self, node: nodes.Node, local: frozenset[str], depth: int) -> None:
        """Check a node and those below it. `local` are the names that an enclosing loop defines."""
        self._count += 1
        if self._count > MAX_NODES or depth > _MAX_DEPTH:
            raise _too_deep(self._field)
        match node:
            case nodes.For():
                self._loop(node, local, depth)
                return
            case nodes.Name():
                self._name(node.name, local)
            case nodes.Const():
                self._constant(node.value)
            case nodes.Getattr():
                self._attribute(node, local)
                return
            case nodes.Filter():
                self._filter(node)
            case nodes.Compare() | nodes.Operand() | nodes.And() | nodes.Or() | nodes.Not() | nodes.CondExpr():
                pass
            case nodes.Template() | nodes.Output() | nodes.TemplateData() | nodes.If():
                pass
            case _:
                raise self._refused(f"不支持{type(node).__name__}", f"{type(node).__name__} is not supported")
        for child in node.iter_child_nodes():
            self.visit(child, local, depth + 1)

    def _loop(self, node: nodes.For, local: frozenset[str], depth: int) -> None:
        target, source = node.target, node.iter
        if local:
            raise self._refused("循环不能嵌套", "a loop inside a loop is not supported")
        if node.recursive or not isinstance(target, nodes.Name) or not isinstance(source, nodes.Name):
            raise self._refused("循环须为{% for 名称 in 列表变量 %}", "a loop must be {% for NAME in LIST %}")
        if source.name not in self._lists:
            self._name(source.name, local)
            raise self._refused(f"{source.name}不是列表变量", f"{source.name} is not a variable of kind list")
        if target.name in self._names or target.name == "loop":
            raise self._refused(f"循环变量{target.name}与变量重名", f"{target.name} is the name of a variable already")
        self.used.add(source.name)
        inner = frozenset({target.name, "loop"})
        for child in node.body:
            self.visit(child, inner, depth + 1)
        for child in (*([node.test] if node.test else []), *node.else_):
            self.visit(child, inner if child is node.test else local, depth + 1)

    def _name(self, name: str, local: frozenset[str]) -> None:
        if name in local and name != "loop":
            return
        if name not in self._names:
            raise self._refused(f"未声明变量{name}", f"{name} is not a declared variable")
        self.used.add(name)

    def _attribute(self, node: nodes.Getattr, local: frozenset[str]) -> None:
        owner = node.node
        if isinstance(owner, nodes.Name) and owner.name == "loop" and owner.name in local and node.attr in _LOOP_FACTS:
            return
        raise self._refused(f"不支持属性{node.attr}", f"the attribute {node.attr} is not supported")

    def _filter(self, node: nodes.Filter) -> None:
        if node.name not in self._filters:
            raise self._refused(f"没有过滤器{node.name}", f"there is no filter {node.name}")
        arguments = node.args
        if node.node is None or len(arguments) > 1 or node.kwargs or node.dyn_args or node.dyn_kwargs:
            raise self._refused(f"过滤器{node.name}的参数不正确", f"the arguments of {node.name} are wrong")
        if arguments and not isinstance(arguments[0], nodes.Const):
            raise self._refused(f"过滤器{node.name}的参数须为常量", f"the argument of {node.name} must be a constant")

    def _constant(self, value: object) -> None:
        if isinstance(value, str) and len(value) > _MAX_CONSTANT:
            raise _too_deep(self._field)
        if isinstance(value, int | float) and not abs(value) <= _MAX_NUMBER:
            raise _too_deep(self._field)

    def _refused(self, zh: str, en: str) -> Refusal:
        return malformed(self._field, zh, en)


# --- Rendering --------------------------------------------------------------------------------------------------------


def render(source: str, values: Mapping[str, Value], *, html: bool = False, limit: int = MAX_OUTPUT) -> str:
    """Return a checked text with the values of its variables; in HTML, they are escaped.

    Raises TemplateError if it cannot be rendered, or has more than `limit` characters.
    """
    if not _has_syntax(source):
        return _bounded([source], limit)
    template = _compiled(source, html=html)
    try:
        return _bounded(template.root_render_func(template.new_context(dict(values))), limit)
    except (jinja2.TemplateError, ArithmeticError, LookupError, TypeError, ValueError, AttributeError) as error:
        raise TemplateError(str(error)) from None


@lru_cache(maxsize=1_024)
def _compiled(source: str, *, html: bool) -> jinja2.Template:
    try:
        return (_HTML if html else _TEXT).from_string(source)
    except (jinja2.TemplateError, RecursionError, MemoryError, SyntaxError, ValueError, OverflowError) as error:
        raise TemplateError(str(error)) from None


def _bounded(pieces: Iterable[str], limit: int) -> str:
    parts: list[str] = []
    length = 0
    for piece in pieces:
        length += len(piece)
        if length > limit:
            raise TemplateError(f"the text has more than {limit:,} characters")
        parts.append(piece)
    return "".join(parts)
