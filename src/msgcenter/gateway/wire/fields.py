"""Small conversions from the wire's scalars to ours."""

from typing import TypeVar

from msgspec import UnsetType

from msgcenter.domain.content import Kind
from msgcenter.domain.refusal import contradiction

Value = TypeVar("Value")


def value_or_none(value: Value | UnsetType) -> Value | None:
    """Return a field's value, None if it was left out."""
    return None if isinstance(value, UnsetType) else value


def text_of(value: str | int | UnsetType) -> str | None:
    """Return an id as text, None if it was left out. An integer means the same as its digits."""
    return None if isinstance(value, UnsetType) else str(value)


def number_of(value: str | int | UnsetType) -> int | None:
    """Return a number that may be sent as digits, None if it was left out."""
    return None if isinstance(value, UnsetType) else int(value)


def requested_kind(msgtype: Kind | UnsetType, msg_type: Kind | UnsetType) -> Kind | None:
    """Return the message type, which may be named `msgtype` or `msgType`. Refuses different values of the two."""
    lower: Kind | None = value_or_none(msgtype)
    camel: Kind | None = value_or_none(msg_type)
    if lower and camel and lower != camel:
        raise contradiction("msgtype/msgType", "两者取值须一致", "both must be the same")
    return lower or camel
