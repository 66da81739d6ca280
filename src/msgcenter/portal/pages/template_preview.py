"""What a template's samples make of it: for each language, the message in the inbox and the text of each channel."""

import json
from typing import Any, NamedTuple

import msgspec

from msgcenter.channels.mail_body import MailBody, mail_body
from msgcenter.channels.plain import plain_text, plain_title
from msgcenter.domain.channels.codes import CHANNELS
from msgcenter.domain.channels.note import Note
from msgcenter.domain.channels.note_body import with_body
from msgcenter.domain.channels.rendering import BuiltIns, example_params, template_parts
from msgcenter.domain.channels.template import TemplateContent, UsedTemplate
from msgcenter.domain.channels.values import check_params
from msgcenter.domain.content import Body, kind_of
from msgcenter.domain.language import Language
from msgcenter.domain.message_id import now_ms
from msgcenter.portal.times import Times


class ChannelPreview(NamedTuple):
    """What a channel says. `is_own` is whether the template has a part for it; `code` is that of a short message."""

    channel: str
    title: str
    text: str
    is_own: bool
    code: str = ""
    variables: str = ""


class LanguagePreview(NamedTuple):
    """A template in one language; `request` is the sendMsg request that says the same, as JSON."""

    language: Language
    request: str
    mail: MailBody
    channels: list[ChannelPreview]


def previews_of(
    content: TemplateContent, times: Times, *, app_name: str, sender: str, server: str
) -> list[LanguagePreview]:
    """Return what the samples make of a checked content. `server` is the URL that links begin with."""
    used = UsedTemplate(0, 0, check_params(content.variables, example_params(content.variables)))
    built_ins = BuiltIns(f"{server}/inbox", app_name, sender)
    return [_preview(content, used, language, times, built_ins) for language in content.languages()]


def _preview(
    content: TemplateContent, used: UsedTemplate, language: Language, times: Times, built_ins: BuiltIns
) -> LanguagePreview:
    notes: dict[str, Note] = {}
    request = ""
    for channel in CHANNELS:
        texts = template_parts(
            content, used, channel, language=language, zone=times.zone, business_id="1", built_ins=built_ins
        )
        assert texts.body is not None, "the content is checked"
        request = request or json.dumps(request_of(texts.body), ensure_ascii=False)
        note = Note(
            message_id=0,
            kind="text",
            language=language,
            title="",
            app_name=built_ins.app_name,
            sender=built_ins.sender_name,
            sent_at=now_ms(),
            time_zone=times.zone.key,
            link=built_ins.link,
            unsubscribe_url=f"{built_ins.link}/unsubscribe",
            parts=texts.parts,
        )
        notes[channel] = with_body(note, texts.body)
    channels = [_channel(channel, note) for channel, note in notes.items() if channel != "email"]
    return LanguagePreview(language, request, mail_body(notes["email"]), channels)


def _channel(channel: str, note: Note) -> ChannelPreview:
    parts = note.parts
    title = "" if channel == "sms" and parts else plain_title(note)
    code, variables = parts.get("code", ""), parts.get("variables", "")
    return ChannelPreview(channel, title, plain_text(note), bool(parts), code, variables)


def request_of(body: Body) -> dict[str, Any]:
    """Return the sendMsg request of a body, which the preview in the browser draws."""
    fields: dict[str, Any] = msgspec.to_builtins(body)
    kind = kind_of(body)
    if kind != "oa":
        return {"msgtype": kind, kind: fields}
    links = {name: fields.pop(name, "") for name in ("busiId", "pcUrl", "appUrl")}
    return {"msgtype": "oa", "oa": fields, **links}
