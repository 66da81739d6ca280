"""The values of a template's variables: checked when a message is sent, and shown in a language and a time zone."""

import math
import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import TypeAlias
from zoneinfo import ZoneInfo

import msgspec

from msgcenter.domain.channels.template import Variable, VariableKind
from msgcenter.domain.content import MAX_CONTENT, MAX_URL, check_url
from msgcenter.domain.language import Language, Phrase
from msgcenter.domain.refusal import Reason, Refusal, malformed

MAX_ITEMS = 50
MAX_ITEM = 255
MAX_PARAMS = 16_384
"""Maximum size of a message's values as JSON, in bytes."""
_MAX_NUMBER = 10**15
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MS = re.compile(r"[0-9]{1,15}")


class Items(tuple[str, ...]):
    """The items of a list. Its text is its items, separated by commas."""

    __slots__ = ()
    separator = ", "

    def __str__(self) -> str:
        """Return the items in one line."""
        return self.separator.join(self)


class _ChineseItems(Items):
    __slots__ = ()
    separator = "、"


class Moment:
    """A date, or a date with a time, as a language writes it."""

    def __init__(self, moment: datetime | date, language: Language) -> None:
        self._moment = moment
        self._language = language

    def date(self) -> str:
        """Return the date: 2026年12月1日, or 1 December 2026."""
        day = self._moment
        if self._language == "zh":
            return f"{day.year}年{day.month}月{day.day}日"
        return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"

    def time(self) -> str:
        """Return the time of day, "" if there is none: 07:30."""
        return self._moment.strftime("%H:%M") if isinstance(self._moment, datetime) else ""

    def __str__(self) -> str:
        """Return the date and the time, if there is one."""
        return " ".join(filter(None, (self.date(), self.time())))


_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
Value: TypeAlias = str | int | float | Moment | Items
"""What a template sees of a variable. An optional variable without a value is ""; a list without items is empty."""


def shown(value: object) -> object:
    """Return a value as a template writes it: a whole number has no decimal places."""
    if isinstance(value, float) and value.is_integer() and abs(value) < _MAX_NUMBER:
        return int(value)
    return "" if value is None else value


# --- What a call gives ------------------------------------------------------------------------------------------------


def check_params(variables: Iterable[Variable], params: Mapping[str, object]) -> dict[str, object]:
    """Return the values of a template's variables as they are stored; those that are null or empty are left out.

    Refuses with FIELD_MISSING, FIELD_MALFORMED or TOO_MANY_ITEMS, naming `params.NAME`.
    """
    declared = {variable.name: variable for variable in variables}
    for name in params:
        if name not in declared:
            raise malformed(f"params.{name[:32]}", "模板没有此变量", "is not a variable of the template")
    values: dict[str, object] = {}
    for variable in declared.values():
        value = params.get(variable.name)
        if value is None or value in ("", []):
            if variable.required:
                raise Refusal(Reason.FIELD_MISSING, field=f"params.{variable.name}")
            continue
        values[variable.name] = _checked(variable.kind, value, f"params.{variable.name}")
    if len(msgspec.json.encode(values)) > MAX_PARAMS:
        raise malformed("params", f"合计最多{MAX_PARAMS}字节", f"must be at most {MAX_PARAMS} bytes as JSON")
    return values


def _checked(kind: VariableKind, value: object, field: str) -> object:
    match kind:
        case "text":
            return _text(value, field, MAX_CONTENT)
        case "number":
            return _number(value, field)
        case "date":
            _moment(value, field, _UTC)
            return value if isinstance(value, int) else str(value)
        case "url":
            url = _text(value, field, MAX_URL)
            check_url(url, field)
            return url
        case "list":
            return _list(value, field)


def _text(value: object, field: str, limit: int) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value) if abs(value) < _MAX_NUMBER else ""
    if not isinstance(value, str) or not 1 <= len(value) <= limit or "\0" in value or not _is_encodable(value):
        raise malformed(field, f"须为1–{limit}个字符的字符串", f"must be a string of 1–{limit} characters")
    return value


def _is_encodable(text: str) -> bool:
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)


def _number(value: object, field: str) -> int | float:
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not math.isfinite(value)
        or abs(value) >= _MAX_NUMBER
    ):
        raise malformed(field, "须为数字", "must be a number")
    return value


def _list(value: object, field: str) -> list[str]:
    if not isinstance(value, list):
        raise malformed(field, "须为字符串数组", "must be an array of strings")
    if len(value) > MAX_ITEMS:
        rule = Phrase(f"须为最多{MAX_ITEMS}项的数组", f"must be an array of at most {MAX_ITEMS} items")
        raise Refusal(Reason.TOO_MANY_ITEMS, field=field, rule=rule)
    return [_text(item, f"{field}[]", MAX_ITEM) for item in value]


_UTC = ZoneInfo("UTC")


def _moment(value: object, field: str, zone: ZoneInfo) -> datetime | date:
    """Return a moment from ms since 1970, or from a date or a local time in ISO 8601."""
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if isinstance(text, str):
        try:
            if _MS.fullmatch(text):
                return datetime.fromtimestamp(int(text) / 1_000, zone)
            if _DAY.fullmatch(text):
                return date.fromisoformat(text)
            moment = datetime.fromisoformat(text)
            return moment if moment.tzinfo is None else moment.astimezone(zone)
        except (ValueError, OverflowError):
            pass
    raise malformed(
        field, "须为毫秒数,或2026-12-01、2026-12-01T07:30", "must be ms since 1970, 2026-12-01 or 2026-12-01T07:30"
    )


# --- What a template sees ---------------------------------------------------------------------------------------------


def values_of(
    variables: Iterable[Variable], params: Mapping[str, object], language: Language, zone: ZoneInfo
) -> dict[str, Value]:
    """Return the values that a template sees, from checked ones. Times are in `zone`."""
    return {variable.name: _value(variable, params.get(variable.name), language, zone) for variable in variables}


def _value(variable: Variable, value: object, language: Language, zone: ZoneInfo) -> Value:
    if variable.kind == "list":
        items = map(str, value) if isinstance(value, list) else ()
        return _ChineseItems(items) if language == "zh" else Items(items)
    if value is None:
        return ""
    if variable.kind == "date":
        return Moment(_moment(value, variable.name, zone), language)
    return value if isinstance(value, int | float) else str(value)


def sample_params(variables: Iterable[Variable]) -> dict[str, object]:
    """Return the values that the samples describe, as a call would give them: numbers as numbers, lists as arrays."""
    return {variable.name: _sample(variable) for variable in variables if variable.sample}


def _sample(variable: Variable) -> object:
    if variable.kind == "list":
        return [line.strip() for line in variable.sample.splitlines() if line.strip()]
    if variable.kind == "number":
        try:
            number = float(variable.sample)
        except ValueError:
            return variable.sample
        return int(number) if number.is_integer() else number
    return variable.sample.strip() if variable.kind in {"date", "url"} else variable.sample
