"""The contents of a mail: its subject, its text, and its HTML (`mail_html.py`)."""

from typing import NamedTuple

from msgcenter.channels.mail_html import mail_html
from msgcenter.channels.mail_words import (
    UNSUBSCRIBE,
    button_label,
    moment,
    reason,
    title_below_head,
    unread_line,
)
from msgcenter.channels.plain import one_line, plain_text, plain_title, sender_line
from msgcenter.domain.channels.clean_html import text_of_html
from msgcenter.domain.channels.note import Note

_RULE = "-" * 32


class MailBody(NamedTuple):
    """The subject in one line, and the same content as text and as HTML."""

    subject: str
    text: str
    html: str


def mail_body(note: Note) -> MailBody:
    """Return the contents of a mail with a note: what its template says, or else the card as the inbox shows it."""
    return MailBody(plain_title(note), _text(note), mail_html(note))


def _text(note: Note) -> str:
    """Return the text: the content and the link; below a line, why the mail was sent and how to stop such mails."""
    own = note.parts.get("text") or text_of_html(note.parts.get("html", ""))
    content = [own.strip()] if own.strip() else _content(note)
    link = f"{button_label(note)}: {note.link}" if note.link and note.link not in own else ""
    footer = [reason(note), unread_line(note)]
    if note.unsubscribe_url:
        footer.append(f"{UNSUBSCRIBE.in_language(note.language)}: {note.unsubscribe_url}")
    parts = [*content, link, _RULE, "\n".join(filter(None, footer))]
    return "\n\n".join(part for part in parts if part) + "\n"


def _content(note: Note) -> list[str]:
    sent = " · ".join(filter(None, (sender_line(note), moment(note))))
    if note.digest:
        return [one_line(note.title), *(_item(item) for item in note.digest)]
    # The title of a text is its first line.
    title = "" if note.kind == "text" and note.text else title_below_head(note)
    return [one_line(note.head), title, sent, plain_text(note)]


def _item(note: Note) -> str:
    sent = " · ".join(filter(None, (sender_line(note), moment(note))))
    lines = (f"* {one_line(note.title)}", f"  {sent}" if sent else "", f"  {note.link}" if note.link else "")
    return "\n".join(filter(None, lines))
