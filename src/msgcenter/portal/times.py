"""Times as forms and filters write them, in the installation's time zone."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from msgcenter.domain.refusal import malformed

_DAY = "2026-11-24"
_MINUTE = "2026-11-24T15:30"


class Times:
    """Reads and writes times in `zone`. All times are milliseconds since 1970."""

    def __init__(self, zone: ZoneInfo) -> None:
        self.zone = zone

    def start_of_day(self, text: str, field: str, *, days_later: int = 0) -> int | None:
        """Return when a day (2026-11-24) begins, or the day `days_later`; None for "".

        Refuses with FIELD_MALFORMED (`field`) a text that is not a day.
        """
        if not text:
            return None
        try:
            day = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=self.zone) + timedelta(days=days_later)
            return int(day.timestamp() * 1_000)
        except (ValueError, OverflowError):
            raise malformed(field, f"须为日期,例如{_DAY}", f"must be a day, like {_DAY}") from None

    def moment(self, text: str, field: str, *, end: bool = False) -> int | None:
        """Return the start of a day or a minute (2026-11-24, 2026-11-24T15:30); None for "".

        With `end` it is the first moment after that day or minute. Refuses with FIELD_MALFORMED (`field`) other texts.
        """
        if len(text) <= len(_DAY):
            return self.start_of_day(text, field, days_later=int(end))
        try:
            minute = datetime.strptime(text[: len(_MINUTE)], "%Y-%m-%dT%H:%M").replace(tzinfo=self.zone)
            return int(minute.timestamp() * 1_000) + end * 60_000
        except (ValueError, OverflowError):
            raise malformed(field, f"须为时间,例如{_MINUTE}", f"must be a time, like {_MINUTE}") from None

    def in_form(self, ms: int | None) -> str:
        """Return a moment as the field of a form holds it; "" for None."""
        return "" if ms is None else self.local(ms).strftime("%Y-%m-%dT%H:%M")

    def local(self, ms: int) -> datetime:
        """Return a moment in the time zone."""
        return datetime.fromtimestamp(ms / 1_000, self.zone)
