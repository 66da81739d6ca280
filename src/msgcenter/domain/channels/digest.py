"""Digests: several messages of low urgency become one note at the end of a window."""

from typing import Literal
from zoneinfo import ZoneInfo

from msgcenter.domain.channels.codes import Urgency
from msgcenter.domain.channels.local_time import local_time, next_minute_of_day

DigestChoice = Literal["off", "hourly", "daily"]
"""What a user has chosen for messages of low urgency: each alone, or a digest of an hour or of a day."""
HOUR_MS = 3_600_000
"""Messages of this long count for the platform's rule, see `digest_due`."""
DAILY_MINUTE = 8 * 60
"""The minute of the day when daily digests are due, in the person's time zone."""


def digest_due(
    now: int, urgency: Urgency, choice: DigestChoice | None, *, recent: int, digest_after: int, zone: ZoneInfo
) -> int | None:
    """Return when a message is due as part of a digest; None if it is sent alone. Times are ms since 1970.

    Only messages of low urgency wait. Without a choice, the platform's rule holds: those after the first `digest_after`
    within an hour, of which there are `recent` already, become a digest of an hour.
    """
    if urgency is not Urgency.LOW or choice == "off":
        return None
    if choice == "daily":
        return next_minute_of_day(now, DAILY_MINUTE, zone)
    if choice == "hourly" or recent >= digest_after:
        return _next_hour(now, zone)
    return None


def _next_hour(now: int, zone: ZoneInfo) -> int:
    local = local_time(now, zone)
    return now // 1_000 * 1_000 + HOUR_MS - (local.minute * 60 + local.second) * 1_000
