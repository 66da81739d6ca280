"""JSON bodies into structs; what does not fit becomes a refusal that names the field and says what it accepts."""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import cache
from typing import Any, TypeVar, cast

import msgspec
from msgspec import inspect

from msgcenter.domain import rule as rules
from msgcenter.domain.refusal import Reason, Refusal, malformed
from msgcenter.domain.rule import RULE, Rule, any_of
from msgcenter.web.absent import options_of, without_absent

Decoded = TypeVar("Decoded")
LONG_BODY = 1_000
"""Bytes of a body for which it pays to check texts together."""


def decode(body: bytes, kind: type[Decoded]) -> Decoded:
    """Return a request body as a struct of type `kind`.

    Fields that are null count as left out, and fields that the struct does not read are not checked (absent.py).
    Refuses with BODY_NOT_AN_OBJECT, FIELD_MISSING, FIELD_MALFORMED or TOO_MANY_ITEMS, naming the field.

    A struct with many texts may have a `quick_kind`: a subclass with looser types. A long body is decoded by it, and
    the value is used if its `is_plain` says that it fits `kind`, too.
    """
    quick_kind = getattr(kind, "quick_kind", None) if len(body) >= LONG_BODY else None
    if quick_kind is not None and (quick := _decode_plain(body, quick_kind())) is not None:
        return cast(Decoded, quick)
    try:
        value: Decoded = _decoder(cast(Any, kind)).decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _decode_reduced(body, kind)
    if b"\\u0000" in body:
        return _decode_reduced(body, kind)
    return value


def _decode_plain(body: bytes, kind: Any) -> object | None:
    """Return a body as a struct of a looser type; None if it does not fit, or is not as plain as that type allows."""
    try:
        value = _decoder(kind).decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return value if value.is_plain() and b"\\u0000" not in body else None


def _decode_reduced(body: bytes, kind: type[Decoded]) -> Decoded:
    """Decode a body once more, without the fields that do not count: the rare and slower way."""
    body = without_absent(body, cast(Any, kind)) or body
    try:
        value: Decoded = _decoder(cast(Any, kind)).decode(body)
    except msgspec.ValidationError as error:
        raise _refusal(str(error), kind) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        _refuse_lone_surrogate(body)
        raise Refusal(Reason.BODY_NOT_AN_OBJECT) from None
    _refuse_nul(value)
    return value


def convert(values: Mapping[str, object], kind: type[Decoded]) -> Decoded:
    """Return values (dicts, lists and texts) as a struct of type `kind`. Refuses as `decode` does."""
    try:
        return msgspec.convert(values, kind)
    except msgspec.ValidationError as error:
        raise _refusal(str(error), kind) from None


@cache
def _decoder(kind: Any) -> "msgspec.json.Decoder[Any]":
    return msgspec.json.Decoder(kind)


# msgspec says what is wrong, and where, in its message only; these are the parts of the message that are read.
_PATH = re.compile(r" - at `(?P<path>[^`]+)`$")
_MISSING = re.compile(r"missing required field `(?P<field>[^`]+)`")
_TOO_LONG = re.compile(r"^Expected `array` of length <= ")


def _refusal(message: str, kind: type) -> Refusal:
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


def _refuse_nul(value: object) -> None:
    """Refuse U+0000 in any text: PostgreSQL cannot store it."""
    for path, text in _texts(msgspec.to_builtins(value), ""):
        if "\0" in text:
            raise malformed(path, "不能含有U+0000字符", "must not contain the character U+0000")


def _refuse_lone_surrogate(body: bytes) -> None:
    """Refuse half a surrogate pair (`\\ud83d` alone), naming its field: UTF-8 has no bytes for it."""
    if b"\\ud" not in body.lower():
        return
    with suppress(ValueError, RecursionError):  # if it is no JSON either, there is no field to name
        for path, text in _texts(json.loads(body), ""):
            if not text.isprintable() and any("\ud800" <= character <= "\udfff" for character in text):
                raise malformed(path, "含有不成对的UTF-16代理字符", "must not contain half a UTF-16 surrogate pair")


def _texts(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from _texts(item, f"{path}.{name}" if path else name)
    elif isinstance(value, list | tuple):
        for number, item in enumerate(value):
            yield from _texts(item, f"{path}[{number}]")
