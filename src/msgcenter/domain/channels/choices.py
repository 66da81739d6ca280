"""What users choose about channels: which are off for what, when it is quiet, and in which language."""

import re
from collections.abc import Collection, Iterable
from typing import NamedTuple

from msgcenter.domain.channels.codes import CHANNELS
from msgcenter.domain.channels.digest import DigestChoice
from msgcenter.domain.channels.local_time import zone_of
from msgcenter.domain.language import Language
from msgcenter.domain.refusal import contradiction, malformed

MAX_OFF = 500
"""Maximum number of entries about channels that are off."""
_MINUTES = 1_440
_ENTRY = re.compile(rf"(?:(type|app):([A-Za-z0-9_.-]{{1,64}}):)?({'|'.join(CHANNELS)})")


class Choices(NamedTuple):
    """What a user has chosen; None follows the platform or the directory.

    `off` has "email" (never), "type:CODE:email" and "app:APPID:email". Quiet hours are minutes of the day; the same one
    twice means none.
    """

    off: tuple[str, ...] = ()
    quiet_from: int | None = None
    quiet_until: int | None = None
    digest: DigestChoice | None = None
    language: Language | None = None
    time_zone: str | None = None


def check_choices(choices: Choices, mandatory: Collection[str]) -> Choices:
    """Return choices with `off` sorted and without repetitions. `mandatory` are codes of types.

    Refuses with FIELD_MALFORMED (off, quietFrom, quietUntil, timeZone) or FIELDS_CONTRADICT (quietFrom, quietUntil).
    """
    for name, minute in (("quietFrom", choices.quiet_from), ("quietUntil", choices.quiet_until)):
        if minute is not None and not 0 <= minute < _MINUTES:
            raise malformed(name, f"须为0–{_MINUTES - 1}", f"must be 0–{_MINUTES - 1}")
    if (choices.quiet_from is None) != (choices.quiet_until is None):
        raise contradiction("quietFrom, quietUntil", "须同时填写", "both or none")
    if choices.time_zone is not None and zone_of(choices.time_zone) is None:
        raise malformed("timeZone", "须为时区名,如Asia/Shanghai", "must be a time zone such as Asia/Shanghai")
    off = tuple(sorted(set(choices.off)))
    if len(off) > MAX_OFF:
        raise malformed("off", f"最多{MAX_OFF}项", f"at most {MAX_OFF} items")
    for entry in off:
        _check_entry(entry, mandatory)
    return choices._replace(off=off)


def _check_entry(entry: str, mandatory: Collection[str]) -> None:
    match = _ENTRY.fullmatch(entry)
    if match is None:
        raise malformed("off", "须为渠道、type:CODE:渠道或app:APPID:渠道", "must be CHANNEL or type:CODE:… or app:ID:…")
    if match[1] == "type" and match[2] in mandatory:
        raise malformed("off", f"类型{match[2]}为必收", f"the type {match[2]} is mandatory")


def of_app(entries: Iterable[str], app_id: str) -> set[str]:
    """Return the entries about one app."""
    return {entry for entry in entries if entry.startswith(f"app:{app_id}:")}
