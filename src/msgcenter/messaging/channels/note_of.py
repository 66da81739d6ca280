"""The note of a message: what a channel tells a person about it."""

from collections.abc import Sequence

import msgspec

from msgcenter.domain.channels.codes import Urgency
from msgcenter.domain.channels.note import Note
from msgcenter.domain.channels.person import Person
from msgcenter.domain.content import Link, Oa, Text, body_type
from msgcenter.domain.language import Phrase
from msgcenter.domain.message import Message
from msgcenter.domain.message_id import created_ms

_TITLE_LENGTH = 60
_DIGEST_TITLE = Phrase("{count}条未读消息", "Unread messages: {count}")


def note_of(
    message: Message,
    person: Person,
    *,
    app_name: str,
    link: str,
    unsubscribe_url: str | None = None,
    urgency: Urgency = Urgency.NORMAL,
) -> Note:
    """Return the note of a message to a person, by its body as it is now."""
    note = Note(
        message_id=message.id,
        kind=message.kind,
        language=person.language,
        title="",
        app_name=app_name,
        sender=message.sender_name or "",
        sent_at=message.send_at or created_ms(message.id),
        time_zone=person.zone.key,
        link=link,
        unsubscribe_url=unsubscribe_url,
        is_urgent=urgency is Urgency.URGENT,
    )
    body = msgspec.json.decode(message.content.encode(), type=body_type(message.kind))
    if isinstance(body, Text):
        return msgspec.structs.replace(note, title=first_line(body.content), text=body.content)
    if isinstance(body, Link):
        return msgspec.structs.replace(
            note, title=one_line(body.title), text=body.content, image_url=web_url(body.pic_url)
        )
    return _with_card(note, body)


def _with_card(note: Note, card: Oa) -> Note:
    details = card.body
    head = one_line(card.head.text)
    if details is None:
        return msgspec.structs.replace(note, title=head, colour=card.head.bg_color[2:])
    title = one_line(details.title)
    return msgspec.structs.replace(
        note,
        title=f"{head}: {title}" if title and title != head else head,
        text=details.content,
        fields=tuple((row.key, row.value) for row in details.form if row.key or row.value),
        image_url=web_url(details.image_url),
        colour=card.head.bg_color[2:],
        sender=note.sender or details.author,
    )


def digest_of(notes: Sequence[Note], *, link: str) -> Note:
    """Return the note of several messages to one person, at least two, in any order."""
    newest_first = sorted(notes, key=lambda note: note.message_id, reverse=True)
    newest = newest_first[0]
    return Note(
        message_id=newest.message_id,
        kind="text",
        language=newest.language,
        title=_DIGEST_TITLE.in_language(newest.language, count=len(newest_first)),
        sent_at=newest.sent_at,
        time_zone=newest.time_zone,
        link=link,
        unsubscribe_url=newest.unsubscribe_url,
        digest=tuple(newest_first),
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
    return url if url.startswith(("https://", "http://")) else ""
