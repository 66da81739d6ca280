"""The words of mails, in the language of the person who gets them."""

from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgcenter.channels.plain import OPEN, one_line
from msgcenter.domain.channels.note import Note
from msgcenter.domain.channels.values import Moment
from msgcenter.domain.language import Phrase

UNSUBSCRIBE = Phrase("不再接收此类邮件", "Stop these mails")
URGENT = Phrase("紧急", "Urgent")
_OPEN_INBOX = Phrase("打开收件箱", "Open the inbox")
_REASON = Phrase(
    "您收到这封邮件，是因为“{app}”给您发送了消息。", "You get this mail because {app} has sent you a message."
)
_REASON_OF_DIGEST = Phrase(
    "您收到这封邮件，是因为您有未读的消息。", "You get this mail because you have messages that you have not read."
)
_UNREAD = Phrase("收件箱中的未读消息：{count:,}", "Unread messages in your inbox: {count:,}")


def moment(note: Note) -> str:
    """Return when a note was sent, in the person's time zone; "" if that is not known."""
    if not note.sent_at:
        return ""
    try:
        zone = ZoneInfo(note.time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        zone = ZoneInfo("UTC")
    return str(Moment(datetime.fromtimestamp(note.sent_at / 1_000, zone), note.language))


def title_below_head(note: Note) -> str:
    """Return the title of a note without the head of its card, which stands above it; "" if it is the head."""
    title, head = one_line(note.title), one_line(note.head)
    return "" if title == head else title.removeprefix(f"{head}: ") if head else title


def button_label(note: Note) -> str:
    """Return what the link to the message, or of a digest to the inbox, is called."""
    return (_OPEN_INBOX if note.digest else OPEN).in_language(note.language)


def reason(note: Note) -> str:
    """Return why the mail was sent."""
    phrase = _REASON_OF_DIGEST if note.digest or not note.app_name else _REASON
    return phrase.in_language(note.language, app=one_line(note.app_name))


def unread_line(note: Note) -> str:
    """Return how many messages are unread; "" if that is not known."""
    return "" if note.unread is None else _UNREAD.in_language(note.language, count=note.unread)
