"""Times of the day in a time zone, also on days when its clocks change."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

MINUTES_OF_DAY = 24 * 60
_MINUTE_MS = 60_000


@lru_cache(maxsize=512)
def zone_of(name: str) -> ZoneInfo | None:
    """Return the time zone with an IANA name; None if there is none."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        return None


def local_time(at: int, zone: ZoneInfo) -> datetime:
    """Return the local time at `at` (ms since 1970)."""
    return datetime.fromtimestamp(at / 1_000, zone)


def minute_of_day(at: int, zone: ZoneInfo) -> int:
    """Return the minute of the day that the clocks show at `at` (ms since 1970)."""
    local = local_time(at, zone)
    return local.hour * 60 + local.minute


def next_minute_of_day(now: int, minute: int, zone: ZoneInfo) -> int:
    """Return the first time after `now` (ms since 1970) when the clocks show a minute of the day, or jump over it.

    If the clocks jump over it, that is the time of the jump. If they show it twice in a night, both times count.
    """
    day = local_time(now, zone).date()
    for days in range(3):
        wall = datetime.combine(day + timedelta(days=days), datetime.min.time()) + timedelta(minutes=minute)
        first, second = (int(wall.replace(tzinfo=zone, fold=fold).timestamp() * 1_000) for fold in (0, 1))
        if second < first:  # the clocks jump over it
            first = second = _jump_between(second, first, zone)
        after = [at for at in (first, second) if at > now]
        if after:
            return min(after)
    raise AssertionError("unreachable")


def _jump_between(low: int, high: int, zone: ZoneInfo) -> int:
    """Return when the clocks jump ahead between two times."""
    before = _offset(low, zone)
    while high - low > _MINUTE_MS:
        middle = (low + high) // 2 // _MINUTE_MS * _MINUTE_MS
        if _offset(middle, zone) == before:
            low = middle
        else:
            high = middle
    return high


def _offset(at: int, zone: ZoneInfo) -> timedelta | None:
    return datetime.fromtimestamp(at / 1_000, UTC).astimezone(zone).utcoffset()
