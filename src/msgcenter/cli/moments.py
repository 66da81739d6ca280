"""Moments in time, as typed on the command line."""

import re
from datetime import datetime, timedelta

from msgcenter.cli.console import fail

ALLOWED = "+30m, +2h, +3d, 15:30 (the next one) or 2026-12-01T08:00, optionally with an offset such as +08:00"
_AHEAD = re.compile(r"\+([0-9]{1,6})([mhd])")
_CLOCK = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def parse_moment(text: str, option: str, now: datetime | None = None) -> datetime:
    """Return the moment that was typed for an option, in this machine's time zone unless it has an offset.

    Fails with the allowed forms. `now` replaces the clock.
    """
    present = datetime.now().astimezone() if now is None else now
    if ahead := _AHEAD.fullmatch(text):
        return present + timedelta(**{_UNITS[ahead[2]]: int(ahead[1])})
    if clock := _CLOCK.fullmatch(text):
        today = present.replace(hour=int(clock[1]), minute=int(clock[2]), second=0, microsecond=0)
        return today if today > present else today + timedelta(days=1)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise fail(f"{option} {text!r} is not a valid time; use {ALLOWED}.") from None
    return moment if moment.tzinfo is not None else moment.astimezone()
