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
    says that it is the same as left out (`EMPTY_IS_ABSENT`). Called when a body does not fit its type, so that others
    do not pay for it.
    """
    try:
        value = msgspec.json.decode(body)
        return msgspec.json.encode(value) if _remove_absent(value, _type_info(wanted)) else None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, OverflowError):
        return None


@cache
def _type_info(wanted: Any) -> inspect.Type:
    return inspect.type_info(wanted)


def _remove_absent(value: Any, kind: inspect.Type) -> bool:
    """Remove fields from `value` in place; tell whether there were any."""
    removed = False
    for option in options_of(kind):
        if isinstance(option, inspect.StructType) and isinstance(value, dict):
            for field in option.fields:
                if field.encode_name not in value:
                    continue
                if _is_absent(value[field.encode_name], field):
                    del value[field.encode_name]
                    removed = True
                else:
                    removed |= _remove_absent(value[field.encode_name], field.type)
        elif isinstance(option, inspect.ListType | inspect.VarTupleType) and isinstance(value, list):
            for item in value:
                removed |= _remove_absent(item, option.item_type)
    return removed


def _is_absent(value: Any, field: inspect.Field) -> bool:
    if value is None:
        return not any(isinstance(option, inspect.NoneType) for option in options_of(field.type))
    return value == "" and not field.required and _takes_empty_for_absent(field.type)


def _takes_empty_for_absent(kind: inspect.Type) -> bool:
    if isinstance(kind, inspect.UnionType):
        return any(_takes_empty_for_absent(option) for option in kind.types)
    if isinstance(kind, inspect.Metadata):
        return EMPTY_IS_ABSENT in (kind.extra or {}) or _takes_empty_for_absent(kind.type)
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
