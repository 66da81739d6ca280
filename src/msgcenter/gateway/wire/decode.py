"""JSON into structs, and what is wrong with it into refusals that name the field and what it takes."""

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from typing import Any, TypeVar, cast

import msgspec
from msgspec import inspect

from msgcenter.domain.language import Phrase
from msgcenter.domain.refusal import Reason, Refusal, malformed
from msgcenter.gateway.wire.absent import options_of, without_absent

Wanted = TypeVar("Wanted")

_PATH = re.compile(r" - at `(?P<path>[^`]+)`$")
_MISSING = re.compile(r"missing required field `(?P<field>[^`]+)`")
_TOO_LONG = re.compile(r"^Expected `array` of length <= ")


def decode(body: bytes | msgspec.Raw, wanted: type[Wanted], field: str = "") -> Wanted:
    """Return `body` as a struct of type `wanted`; `field` is where it stands in the request ("" for the whole).

    A field that is null counts as left out (absent.py). Refuses with BODY_NOT_AN_OBJECT, FIELD_MISSING,
    FIELD_MALFORMED or TOO_MANY_ITEMS, naming the field.
    """
    try:
        try:
            value: Wanted = _decoder(cast(Any, wanted)).decode(body)
        except msgspec.ValidationError:
            shortened = without_absent(body, cast(Any, wanted))
            if shortened is None:
                raise
            value = _decoder(cast(Any, wanted)).decode(shortened)
    except msgspec.ValidationError as error:
        raise _refusal(str(error), wanted, field) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        _refuse_lone_surrogate(bytes(body), field)
        raise Refusal(Reason.BODY_NOT_AN_OBJECT) from None
    if b"\\u0000" in bytes(body):
        _refuse_nul(value, field)
    return value


@cache
def _decoder(wanted: Any) -> "msgspec.json.Decoder[Any]":
    return msgspec.json.Decoder(wanted)


def _refusal(problem: str, wanted: type, field: str) -> Refusal:
    found = _PATH.search(problem)
    path = found["path"] if found else "$"
    missing = _MISSING.search(problem)
    if missing:
        return Refusal(Reason.FIELD_MISSING, field=_field_name(f"{path}.{missing['field']}", field))
    if path == "$" and not field and problem.startswith("Expected `object`"):
        return Refusal(Reason.BODY_NOT_AN_OBJECT)
    reason = Reason.TOO_MANY_ITEMS if _TOO_LONG.search(problem) else Reason.FIELD_MALFORMED
    return Refusal(reason, field=_field_name(path, field), rule=rule_of(wanted, path))


def _field_name(path: str, prefix: str) -> str:
    name = path.removeprefix("$").removeprefix(".").replace("[...]", "[]")
    return ".".join(part for part in (prefix, name) if part)


def rule_of(wanted: type, path: str) -> Phrase:
    """Return what the field at `path` (as msgspec names it: `$.msgId[...]`) takes."""
    field = inspect.type_info(wanted)
    for name in re.findall(r"\.([^.\[]+)|(\[)", path):
        field = _child(field, name[0])
    zh, en = zip(*((phrase.zh, phrase.en) for phrase in _rules(field)), strict=True)
    return Phrase("或".join(dict.fromkeys(zh)), " or ".join(dict.fromkeys(en)))


def _child(parent: inspect.Type, name: str) -> inspect.Type:
    """Return the type of a struct's field, or of an array's items when `name` is empty."""
    for option in options_of(parent):
        if name and isinstance(option, inspect.StructType):
            for field in option.fields:
                if field.encode_name == name:
                    return field.type
        if not name and isinstance(option, inspect.ListType | inspect.VarTupleType):
            return option.item_type
    return parent


def _rules(field: inspect.Type) -> Iterator[Phrase]:
    options = [option for option in options_of(field) if not isinstance(option, inspect.NoneType)]
    written = [option.extra["rule"] for option in options if isinstance(option, inspect.Metadata) and option.extra]
    if written:
        yield from written  # a rule in words covers the alternatives too
        return
    for option in options:
        yield _rule(option)


def _rule(option: inspect.Type) -> Phrase:
    match option:
        case inspect.StrType():
            length = _range(option.min_length, option.max_length)
            return (
                Phrase(f"须为{length}个字符的字符串", f"must be a string of {length} characters")
                if length
                else (Phrase("须为字符串", "must be a string"))
            )
        case inspect.IntType():
            between = _range(option.ge, option.le)
            return Phrase(f"须为整数{between}", f"must be an integer {between}".rstrip())
        case inspect.LiteralType():
            values = ", ".join(msgspec.json.encode(value).decode() for value in option.values)
            return Phrase(f"只能取 {values}", f"must be one of {values}")
        case inspect.BoolType():
            return Phrase("须为true或false", "must be true or false")
        case inspect.ListType() | inspect.VarTupleType():
            count = _range(option.min_length, option.max_length)
            return (
                Phrase(f"须为{count}项的数组", f"must be an array of {count} items")
                if count
                else Phrase("须为数组", "must be an array")
            )
        case _:
            return Phrase("须为JSON对象", "must be a JSON object")


def _range(low: float | None, high: float | None) -> str:
    if high is None:
        return "" if low is None else f"≥{low}"
    return f"{low or 0}–{high}"


def _refuse_nul(value: object, field: str) -> None:
    """Refuse U+0000 in any text that was asked for: PostgreSQL cannot store it."""
    for path, text in _texts(msgspec.to_builtins(value, enc_hook=_left_for_later), field):
        if "\0" in text:
            raise malformed(path, "不能含有U+0000字符", "must not contain the character U+0000")


def _refuse_lone_surrogate(body: bytes, field: str) -> None:
    """Refuse half a surrogate pair (`\\ud83d` alone) by the field that it stands in: UTF-8 has no bytes for it."""
    if b"\\ud" not in body.lower():
        return
    with suppress(ValueError, RecursionError):  # of what is no JSON either, there is no field to name
        for path, text in _texts(json.loads(body), field):
            if not text.isprintable() and any("\ud800" <= character <= "\udfff" for character in text):
                raise malformed(path, "含有不成对的UTF-16代理字符", "must not contain half a UTF-16 surrogate pair")


def _left_for_later(_: object) -> None:
    """Stand for a part that is decoded, and so looked at, by itself (`msgspec.Raw`)."""


def _texts(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from _texts(item, f"{path}.{name}" if path else name)
    elif isinstance(value, list | tuple):
        for number, item in enumerate(value):
            yield from _texts(item, f"{path}[{number}]")
