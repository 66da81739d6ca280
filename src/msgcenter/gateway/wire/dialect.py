"""The dialects in which clients of the family ask for tokens (docs/protocol.md, "Older dialects")."""

from enum import Enum
from typing import Any

from msgspec import UNSET, Struct, field

from msgcenter.domain.refusal import Refusal
from msgcenter.web.decode import decode

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
    """How a client speaks: the dialect of its answers, and whether it writes the fields' names in lower case."""

    dialect: Dialect
    lower_case_names: bool


USUAL = Spoken(Dialect.USUAL, lower_case_names=False)
LOWER_CASE = Spoken(Dialect.LOWER_CASE, lower_case_names=True)


class _Marks(Struct):
    appid: Any = UNSET
    timestamp: Any = UNSET
    keyinfo: Any = UNSET
    app_id: Any = field(name="appId", default=UNSET)
    time_stamp: Any = field(name="timeStamp", default=UNSET)
    key_info: Any = field(name="keyInfo", default=UNSET)
    sys_code: Any = field(name="sysCode", default=UNSET)


def spoken_in(body: bytes, by_path: Spoken) -> Spoken:
    """Return how a token request speaks; `by_path` is what its path says, for bodies that do not tell."""
    try:
        marks = decode(body, _Marks)
    except Refusal:
        return by_path
    lower = _has_lower_case_names(marks, by_path)
    if marks.sys_code is not UNSET:
        return Spoken(Dialect.NATIONAL, lower)
    return LOWER_CASE if lower else USUAL


def _has_lower_case_names(marks: _Marks, by_path: Spoken) -> bool:
    """Tell by the app's id how the names are written; if there is none, by the other fields, or else by the path."""
    for lower, camel in (
        (marks.appid, marks.app_id),
        (marks.timestamp, marks.time_stamp),
        (marks.keyinfo, marks.key_info),
    ):
        if camel not in (UNSET, None):
            return False
        if lower not in (UNSET, None):
            return True
    return by_path.lower_case_names


def in_lower_case(text: str) -> str:
    """Return a refusal's text with the names of the token request's fields as clients of that dialect write them."""
    for name, lower in _LOWER_CASE_NAMES.items():
        text = text.replace(name, lower)
    return text
