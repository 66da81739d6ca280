"""JSON bodies into structs; what does not fit becomes a refusal that names the field and says what it accepts."""

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import cache
from typing import Any, TypeVar, cast

import msgspec

from msgcenter.domain.refusal import Reason, Refusal, malformed
from msgcenter.domain.struct_rules import refusal_of
from msgcenter.web.absent import without_absent

Decoded = TypeVar("Decoded")
LONG_BODY = 1_000
"""Bytes of a body for which it pays to check texts together."""


def decode(body: bytes, kind: type[Decoded]) -> Decoded:
    """Return a request body as a struct of type `kind`.

    Fields that are null count as left out, and fields that the struct does not read are not checked (absent.py).
    Refuses with BODY_NOT_AN_OBJECT, FIELD_MISSING, FIELD_MALFORMED or TOO_MANY_ITEMS, naming the field.

    A struct with many texts may have a `quick_kind`: a subclass with looser types. A long body is decoded by it, and
    the value is used if its `is_plain` says that it fits `kind`, too. A struct with items that are answered one by one
    has a `loose_kind`: a subclass whose items are `msgspec.Raw`. It is used if a body does not fit `kind`, so that the
    caller can decode the items one by one.
    """
    quick_kind = getattr(kind, "quick_kind", None) if len(body) >= LONG_BODY else None
    if quick_kind is not None and (quick := _decode_plain(body, quick_kind())) is not None:
        return cast(Decoded, quick)
    try:
        value: Decoded = _decoder(cast(Any, kind)).decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _decode_loosely(body, kind)
    if b"\\u0000" in body:
        return _decode_loosely(body, kind)
    return value


def _decode_plain(body: bytes, kind: Any) -> object | None:
    """Return a body as a struct of a looser type; None if it does not fit, or is not as plain as that type allows."""
    try:
        value = _decoder(kind).decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return value if value.is_plain() and b"\\u0000" not in body else None


def _decode_loosely(body: bytes, kind: type[Decoded]) -> Decoded:
    """Decode a body without the fields that do not count and, if that does not help, without looking at its items."""
    loose_kind = getattr(kind, "loose_kind", None)
    if loose_kind is None:
        return _decode_reduced(body, kind)
    with suppress(Refusal):
        return _decode_reduced(body, kind)
    return cast(Decoded, _decode_reduced(body, loose_kind()))


def _decode_reduced(body: bytes, kind: type[Decoded]) -> Decoded:
    """Decode a body once more, without the fields that do not count: the rare and slower way."""
    body = without_absent(body, cast(Any, kind)) or body
    try:
        value: Decoded = _decoder(cast(Any, kind)).decode(body)
    except msgspec.ValidationError as error:
        raise refusal_of(str(error), kind) from None
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
        raise refusal_of(str(error), kind) from None


@cache
def _decoder(kind: Any) -> "msgspec.json.Decoder[Any]":
    return msgspec.json.Decoder(kind)


def _refuse_nul(value: object) -> None:
    """Refuse U+0000 in any text: PostgreSQL cannot store it."""
    # Items that are decoded one by one are raw here, and checked then.
    for path, text in _texts(msgspec.to_builtins(value, enc_hook=lambda _: None), ""):
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
