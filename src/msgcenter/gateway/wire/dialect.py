"""The dialects in which clients of the family ask for tokens (docs/protocol.md, "Older dialects")."""

from enum import Enum
from typing import Any

from msgspec import UNSET, Struct, field

from msgcenter.domain.refusal import Refusal
from msgcenter.web.decode import decode

_LOWER_CASE_NAMES = {"appId": "appid", "timeStamp": "timestamp", "keyInfo": "keyinfo"}


class Dialect(Enum):
    """The form of a token answer.

    USUAL has `tokenInfo` and `data`. LOWER_CASE also has `result` and `desc`, which repeat retCode and retDesc, and its
    refusals name fields in lower case. NATIONAL has only the keys that clients of the national gateway know.
    """

    USUAL = "usual"
    LOWER_CASE = "lower case"
    NATIONAL = "national"


class Spoken(Struct, frozen=True):
    """A client's dialect: the form of its answers, and whether it writes field names in lower case."""

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
    """Return the dialect of a token request; `by_path` is the dialect of its path, for bodies that do not show it."""
    try:
        marks = decode(body, _Marks)
    except Refusal:
        return by_path
    lower = _has_lower_case_names(marks, by_path)
    if marks.sys_code is not UNSET:
        return Spoken(Dialect.NATIONAL, lower)
    return LOWER_CASE if lower else USUAL


def _has_lower_case_names(marks: _Marks, by_path: Spoken) -> bool:
    """Return whether names are in lower case: as appId is written, else the other fields, else as the path says."""
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
    """Return a refusal's text with the field names of the token request in lower case."""
    for name, lower in _LOWER_CASE_NAMES.items():
        text = text.replace(name, lower)
    return text
