"""What a note says of the body of a message."""

from msgspec.structs import replace

from msgcenter.domain.channels.clean_html import is_web_url
from msgcenter.domain.channels.note import Note
from msgcenter.domain.content import Body, Link, Oa, Text, kind_of

_TITLE_LENGTH = 60


def with_body(note: Note, body: Body) -> Note:
    """Return the note with the title, text, rows, picture and head of a body."""
    note = replace(note, kind=kind_of(body))
    if isinstance(body, Text):
        return replace(note, title=first_line(body.content), text=body.content)
    if isinstance(body, Link):
        return replace(note, title=one_line(body.title), text=body.content, image_url=web_url(body.pic_url))
    return _with_card(note, body)


def _with_card(note: Note, card: Oa) -> Note:
    head = one_line(card.head.text)
    note = replace(note, title=head, head=head, colour=card.head.bg_color)
    details = card.body
    if details is None:
        return note
    title = one_line(details.title)
    return replace(
        note,
        title=f"{head}: {title}" if title and title != head else head,
        text=details.content,
        fields=tuple((row.key, row.value) for row in details.form if row.key or row.value),
        image_url=web_url(details.image_url),
        sender=note.sender or details.author,
    )


def first_line(text: str) -> str:
    """Return the first line of a text that shows something, cut at 60 characters."""
    line = next((line for line in map(str.strip, text.splitlines()) if line), "")
    return line if len(line) <= _TITLE_LENGTH else line[: _TITLE_LENGTH - 1] + "…"


def one_line(text: str) -> str:
    """Return a text without line breaks."""
    return " ".join(text.split())


def web_url(url: str) -> str:
    """Return a URL that a mail or a chat can show; "" for others."""
    return url if is_web_url(url) else ""
