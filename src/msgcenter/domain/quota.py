"""Daily quotas of apps, in messages. A day starts at midnight in the installation's time zone."""

from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo


class DailyQuota(NamedTuple):
    """At most `limit` messages on a `day`, which ends at `ends_at` (ms since 1970)."""

    limit: int
    day: date
    ends_at: int

    def seconds_left(self, now: int) -> int:
        """Return the whole seconds from `now` (ms since 1970) until the quota resets, at least 1."""
        return max(1, -(-(self.ends_at - now) // 1_000))


def day_of(now: int, zone: ZoneInfo) -> date:
    """Return the day of a moment (ms since 1970)."""
    return datetime.fromtimestamp(now / 1_000, UTC).astimezone(zone).date()


def start_of(day: date, zone: ZoneInfo) -> int:
    """Return the start of a day, in ms since 1970."""
    return int(datetime.combine(day, time(), zone).timestamp() * 1_000)


def quota_of(limit: int, now: int, zone: ZoneInfo) -> DailyQuota:
    """Return the quota for the day of `now` (ms since 1970)."""
    day = day_of(now, zone)
    return DailyQuota(limit, day, start_of(day + timedelta(days=1), zone))
