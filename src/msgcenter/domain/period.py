"""The periods of the statistics pages, divided into the steps that a chart shows."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from msgcenter.domain.quota import start_of

Length = Literal["day", "week", "month"]
_DAYS: dict[Length, int] = {"day": 1, "week": 7, "month": 30}
_HOUR_MS = 3_600_000
_QUARTERS = (0, 6, 12, 18)


class Period(NamedTuple):
    """A day, week or month that ends with the day `last`.

    `steps` are the start times of its steps and `until` is its end (ms since 1970). `by_day`: each step is a whole day.
    """

    length: Length
    last: date
    steps: tuple[int, ...]
    until: int
    by_day: bool

    @property
    def days(self) -> int:
        """The number of days."""
        return _DAYS[self.length]

    @property
    def since(self) -> int:
        """The start, in ms since 1970."""
        return self.steps[0]

    @property
    def first(self) -> date:
        """The first day."""
        return self.last - timedelta(days=self.days - 1)


def period_of(length: Length, last: date, zone: ZoneInfo, *, whole_days: bool = False) -> Period:
    """Return a period in steps: a day in hours, a week in quarter days (or `whole_days`), a month in days."""
    days = [last - timedelta(days=back) for back in reversed(range(_DAYS[length]))]
    until = start_of(last + timedelta(days=1), zone)
    by_day = length == "month" or (length == "week" and whole_days)
    if by_day:
        steps = tuple(start_of(day, zone) for day in days)
    elif length == "week":
        steps = tuple(_quarters(days, zone))
    else:
        steps = tuple(
            range(start_of(last, zone), until, _HOUR_MS)
        )  # 23 or 25 steps when daylight saving time starts or ends
    return Period(length, last, steps, until, by_day)


def _quarters(days: list[date], zone: ZoneInfo) -> Iterator[int]:
    for day in days:
        for hour in _QUARTERS:
            yield int(datetime.combine(day, time(hour), zone).timestamp() * 1_000)
