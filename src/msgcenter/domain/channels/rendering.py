"""What a template makes: the body of a message, and the texts of its channels."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from msgcenter.domain.channels.clean_html import clean_html, removed_from
from msgcenter.domain.channels.codes import CHANNELS, Channel
from msgcenter.domain.channels.template import (
    EmailPart,
    LanguageParts,
    SmsPart,
    TemplateContent,
    UsedTemplate,
    Variable,
    VariableKind,
)
from msgcenter.domain.channels.templating import TemplateError, check_source, render
from msgcenter.domain.channels.values import Value, check_params, sample_params, values_of
from msgcenter.domain.content import Body, body_type, check_body
from msgcenter.domain.language import Language, Phrase
from msgcenter.domain.refusal import Reason, Refusal, malformed
from msgcenter.domain.struct_rules import refusal_of

BUILT_INS = ("link", "appName", "senderName")
"""Variables that the texts of channels have besides the declared ones; the inbox's part has none of them."""
_RESERVED = frozenset({*BUILT_INS, "caller", "context", "environment", "kwargs", "loop", "self", "super", "varargs"})
_EXAMPLES: dict[VariableKind, object] = {
    "number": 1,
    "date": "2026-12-01T07:30",
    "url": "https://example.com/",
    "list": ["A", "B"],
}
_UTC = ZoneInfo("UTC")


class BuiltIns(NamedTuple):
    """What a channel's text knows of the message: the link to it, and who sends it."""

    link: str = ""
    app_name: str = ""
    sender_name: str = ""

    def values(self) -> dict[str, Value]:
        """Return them by the names that templates use."""
        return dict(zip(BUILT_INS, self, strict=True))


_SMS_NAME = re.compile(r"\.sms\.variables\.[0-9]+\.name$")
_NO_BUILT_INS = BuiltIns()


# --- A message --------------------------------------------------------------------------------------------------------


def message_body(
    content: TemplateContent,
    params: Mapping[str, object],
    *,
    language: Language,
    zone: ZoneInfo,
    business_id: str | None = None,
) -> Body:
    """Return the body of the message that checked values make, in a language.

    `business_id` is the call's, which counts more than the template's. Refuses with FIELD_MISSING (busiId) or
    FIELD_MALFORMED (params) if the values make no valid body. URLs are checked when the message is sent.
    """
    parts = content.in_language(language)
    values = values_of(content.variables, params, language, zone)
    try:
        return _body(parts, values, business_id)
    except TemplateError as error:
        raise malformed("params", f"无法用于此模板:{error}", f"do not fit the template: {error}") from None
    except Refusal as refusal:
        field, rule = str(refusal.data.get("field")), refusal.data.get("rule")
        if refusal.reason is Reason.FIELD_MISSING and field == "busiId":
            raise
        if not isinstance(rule, Phrase):
            raise malformed("params", f"使{field}为空", f"make {field} empty") from None
        raise malformed("params", f"使{field}不正确:{rule.zh}", f"make {field} wrong: it {rule.en}") from None


def _body(parts: LanguageParts, values: Mapping[str, Value], business_id: str | None) -> Body:
    inbox: dict[str, Any] = msgspec.to_builtins(parts.inbox)
    kind = inbox.pop("kind")
    fields = _filled(inbox, values)
    if business_id is not None and kind != "text":
        fields["busiId"] = business_id
    if kind != "text" and "pcUrl" in fields:
        fields.setdefault("appUrl", fields["pcUrl"])
    struct = body_type(kind)
    try:
        return msgspec.convert(fields, struct)
    except msgspec.ValidationError as error:
        raise refusal_of(str(error), struct) from None


def _filled(part: dict[str, Any], values: Mapping[str, Value]) -> dict[str, Any]:
    """Return a part with its texts rendered, without those that are empty then."""
    filled: dict[str, Any] = {}
    for name, source in part.items():
        if isinstance(source, str):
            text = render(source, values).strip("\n")
            if text:
                filled[name] = text
        elif isinstance(source, tuple):
            rows = [_filled(row, values) for row in source]
            # The value of an optional variable may be empty: its row would only be a label.
            shown = [filled_row for row, filled_row in zip(source, rows, strict=True) if _shows(row, filled_row)]
            if shown:
                filled[name] = shown
        else:
            inner = _filled(source, values)
            if inner or name == "head":
                filled[name] = inner
    return filled


def _shows(row: Mapping[str, str], filled_row: Mapping[str, str]) -> bool:
    return "value" in filled_row if row.get("value") else bool(filled_row)


# --- A channel --------------------------------------------------------------------------------------------------------


class ChannelTexts(NamedTuple):
    """What a template says to one person by one channel: the message's body, and the channel's own texts by name.

    `body` is None if the values make none. The texts are those of `Note.parts`: a mail's `subject`, `text` and `html`;
    a short message's `text`, `code` and `variables` (a JSON object, in the order of the template); `title` and `text`
    of the others. A text that the template does not have is left out.
    """

    body: Body | None
    parts: dict[str, str]


