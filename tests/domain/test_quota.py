"""Days: their start, the time left of one, and the division of periods into steps."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from msgcenter.domain.period import Length, period_of
from msgcenter.domain.quota import day_of, quota_of, start_of

SHANGHAI, BERLIN, KATHMANDU = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Kathmandu")
HOUR = 3_600_000


def ms(text: str, zone: ZoneInfo) -> int:
    """Return a local time in ms since 1970."""
    return int(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp() * 1_000)


@pytest.mark.parametrize("zone", [SHANGHAI, BERLIN, KATHMANDU, ZoneInfo("UTC")])
def test_a_day_begins_at_local_midnight(zone: ZoneInfo) -> None:
    midnight = ms("2026-11-27T00:00:00", zone)
    assert start_of(date(2026, 11, 27), zone) == midnight
    assert day_of(midnight, zone) == date(2026, 11, 27)
    assert day_of(midnight - 1, zone) == date(2026, 11, 26)


def test_a_quota_says_when_it_resets() -> None:
    evening = ms("2026-11-27T23:59:58.500000", SHANGHAI)
    quota = quota_of(10, evening, SHANGHAI)
    assert (quota.limit, quota.day, quota.ends_at) == (10, date(2026, 11, 27), evening + 1_500)
    assert quota.seconds_left(evening) == 2
    assert quota.seconds_left(evening + 1_500) == 1
    assert quota.seconds_left(evening + 9_999) == 1, "at least one, even if the clock is past midnight"


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-11-27", 24)])
def test_a_day_has_as_many_hours_as_its_clocks_show(day: str, hours: int) -> None:
    period = period_of("day", date.fromisoformat(day), BERLIN)
    assert len(period.steps) == hours
    assert period.until - period.since == hours * HOUR
    quota = quota_of(1, period.since, BERLIN)
    assert quota.ends_at == period.until


@pytest.mark.parametrize(
    ("length", "whole_days", "steps", "days"),
    [("day", False, 24, 1), ("week", False, 28, 7), ("week", True, 7, 7), ("month", False, 30, 30)],
)
def test_a_period_is_cut_without_gaps(length: Length, steps: int, days: int, *, whole_days: bool) -> None:
    last = date(2026, 11, 27)
    for zone in (SHANGHAI, KATHMANDU):
        period = period_of(length, last, zone, whole_days=whole_days)
        assert len(period.steps) == steps
        assert list(period.steps) == sorted(set(period.steps))
        assert period.since == start_of(last - timedelta(days=days - 1), zone)
        assert period.until == start_of(last + timedelta(days=1), zone)
        assert period.first == last - timedelta(days=days - 1)
        assert period.by_day == (steps == days)
