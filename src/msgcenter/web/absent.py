"""Fields that are sent but do not count.

JSON writers (Jackson, by default) write null where there is no value, and some structs read only some of their fields.
"""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import msgspec
from msgspec import inspect

from msgcenter.domain.identifiers import EMPTY_IS_ABSENT
from msgcenter.domain.struct_rules import options_of

UnreadFields = Callable[[Mapping[str, msgspec.Raw]], frozenset[str]]
"""What a struct may have as `unread_fields`: returns which members of a JSON object it does not read."""


def without_absent(body: bytes, kind: Any) -> bytes | None:
    """Return JSON for the type `kind` without the fields that do not count; None if there are none.

    These are fields that are null although their type does not allow it, optional ones that are "" where the type
    says that it is the same as left out (`EMPTY_IS_ABSENT`), and those that a struct's `unread_fields` names. All else
    stays byte for byte as it was sent. It is called only if a body does not fit its type, so that others do not pay for
    it.
    """
    try:
        reduced = _reduced(body, _type_info(kind))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return None if reduced is body else reduced


@cache
def _type_info(kind: Any) -> inspect.Type:
    return inspect.type_info(kind)


def _reduced(sent: bytes, kind: inspect.Type) -> bytes:
    """Return a JSON value without the fields that do not count; `sent` itself if there are none.

    Only what the type knows is parsed, so a deeply nested value costs nothing.
    """
    for option in options_of(kind):
        if isinstance(option, inspect.StructType) and sent.lstrip()[:1] == b"{":
            return _reduced_object(sent, option)
        if isinstance(option, inspect.ListType | inspect.VarTupleType) and sent.lstrip()[:1] == b"[":
            return _reduced_array(sent, option.item_type)
    return sent


def _reduced_object(sent: bytes, struct: inspect.StructType) -> bytes:
    members = msgspec.json.decode(sent, type=dict[str, msgspec.Raw])
    unread_fields: UnreadFields | None = getattr(struct.cls, "unread_fields", None)
    unread = unread_fields(members) if unread_fields else frozenset()
    has_changed = False
    for field in struct.fields:
        name = field.encode_name
        if name not in members:
            continue
        value = bytes(members[name])
        if name in unread or _is_absent(value, field):
            del members[name]
            has_changed = True
        elif (reduced := _reduced(value, field.type)) is not value:
            members[name] = msgspec.Raw(reduced)
            has_changed = True
    return msgspec.json.encode(members) if has_changed else sent


def _reduced_array(sent: bytes, kind: inspect.Type) -> bytes:
    if not any(isinstance(option, inspect.StructType) for option in options_of(kind)):
        return sent
    items = [bytes(item) for item in msgspec.json.decode(sent, type=list[msgspec.Raw])]
    reduced = [_reduced(item, kind) for item in items]
    if all(new is old for new, old in zip(reduced, items, strict=True)):
        return sent
    return msgspec.json.encode([msgspec.Raw(item) for item in reduced])


def _is_absent(value: bytes, field: inspect.Field) -> bool:
    if value == b"null":
        return not any(isinstance(option, inspect.NoneType) for option in options_of(field.type))
    return value == b'""' and is_absent_if_empty(field)


def is_absent_if_empty(field: inspect.Field) -> bool:
    """Return whether "" in this field means that it is left out."""
    return not field.required and _has_mark(field.type)


def _has_mark(kind: inspect.Type) -> bool:
    if isinstance(kind, inspect.UnionType):
        return any(_has_mark(option) for option in kind.types)
    if isinstance(kind, inspect.Metadata):
        return EMPTY_IS_ABSENT in (kind.extra or {}) or _has_mark(kind.type)
    return False
