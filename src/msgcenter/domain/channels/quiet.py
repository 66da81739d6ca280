"""Quiet hours: the time of the day when a person is not disturbed."""

from typing import NamedTuple
from zoneinfo import ZoneInfo

from msgcenter.domain.channels.codes import Urgency
from msgcenter.domain.channels.local_time import minute_of_day, next_minute_of_day


class QuietHours(NamedTuple):
    """From one minute of the day until before another one, perhaps of the next day. The same minute means none."""

    start: int
    end: int

    def contain(self, minute: int) -> bool:
        """Return whether a minute of the day is quiet."""
        if self.start <= self.end:
            return self.start <= minute < self.end
        return minute >= self.start or minute < self.end


NO_QUIET_HOURS = QuietHours(0, 0)


def quiet_hours_of(*choices: tuple[int | None, int | None]) -> QuietHours:
    """Return the first choice that says something: a user's, then the platform's. None says nothing."""
    for start, end in choices:
        if start is not None and end is not None:
            return QuietHours(start, end)
    return NO_QUIET_HOURS


def quiet_until(now: int, hours: QuietHours, zone: ZoneInfo) -> int | None:
    """Return when the quiet hours end that hold at `now`; None if they do not hold. Times are ms since 1970."""
    if not hours.contain(minute_of_day(now, zone)):
        return None
    return next_minute_of_day(now, hours.end, zone)


def allowed_at(at: int, urgency: Urgency, hours: QuietHours, zone: ZoneInfo) -> int:
    """Return the first time from `at` on when a message may disturb a person. Urgent ones may always."""
    if urgency is Urgency.URGENT:
        return at
    return quiet_until(at, hours, zone) or at
