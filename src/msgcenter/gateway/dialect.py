"""The dialects in which clients of the family ask for tokens (docs/protocol.md, "Older dialects")."""

from enum import Enum
from typing import Any

import msgspec
from msgspec import UNSET, Struct, field

_LOWER_CASE_NAMES = {"appId": "appid", "timeStamp": "timestamp", "keyInfo": "keyinfo"}


class Dialect(Enum):
    """How an answer is written.

    USUAL: `tokenInfo` and `data`. LOWER_CASE: also `result` and `desc`, which are retCode and retDesc once more, and
    refusals name fields in lower case. NATIONAL: only the keys that clients of the national gateway know.
    """

    USUAL = "usual"
    LOWER_CASE = "lower case"
    NATIONAL = "national"


class Spoken(Struct, frozen=True):
    """The dialect of a request, and whether its fields have lower-case names."""

    dialect: Dialect
    lower_case_names: bool


class _Marks(Struct):
    lower: Any = field(name="appid", default=UNSET)
    camel: Any = field(name="appId", default=UNSET)
    sys_code: Any = field(name="sysCode", default=UNSET)


def spoken_in(body: bytes, by_path: Dialect) -> Spoken:
    """Return the dialect of a token request; `by_path` is that of its path, for bodies that do not tell."""
    try:
        marks = msgspec.json.decode(body, type=_Marks)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        marks = _Marks()
    lower = False if marks.camel not in (UNSET, None) else marks.lower is not UNSET or by_path is Dialect.LOWER_CASE
    if marks.sys_code is not UNSET:
        return Spoken(Dialect.NATIONAL, lower)
    return Spoken(Dialect.LOWER_CASE if lower else Dialect.USUAL, lower)


def in_lower_case(text: str) -> str:
    """Return a refusal's text with the names of the token request's fields as clients of that dialect write them."""
    for name, lower in _LOWER_CASE_NAMES.items():
        text = text.replace(name, lower)
    return text
