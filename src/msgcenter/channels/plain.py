"""A note as plain text: for chats, SMS and push, cut to a channel's limits."""

from msgcenter.domain.channels.note import Note
from msgcenter.domain.language import Phrase

OPEN = Phrase("查看", "Open")
"""The label of the button that opens the message."""
_LABEL = Phrase("{label}:{value}", "{label}: {value}")
_ELLIPSIS = "…"


def plain_title(note: Note) -> str:
    """Return the title in one line: that of the template, or the note's."""
    return one_line(note.parts.get("title") or note.parts.get("subject") or note.title)


def plain_text(note: Note) -> str:
    """Return the whole text: that of the template, or the note's text, its rows and the messages of its digest."""
    rows = [_LABEL.in_language(note.language, label=label, value=value) for label, value in rows_of(note)]
    return "\n".join(part for part in (body_text(note), *rows) if part)


def body_text(note: Note) -> str:
    """Return the text without the rows, for channels that show these separately."""
    if template := note.parts.get("text"):
        return template.strip()
    items = [f"• {one_line(item.title)}" for item in note.digest]
    return "\n".join(part for part in (note.text.strip(), *items) if part)


def rows_of(note: Note) -> tuple[tuple[str, str], ...]:
    """Return the rows of a card. The text of a template says what they say."""
    return () if note.parts.get("text") else note.fields


def sender_line(note: Note) -> str:
    """Return who sends the note, and by which app."""
    return " · ".join(part for part in (one_line(note.sender), one_line(note.app_name)) if part)


def one_line(text: str) -> str:
    """Return a text without line breaks, control characters and repeated white space."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def cut(text: str, limit: int) -> str:
    """Return a text of at most `limit` characters (at least 1), with "…" at the end if it was longer."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + _ELLIPSIS


def cut_bytes(text: str, limit: int) -> str:
    """Return a text of at most `limit` bytes of UTF-8 (at least 3), with "…" at the end if it was longer."""
    encoded = text.encode()
    if len(encoded) <= limit:
        return text
    return encoded[: limit - len(_ELLIPSIS.encode())].decode(errors="ignore").rstrip() + _ELLIPSIS
