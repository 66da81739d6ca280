"""The contents of a mail: subject, text and HTML of a note."""

from html import escape
from typing import NamedTuple

from msgcenter.channels.plain import OPEN, plain_text, plain_title, sender_line
from msgcenter.domain.channels.note import Note


class MailBody(NamedTuple):
    """The subject in one line, and the same content as text and as HTML."""

    subject: str
    text: str
    html: str


def mail_body(note: Note) -> MailBody:
    """Return the contents of a mail with a note."""
    title, text = plain_title(note), plain_text(note)
    return MailBody(title, _as_text(title, text, note), note.parts.get("html") or _as_html(title, text, note))


def _as_text(title: str, text: str, note: Note) -> str:
    parts = [title, text, note.link, sender_line(note)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _as_html(title: str, text: str, note: Note) -> str:
    paragraphs = "".join(f"<p>{escape(line)}</p>" for line in text.splitlines() if line.strip())
    button = f'<p><a href="{escape(note.link)}">{OPEN.in_language(note.language)}</a></p>' if note.link else ""
    sender = f"<p><small>{escape(sender_line(note))}</small></p>"
    return f'<!doctype html><html lang="{note.language}"><h1>{escape(title)}</h1>{paragraphs}{button}{sender}</html>\n'
