"""Fields that are sent but count as left out: default writers of JSON (Jackson) write null where there is no value."""

from collections.abc import Iterator
from functools import cache
from typing import Any

import msgspec
from msgspec import inspect

from msgcenter.domain.identifiers import EMPTY_IS_ABSENT


def without_absent(body: bytes | msgspec.Raw, wanted: Any) -> bytes | None:
    """Return JSON for the type `wanted` without the fields that count as left out; None if there are none.

    These are fields that are null although their type does not allow it, and optional ones that are "" where the type
    says that it is the same as left out (`EMPTY_IS_ABSENT`). All else stays byte for byte as it was sent. Called when
    a body does not fit its type, so that others do not pay for it.
    """
    sent = bytes(body)
    try:
        kept = _without_absent(sent, _type_info(wanted))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return None if kept is sent else kept


@cache
def _type_info(wanted: Any) -> inspect.Type:
    return inspect.type_info(wanted)


def _without_absent(sent: bytes, kind: inspect.Type) -> bytes:
    """Return a JSON value without its absent fields; `sent` itself if there are none.

    Only what the type knows is taken apart, so the depth of a value costs nothing.
    """
    for option in options_of(kind):
        if isinstance(option, inspect.StructType) and sent.lstrip()[:1] == b"{":
            return _object_without_absent(sent, option)
        if isinstance(option, inspect.ListType | inspect.VarTupleType) and sent.lstrip()[:1] == b"[":
            return _array_without_absent(sent, option.item_type)
    return sent


def _object_without_absent(sent: bytes, struct: inspect.StructType) -> bytes:
    members = msgspec.json.decode(sent, type=dict[str, msgspec.Raw])
    has_changed = False
    for field in struct.fields:
        name = field.encode_name
        if name not in members:
            continue
        value = bytes(members[name])
        if _is_absent(value, field):
            del members[name]
            has_changed = True
        elif (shortened := _without_absent(value, field.type)) is not value:
            members[name] = msgspec.Raw(shortened)
            has_changed = True
    return msgspec.json.encode(members) if has_changed else sent


def _array_without_absent(sent: bytes, kind: inspect.Type) -> bytes:
    if not any(isinstance(option, inspect.StructType) for option in options_of(kind)):
        return sent
    items = [bytes(item) for item in msgspec.json.decode(sent, type=list[msgspec.Raw])]
    kept = [_without_absent(item, kind) for item in items]
    if all(new is old for new, old in zip(kept, items, strict=True)):
        return sent
    return msgspec.json.encode([msgspec.Raw(item) for item in kept])


def _is_absent(value: bytes, field: inspect.Field) -> bool:
    if value == b"null":
        return not any(isinstance(option, inspect.NoneType) for option in options_of(field.type))
    return value == b'""' and takes_empty_for_absent(field)


def takes_empty_for_absent(field: inspect.Field) -> bool:
    """Tell whether a field may be "" in the meaning of "left out"."""
    return not field.required and _says_so(field.type)


def _says_so(kind: inspect.Type) -> bool:
    if isinstance(kind, inspect.UnionType):
        return any(_says_so(option) for option in kind.types)
    if isinstance(kind, inspect.Metadata):
        return EMPTY_IS_ABSENT in (kind.extra or {}) or _says_so(kind.type)
    return False


def options_of(field: inspect.Type) -> Iterator[inspect.Type]:
    """Give the alternatives of a type, its annotations kept on each."""
    if isinstance(field, inspect.UnionType):
        for option in field.types:
            yield from options_of(option)
    elif isinstance(field, inspect.Metadata) and not (field.extra and "rule" in field.extra):
        yield from options_of(field.type)
    else:
        yield field
