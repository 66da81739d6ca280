"""Quiet hours and digests end at the right minute of local time, also when clocks change."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from msgcenter.domain.channels.codes import Urgency
from msgcenter.domain.channels.digest import DigestChoice, digest_due
from msgcenter.domain.channels.local_time import minute_of_day, next_minute_of_day
from msgcenter.domain.channels.quiet import NO_QUIET_HOURS, QuietHours, allowed_at, quiet_hours_of, quiet_until

SHANGHAI, BERLIN, LORD_HOWE, KOLKATA = map(
    ZoneInfo, ("Asia/Shanghai", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kolkata")
)
MINUTE = 60_000
NIGHT = QuietHours(22 * 60, 7 * 60)


def at(text: str, zone: ZoneInfo = SHANGHAI, fold: int = 0) -> int:
    """Return a local time as ms since 1970."""
    return int(datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold).timestamp() * 1_000)


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-03-01 21:59:59", None),
        ("2026-03-01 22:00", "2026-03-02 07:00"),
        ("2026-03-01 23:30", "2026-03-02 07:00"),
        ("2026-03-02 06:59:59", "2026-03-02 07:00"),
        ("2026-03-02 07:00", None),
    ],
)
def test_a_night_ends_in_the_morning(now: str, until: str | None) -> None:
    assert quiet_until(at(now), NIGHT, SHANGHAI) == (None if until is None else at(until))


def test_hours_of_one_day_and_none() -> None:
    noon = QuietHours(12 * 60, 13 * 60)
    assert quiet_until(at("2026-03-01 12:30"), noon, SHANGHAI) == at("2026-03-01 13:00")
    assert quiet_until(at("2026-03-01 23:30"), noon, SHANGHAI) is None
    assert quiet_until(at("2026-03-01 00:00"), NO_QUIET_HOURS, SHANGHAI) is None


def test_a_user_decides_before_the_platform() -> None:
    platform = (22 * 60, 7 * 60)
    assert quiet_hours_of((None, None), platform) == NIGHT
    assert quiet_hours_of((60, 120), platform) == QuietHours(60, 120)
    assert quiet_until(at("2026-03-01 23:30"), quiet_hours_of((0, 0), platform), SHANGHAI) is None
    assert quiet_hours_of((None, None), (None, None)) == NO_QUIET_HOURS


def test_urgent_messages_ignore_quiet_hours() -> None:
    night = at("2026-03-01 23:30")
    assert allowed_at(night, Urgency.URGENT, NIGHT, SHANGHAI) == night
    assert allowed_at(night, Urgency.NORMAL, NIGHT, SHANGHAI) == at("2026-03-02 07:00")


def test_a_jump_of_the_clocks_ends_hours_that_end_within_it() -> None:
    """On 29 March 2026, clocks in Berlin jump from 02:00 to 03:00."""
    hours = QuietHours(22 * 60, 2 * 60 + 30)
    assert quiet_until(at("2026-03-29 01:59", BERLIN), hours, BERLIN) == at("2026-03-29 03:00", BERLIN)


def test_hours_that_the_clocks_show_twice_are_quiet_twice() -> None:
    """On 25 October 2026, clocks in Berlin go back from 03:00 to 02:00."""
    hours = QuietHours(22 * 60, 2 * 60 + 30)
    first, second = at("2026-10-25 02:30", BERLIN), at("2026-10-25 02:30", BERLIN, fold=1)
    assert second - first == 60 * MINUTE
    assert quiet_until(at("2026-10-25 01:00", BERLIN), hours, BERLIN) == first
    assert quiet_until(first, hours, BERLIN) is None
    assert quiet_until(at("2026-10-25 02:10", BERLIN, fold=1), hours, BERLIN) == second


@given(
    zone=st.sampled_from((SHANGHAI, BERLIN, LORD_HOWE, KOLKATA)),
    start=st.integers(0, 1_439),
    end=st.integers(0, 1_439),
    now=st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)).map(lambda it: it.replace(tzinfo=UTC, microsecond=0)),  # noqa: DTZ001
)
def test_quiet_hours_end_at_the_first_minute_that_is_not_quiet(
    zone: ZoneInfo, start: int, end: int, now: datetime
) -> None:
    hours, present = QuietHours(start, end), int(now.timestamp()) * 1_000
    until = quiet_until(present, hours, zone)
    if not hours.contain(minute_of_day(present, zone)):
        assert until is None
        return
    minute = present // MINUTE * MINUTE
    while hours.contain(minute_of_day(minute, zone)):
        minute += MINUTE
    assert until == minute


@given(
    zone=st.sampled_from((SHANGHAI, BERLIN, LORD_HOWE, KOLKATA)),
    minute=st.integers(0, 1_439),
    now=st.integers(at("2026-01-01 00:00") // 1_000, at("2027-01-01 00:00") // 1_000),
)
def test_the_next_minute_of_the_day_is_within_a_day(zone: ZoneInfo, minute: int, now: int) -> None:
    following = next_minute_of_day(now * 1_000, minute, zone)
    assert 0 < following - now * 1_000 <= timedelta(hours=25) / timedelta(milliseconds=1)
    before = minute_of_day(following - MINUTE, zone)
    assert minute_of_day(following, zone) == minute or (before < minute < minute_of_day(following, zone))


@pytest.mark.parametrize(
    ("urgency", "choice", "recent", "due"),
    [
        (Urgency.NORMAL, "daily", 99, None),
        (Urgency.URGENT, "hourly", 99, None),
        (Urgency.LOW, "off", 99, None),
        (Urgency.LOW, "hourly", 0, "2026-03-01 10:00"),
        (Urgency.LOW, "daily", 0, "2026-03-02 08:00"),
        (Urgency.LOW, None, 4, None),
        (Urgency.LOW, None, 5, "2026-03-01 10:00"),
    ],
)
def test_only_low_urgency_waits_for_a_digest(
    urgency: Urgency, choice: DigestChoice | None, recent: int, due: str | None
) -> None:
    now = at("2026-03-01 09:17:05")
    found = digest_due(now, urgency, choice, recent=recent, digest_after=5, zone=SHANGHAI)
    assert found == (None if due is None else at(due))


def test_an_hour_is_one_of_the_local_clock() -> None:
    now = at("2026-03-01 09:17", KOLKATA)
    assert digest_due(now, Urgency.LOW, "hourly", recent=0, digest_after=5, zone=KOLKATA) == at(
        "2026-03-01 10:00", KOLKATA
    )
