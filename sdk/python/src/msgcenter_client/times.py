"""Moments: aware datetimes for callers, Unix milliseconds in requests and answers."""

from datetime import UTC, datetime, timedelta
from typing import TypeAlias

Moment: TypeAlias = datetime | int
"""An aware datetime, or Unix milliseconds."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_ms(moment: Moment) -> int:
    """Return Unix milliseconds. Raises ValueError for a datetime without a time zone."""
    if isinstance(moment, int):
        return moment
    if moment.utcoffset() is None:
        raise ValueError("a datetime must have a time zone, for example datetime.now(UTC)")
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def from_ms(milliseconds: int) -> datetime:
    """Return Unix milliseconds as an aware datetime in UTC."""
    return _EPOCH + timedelta(milliseconds=milliseconds)
