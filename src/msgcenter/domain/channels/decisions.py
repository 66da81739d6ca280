"""What operators decide about channels: message types, an app's policy, a platform's settings; and what is allowed."""

import re
from collections.abc import Iterable
from typing import NamedTuple, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from msgcenter.domain.channels.codes import CHANNELS, DEFAULT_DELAY_MINUTES, MAX_DELAY_MINUTES, Channel, Urgency
from msgcenter.domain.channels.policy import Choice
from msgcenter.domain.content import MAX_URL, check_url
from msgcenter.domain.identifiers import TypeCode
from msgcenter.domain.refusal import malformed
from msgcenter.domain.visible import shows_nothing

_MAX_NAME = 64
_MAX_DIGEST_AFTER = 1_000
_MESSAGE_ID = "{msgId}"
_TIME_OF_DAY = re.compile("([01][0-9]|2[0-3]):([0-5][0-9])")


class MessageType(NamedTuple):
    """A category of a platform's messages. `choice` follows the platform where it is None.

    Users cannot turn off mandatory types. Apps can no longer use a type that was archived (ms since 1970).
    """

    code: str
    name_zh: str
    name_en: str
    urgency: Urgency = Urgency.NORMAL
    choice: Choice = Choice()
    mandatory: bool = False
    archived_at: int | None = None


class QuietHours(NamedTuple):
    """A time of each day, from one minute of the day until another one, perhaps of the next day."""

    start: int
    end: int

    def __str__(self) -> str:
        return f"{_time_of_day(self.start)}-{_time_of_day(self.end)}"


class Settings(NamedTuple):
    """What a platform has decided.

    `channels` and `delay_minutes` are those of messages for which nothing else says it. Without `quiet_hours` there are
    none. More than `digest_after` messages of low urgency in an hour become a digest. `time_zone` None is the
    installation's; links lead to `inbox_url`, None for the server's own page.
    """

    channels: tuple[Channel, ...] = ()
    delay_minutes: int = DEFAULT_DELAY_MINUTES
    quiet_hours: QuietHours | None = None
    digest_after: int = 5
    approves_templates: bool = False
    time_zone: str | None = None
    inbox_url: str | None = None


def check_type(kind: MessageType) -> None:
    """Refuse with FIELD_MALFORMED a code, a name or a delay that is not allowed."""
    try:
        msgspec.convert(kind.code, TypeCode)
    except msgspec.ValidationError:
        raise malformed("code", "须为1–32个字母、数字、_、.或-", "must be 1-32 letters, digits, _, . or -") from None
    for field, name in (("name_zh", kind.name_zh), ("name_en", kind.name_en)):
        if len(name) > _MAX_NAME or not name.isprintable() or shows_nothing(name):
            raise malformed(field, f"须为1–{_MAX_NAME}个字符", f"must be 1-{_MAX_NAME} printable characters")
    check_choice(kind.choice)


def check_choice(choice: Choice) -> None:
    """Refuse with FIELD_MALFORMED (delay) a delay that is not allowed."""
    if choice.delay_minutes is not None and not 0 <= choice.delay_minutes <= MAX_DELAY_MINUTES:
        raise malformed("delay", f"须为0–{MAX_DELAY_MINUTES}分钟", f"must be 0-{MAX_DELAY_MINUTES} minutes")


def check_settings(settings: Settings) -> None:
    """Refuse with FIELD_MALFORMED a delay, a number, a time zone or an address that is not allowed."""
    check_choice(Choice(settings.channels, settings.delay_minutes))
    if not 1 <= settings.digest_after <= _MAX_DIGEST_AFTER:
        raise malformed("digest_after", f"须为1–{_MAX_DIGEST_AFTER}", f"must be 1-{_MAX_DIGEST_AFTER}")
    if settings.time_zone is not None:
        _check_time_zone(settings.time_zone)
    if settings.inbox_url is not None:
        _check_inbox_url(settings.inbox_url)


def _check_time_zone(name: str) -> None:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, ZoneInfoNotFoundError):
        raise malformed(
            "time_zone", "须为时区名称,如Asia/Shanghai", "must be a time zone, such as Asia/Shanghai"
        ) from None


def _check_inbox_url(url: str) -> None:
    if len(url) > MAX_URL:
        raise malformed("inbox_url", f"最多{MAX_URL}个字符", f"must have at most {MAX_URL} characters")
    check_url(url.replace(_MESSAGE_ID, "1"), "inbox_url")


def parse_channels(codes: Iterable[str], field: str = "channels") -> tuple[Channel, ...]:
    """Return the channels with these codes, each once. Refuses with FIELD_MALFORMED (`field`) an unknown one."""
    distinct = tuple(dict.fromkeys(codes))
    for code in distinct:
        if code not in CHANNELS:
            known = ", ".join(CHANNELS)
            raise malformed(field, f"没有渠道{code[:20]},可用:{known}", f"no channel {code[:20]}; there are {known}")
    return cast("tuple[Channel, ...]", distinct)


def parse_quiet_hours(start: str, end: str, field: str = "quiet") -> QuietHours | None:
    """Return quiet hours from two times like 22:00; None if both are empty. Refuses with FIELD_MALFORMED (`field`)."""
    if not start and not end:
        return None
    hours = QuietHours(_minute(start), _minute(end))
    if -1 in hours or hours.start == hours.end:
        raise malformed(
            field, "须为两个不同的时刻,如22:00和07:00", "must be two different times, such as 22:00 and 07:00"
        )
    return hours


def _minute(text: str) -> int:
    match = _TIME_OF_DAY.fullmatch(text.strip())
    return -1 if match is None else int(match[1]) * 60 + int(match[2])


def _time_of_day(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"
