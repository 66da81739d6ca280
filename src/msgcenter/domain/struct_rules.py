"""What the fields of a struct accept, in words, and refusals from what msgspec says about a value that does not fit."""

import re
from collections.abc import Iterator

import msgspec
from msgspec import inspect

from msgcenter.domain import rule as rules
from msgcenter.domain.refusal import Reason, Refusal
from msgcenter.domain.rule import RULE, Rule, any_of

# msgspec says what is wrong, and where, in its message only; these are the parts of the message that are read.
_PATH = re.compile(r" - at `(?P<path>[^`]+)`$")
_MISSING = re.compile(r"missing required field `(?P<field>[^`]+)`")
_TOO_LONG = re.compile(r"^Expected `array` of length <= ")


def refusal_of(message: str, kind: type) -> Refusal:
    """Return the refusal for the message of a `ValidationError` about a value of type `kind`, naming the field."""
    match = _PATH.search(message)
    path = match["path"] if match else "$"
    missing = _MISSING.search(message)
    if missing:
        return Refusal(Reason.FIELD_MISSING, field=_field_name(f"{path}.{missing['field']}"))
    if path == "$":
        return Refusal(Reason.BODY_NOT_AN_OBJECT)
    reason = Reason.TOO_MANY_ITEMS if _TOO_LONG.search(message) else Reason.FIELD_MALFORMED
    return Refusal(reason, field=_field_name(path), rule=rule_of(kind, path).long)


def _field_name(path: str) -> str:
    return path.removeprefix("$").removeprefix(".").replace("[...]", "[]")


def rule_of(kind: type, path: str) -> Rule:
    """Return what the field at `path` of a struct accepts; `path` is as msgspec writes it: `$.msgId[...]`."""
    field = inspect.type_info(kind)
    for name in re.findall(r"\.([^.\[]+)|(\[)", path):
        field = _child(field, name[0])
    return any_of(_rules(field))


def _child(parent: inspect.Type, name: str) -> inspect.Type:
    """Return the type of a struct's field, or of an array's items if `name` is empty."""
    for option in options_of(parent):
        if name and isinstance(option, inspect.StructType):
            for field in option.fields:
                if field.encode_name == name:
                    return field.type
        if not name and isinstance(option, inspect.ListType | inspect.VarTupleType):
            return option.item_type
    return parent


def _rules(field: inspect.Type) -> Iterator[Rule]:
    options = [option for option in options_of(field) if not isinstance(option, inspect.NoneType)]
    in_words = [option.extra[RULE] for option in options if isinstance(option, inspect.Metadata) and option.extra]
    if in_words:
        yield from in_words  # a rule in words covers the alternatives too
        return
    for option in options:
        yield _rule(option)


def _rule(option: inspect.Type) -> Rule:
    match option:
        case inspect.StrType():
            return rules.string(option.min_length, option.max_length)
        case inspect.IntType():
            return rules.integer(option.ge, option.le)
        case inspect.LiteralType():
            return rules.one_of(msgspec.json.encode(value).decode() for value in option.values)
        case inspect.BoolType():
            return rules.BOOLEAN
        case inspect.ListType() | inspect.VarTupleType():
            return rules.array(option.min_length, option.max_length)
        case _:
            return rules.OBJECT


def options_of(field: inspect.Type) -> Iterator[inspect.Type]:
    """Yield the alternatives of a type; one with a rule in words keeps its `Metadata`."""
    if isinstance(field, inspect.UnionType):
        for option in field.types:
            yield from options_of(option)
    elif isinstance(field, inspect.Metadata) and not (field.extra and RULE in field.extra):
        yield from options_of(field.type)
    else:
        yield field
