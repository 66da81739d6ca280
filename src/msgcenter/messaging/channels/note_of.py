"""The note of a message: what a channel tells a person about it."""

from collections.abc import Sequence

import msgspec

from msgcenter.domain.channels.codes import Channel, Urgency
from msgcenter.domain.channels.note import Note
from msgcenter.domain.channels.note_body import with_body
from msgcenter.domain.channels.person import Person
from msgcenter.domain.channels.rendering import BuiltIns, template_parts
from msgcenter.domain.content import Body, body_type
from msgcenter.domain.language import Phrase
from msgcenter.domain.message import Message
from msgcenter.domain.message_id import created_ms
from msgcenter.messaging.channels.message_templates import MessageTemplate

_DIGEST_TITLE = Phrase("{count}条未读消息", "Unread messages: {count}")


def note_of(
    message: Message,
    person: Person,
    channel: Channel,
    *,
    app_name: str,
    link: str,
    unsubscribe_url: str | None = None,
    urgency: Urgency = Urgency.NORMAL,
    template: MessageTemplate | None = None,
) -> Note:
    """Return the note of a message to a person by a channel, by its body as it is now.

    If a template has made the message, the note is in the person's language and has the channel's own texts.
    """
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
    body: Body = msgspec.json.decode(message.content.encode(), type=body_type(message.kind))
    if template is None:
        return with_body(note, body)
    texts = template_parts(
        template.content,
        template.used,
        channel,
        language=person.language,
        zone=person.zone,
        business_id=message.business_id,
        built_ins=BuiltIns(link, app_name, note.sender),
    )
    return msgspec.structs.replace(with_body(note, texts.body or body), parts=texts.parts)


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
