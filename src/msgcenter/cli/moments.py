"""Points in time as people type them on the command line."""

import re
from datetime import datetime, timedelta

from msgcenter.cli.console import fail

ALLOWED = "+30m, +2h, +3d, 15:30 (the next one) or 2026-12-01T08:00, perhaps with an offset such as +08:00"
_AHEAD = re.compile(r"\+([0-9]{1,6})([mhd])")
_CLOCK = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def moment(typed: str, option: str, now: datetime | None = None) -> datetime:
    """Return the moment that was typed for an option, in this machine's time zone unless it names another.

    Fails with what is allowed.
    """
    present = datetime.now().astimezone() if now is None else now
    if ahead := _AHEAD.fullmatch(typed):
        return present + timedelta(**{_UNITS[ahead[2]]: int(ahead[1])})
    if clock := _CLOCK.fullmatch(typed):
        wanted = present.replace(hour=int(clock[1]), minute=int(clock[2]), second=0, microsecond=0)
        return wanted if wanted > present else wanted + timedelta(days=1)
    try:
        given = datetime.fromisoformat(typed)
    except ValueError:
        raise fail(f"{option} {typed!r} is no time. It takes {ALLOWED}.") from None
    return given if given.tzinfo is not None else given.astimezone()