def template_parts(
    content: TemplateContent,
    used: UsedTemplate,
    channel: Channel,
    *,
    language: Language,
    zone: ZoneInfo,
    business_id: str | None = None,
    built_ins: BuiltIns = _NO_BUILT_INS,
) -> ChannelTexts:
    """Return what a message that a template has made says by a channel, in a person's language and time zone.

    It never raises: a text that cannot be rendered is left out, so that the default one is sent.
    """
    language = language if language in content.parts else content.languages()[0]
    parts = content.parts[language]
    values = values_of(content.variables, used.params, language, zone)
    try:
        body: Body | None = _body(parts, values, business_id)
    except (TemplateError, Refusal):
        body = None
    try:
        return ChannelTexts(body, _channel_texts(parts, channel, values | built_ins.values()))
    except TemplateError:
        return ChannelTexts(body, {})


def _channel_texts(parts: LanguageParts, channel: Channel, values: Mapping[str, Value]) -> dict[str, str]:
    match parts.of_channel(channel):
        case EmailPart(subject=subject, text=text, html=html):
            texts = {
                "subject": _one_line(render(subject, values)),
                "text": render(text, values),
                "html": clean_html(render(html, values, html=True)),
            }
        case SmsPart(text=text, code=code, variables=variables):
            filled = {variable.name: _one_line(render(variable.value, values)) for variable in variables}
            texts = {
                "text": render(text, values),
                "code": code,
                "variables": json.dumps(filled, ensure_ascii=False) if code else "",
            }
        case chat:
            texts = {"title": _one_line(render(chat.title, values)), "text": render(chat.text, values)}
    return {name: text.strip() for name, text in texts.items() if text.strip()}


def _one_line(text: str) -> str:
    return " ".join(text.split())


# --- A version that is saved ------------------------------------------------------------------------------------------


def check_content(content: TemplateContent, app_schemes: frozenset[str] = frozenset()) -> None:
    """Check the texts of a version: their syntax, their variables, and what the samples make of them.

    `app_schemes` are allowed in appUrl. Refuses with FIELD_MALFORMED, naming the part (`parts.zh.email.html`) or the
    variable (`variables.NAME`).
    """
    names = [variable.name for variable in content.variables]
    for name in names:
        if name in _RESERVED or names.count(name) > 1:
            raise malformed(f"variables.{name}", "变量名重复或被保留", "is declared twice or reserved")
    lists = frozenset(variable.name for variable in content.variables if variable.kind == "list")
    used: set[str] = set()
    for language in content.languages():
        for field, source in _sources(msgspec.to_builtins(content.parts[language]), f"parts.{language}"):
            built_ins = () if field.startswith(f"parts.{language}.inbox.") else BUILT_INS
            is_html = field.endswith(".email.html")
            used |= check_source(source, field, (*names, *built_ins), lists, html=is_html)
    for name in names:
        if name not in used:
            raise malformed(f"variables.{name}", "没有任何部分使用", "is used in no part")
    _check_samples(content, app_schemes)


def _sources(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Yield the texts below a part with the paths of their fields."""
    if isinstance(value, str):
        if not path.endswith((".inbox.kind", ".sms.code")) and not _SMS_NAME.search(path):
            yield path, value
    elif isinstance(value, tuple):
        for number, item in enumerate(value, 1):
            yield from _sources(item, f"{path}.{number}")
    else:
        for name, item in value.items():
            yield from _sources(item, f"{path}.{name}")


def example_params(variables: tuple[Variable, ...]) -> dict[str, object]:
    """Return values for a preview: the samples, and something for required variables without one."""
    samples = sample_params(variables)
    return {
        variable.name: samples.get(variable.name, _EXAMPLES.get(variable.kind, variable.name))
        for variable in variables
        if variable.name in samples or variable.required
    }


def _check_samples(content: TemplateContent, app_schemes: frozenset[str]) -> None:
    examples = example_params(content.variables)
    try:
        params = check_params(content.variables, examples)
    except Refusal as refusal:
        name = str(refusal.data["field"]).removeprefix("params.").partition("[")[0]
        raise refusal.about(f"variables.{name}") from None
    required = {variable.name for variable in content.variables if variable.required}
    least = {name: value for name, value in params.items() if name in required}
    for language in content.languages():
        for given in (params, least):
            _check_rendered(content, language, given, app_schemes)


def _check_rendered(
    content: TemplateContent, language: Language, params: Mapping[str, object], app_schemes: frozenset[str]
) -> None:
    parts = content.parts[language]
    values = values_of(content.variables, params, language, _UTC)
    prefix = f"parts.{language}"
    try:
        check_body(_body(parts, values, "0"), app_schemes)
    except TemplateError as error:
        raise malformed(f"{prefix}.inbox", f"无法渲染:{error}", f"cannot be rendered: {error}") from None
    except Refusal as refusal:
        field = f"{prefix}.inbox.{_inside(str(refusal.data.get('field')))}"
        raise refusal.about(field) from None
    with_built_ins = values | BuiltIns("https://example.com/", "App", "Sender").values()
    for channel in CHANNELS:
        try:
            _channel_texts(parts, channel, with_built_ins)
        except TemplateError as error:
            raise malformed(f"{prefix}.{channel}", f"无法渲染:{error}", f"cannot be rendered: {error}") from None
    removed = removed_from(render(parts.email.html, with_built_ins, html=True))
    if removed:
        raise malformed(f"{prefix}.email.html", f"邮件中不能有{removed[0]}", f"{removed[0]} is not allowed in a mail")


def _inside(field: str) -> str:
    """Return the name of a body's field as it is below the inbox's part: `link.pcUrl` is `pcUrl` there."""
    return field.removeprefix("text.").removeprefix("link.").removeprefix("oa.").replace("/link.", "/")
