"""Templates: texts of messages with variables, by language and channel (docs/channels.md, "Templates").

A template has versions. A version is written as a draft; it may be used once it is approved, and never changes then.
"""

import re
from typing import Annotated, Literal, TypeAlias, TypeVar

import msgspec
from msgspec import Meta, Struct

from msgcenter.domain.channels.codes import Channel
from msgcenter.domain.content import MAX_CONTENT, MAX_FORM_ROWS, MAX_URL, Kind
from msgcenter.domain.language import Language
from msgcenter.domain.refusal import Reason, Refusal, malformed
from msgcenter.domain.rule import OBJECT, RULE, must_be, one_of
from msgcenter.domain.struct_rules import refusal_of

VersionState = Literal["draft", "waiting", "approved", "rejected"]
VariableKind = Literal["text", "number", "date", "url", "list"]

MAX_VARIABLES = 20
MAX_SOURCE = 8_000
MAX_HTML = 20_000
MAX_ANSWER = 500
"""Maximum length of the reason why a version is rejected, in characters."""

_CODE_RULE = {RULE: must_be("1–64个小写字母、数字、.、_或-,以字母开头", "1-64 of a-z, 0-9, ., _ and -, first a letter")}
Code: TypeAlias = Annotated[
    str, Meta(min_length=1, max_length=64, pattern="^[a-z][a-z0-9._-]*$(?!\\n)", extra=_CODE_RULE)
]
"""The code of a template, unique on its platform."""
_NAME_RULE = {RULE: must_be("1–32个字母、数字或_,以字母开头", "1-32 letters, digits or _, first a letter")}
VariableName: TypeAlias = Annotated[
    str, Meta(min_length=1, max_length=32, pattern="^[A-Za-z][A-Za-z0-9_]*$(?!\\n)", extra=_NAME_RULE)
]
_REFERENCE_RULE = {RULE: must_be("模板代码,可加@版本号", "a template's code, perhaps with @VERSION")}
TemplateReference: TypeAlias = Annotated[
    str,
    Meta(min_length=1, max_length=75, pattern="^[a-z][a-z0-9._-]*(@[0-9]{1,9})?$(?!\\n)", extra=_REFERENCE_RULE),
]
"""A template as `sendMsg` names it: its code for the version in use, or `code@3` for an approved version."""
Title: TypeAlias = Annotated[str, Meta(min_length=1, max_length=128)]
"""The name of a template, for people."""
Source: TypeAlias = Annotated[str, Meta(max_length=MAX_SOURCE)]
"""A text with variables."""
_Url: TypeAlias = Annotated[str, Meta(max_length=MAX_URL)]
_Line: TypeAlias = Annotated[str, Meta(max_length=1_000)]


class Variable(Struct, frozen=True):
    """A variable of a template. `sample` is a value for previews, as a person types it (a list: one item a line)."""

    name: VariableName
    kind: VariableKind = "text"
    required: bool = True
    sample: Annotated[str, Meta(max_length=MAX_CONTENT)] = ""


class TextPart(Struct, frozen=True, tag_field="kind", tag="text", rename="camel", forbid_unknown_fields=True):
    """The inbox's part for a text."""

    content: Source


class LinkPart(
    Struct, frozen=True, tag_field="kind", tag="link", rename="camel", omit_defaults=True, forbid_unknown_fields=True
):
    """The inbox's part for a link. The call gives the busiId if the part has none."""

    title: _Line
    content: Source
    pc_url: _Url = ""
    app_url: _Url = ""
    pic_url: _Url = ""
    busi_id: _Line = ""


class HeadPart(Struct, frozen=True, rename="camel", omit_defaults=True, forbid_unknown_fields=True):
    """The head of a card."""

    text: _Line
    bg_color: Annotated[str, Meta(max_length=8)] = ""


class RowPart(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A row of a card's form. A row that is empty when it is rendered is left out."""

    key: _Line = ""
    value: _Line = ""


class CardPart(Struct, frozen=True, rename="camel", omit_defaults=True, forbid_unknown_fields=True):
    """The body of a card."""

    title: _Line = ""
    content: Source = ""
    image_url: _Url = ""
    file_count: Annotated[str, Meta(max_length=64)] = ""
    author: _Line = ""
    form: Annotated[tuple[RowPart, ...], Meta(max_length=MAX_FORM_ROWS)] = ()


class OaPart(
    Struct, frozen=True, tag_field="kind", tag="oa", rename="camel", omit_defaults=True, forbid_unknown_fields=True
):
    """The inbox's part for an oa card. The call gives the busiId if the part has none."""

    head: HeadPart
    body: CardPart = CardPart()
    pc_url: _Url = ""
    app_url: _Url = ""
    busi_id: _Line = ""


InboxPart = TextPart | LinkPart | OaPart


class EmailPart(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """The texts of a mail. `html` is its content; the frame around it is the default one."""

    subject: _Line = ""
    text: Source = ""
    html: Annotated[str, Meta(max_length=MAX_HTML)] = ""


class SmsVariable(Struct, frozen=True, forbid_unknown_fields=True):
    """A variable of a provider's template, and the text for it."""

    name: Annotated[str, Meta(min_length=1, max_length=64)]
    value: _Line


class SmsPart(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A short message: a text, or the code of a text that the provider has approved, with its variables in order."""

    text: Source = ""
    code: Annotated[str, Meta(max_length=64)] = ""
    variables: Annotated[tuple[SmsVariable, ...], Meta(max_length=MAX_VARIABLES)] = ()


class ChatPart(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A title and a text."""

    title: _Line = ""
    text: Source = ""


class LanguageParts(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """The parts of a template in one language. A channel without a part says what the inbox's part says."""

    inbox: InboxPart
    email: EmailPart = EmailPart()
    sms: SmsPart = SmsPart()
    wecom: ChatPart = ChatPart()
    dingtalk: ChatPart = ChatPart()
    feishu: ChatPart = ChatPart()
    push: ChatPart = ChatPart()
    apprise: ChatPart = ChatPart()

    def of_channel(self, channel: Channel) -> EmailPart | SmsPart | ChatPart:
        """Return the part of a channel, empty if there is none."""
        part: EmailPart | SmsPart | ChatPart = getattr(self, channel)
        return part


class TemplateContent(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """The content of a version: its variables, and its parts by language."""

    parts: Annotated[dict[Language, LanguageParts], Meta(min_length=1)]
    variables: Annotated[tuple[Variable, ...], Meta(max_length=MAX_VARIABLES)] = ()

    def in_language(self, language: Language) -> LanguageParts:
        """Return the parts in a language, or in the other one if there are none."""
        return self.parts.get(language) or self.parts[self.languages()[0]]

    def languages(self) -> list[Language]:
        """Return the languages, Chinese first."""
        languages: tuple[Language, ...] = ("zh", "en")
        return [language for language in languages if language in self.parts]

    @property
    def kind(self) -> Kind:
        """The msgtype of the messages that it makes, in its first language."""
        inbox = self.parts[self.languages()[0]].inbox
        return "text" if isinstance(inbox, TextPart) else "link" if isinstance(inbox, LinkPart) else "oa"


class Template(Struct, frozen=True, kw_only=True):
    """A template. Times are ms since 1970; `app_number` None: all apps of the platform may use it."""

    number: int
    platform_code: str
    code: str
    name: str
    app_number: int | None
    live_version: int | None
    created_at: int
    archived_at: int | None


class TemplateVersion(Struct, frozen=True, kw_only=True):
    """A version of a template. `created_by` and `decided_by` are actors in words; `answer` says why it is rejected."""

    template_number: int
    version: int
    state: VersionState
    content: TemplateContent
    created_at: int
    created_by: str
    decided_at: int | None = None
    decided_by: str | None = None
    answer: str | None = None


class TemplateCall(Struct, frozen=True):
    """What a call gives instead of a body: a template (a `TemplateReference`), values of its variables, a language.

    `business_id` is the call's busiId, which counts more than the template's.
    """

    reference: str
    params: dict[str, object] = {}
    language: Language | None = None
    business_id: str | None = None


class UsedTemplate(Struct, frozen=True):
    """The version of a template that makes a message, with the checked values of its variables."""

    template_number: int
    version: int
    params: dict[str, object]


class _Variables(Struct, frozen=True):
    variables: Annotated[tuple[Variable, ...], Meta(max_length=MAX_VARIABLES)] = ()


_UNKNOWN = re.compile(r"^Object contains unknown field `(?P<field>[^`]+)`(?: - at `\$\.?(?P<path>[^`]*)`)?$")
_LANGUAGES: tuple[Language, ...] = ("zh", "en")
_KINDS = one_of(('"text"', '"link"', '"oa"')).long
Converted = TypeVar("Converted")


def content_of(values: object) -> TemplateContent:
    """Return the content that JSON describes. Refuses with FIELD_MISSING, FIELD_MALFORMED or TOO_MANY_ITEMS.

    The texts of its parts are not checked yet (`templating.check_content`).
    """
    if not isinstance(values, dict):
        raise Refusal(Reason.BODY_NOT_AN_OBJECT)
    for name in values:
        if name not in {"parts", "variables"}:
            raise _unknown(str(name))
    parts = values.get("parts")
    if not parts:
        raise Refusal(Reason.FIELD_MISSING, field="parts")
    if not isinstance(parts, dict) or not set(parts) <= set(_LANGUAGES):
        raise malformed("parts", "须为对象,键为zh或en", "must be an object with the keys zh, en or both")
    variables = _converted({"variables": values.get("variables", [])}, _Variables, "").variables
    by_language = {
        language: _converted(parts[language], LanguageParts, f"parts.{language}.")
        for language in _LANGUAGES
        if language in parts
    }
    return TemplateContent(by_language, variables)


def _converted(values: object, kind: type[Converted], prefix: str) -> Converted:
    try:
        return msgspec.convert(values, kind)
    except msgspec.ValidationError as error:
        refusal = _refusal(str(error), kind)
    field = f"{prefix}{refusal.data.get('field', '')}".rstrip(".")
    if refusal.reason is Reason.BODY_NOT_AN_OBJECT:
        raise Refusal(Reason.FIELD_MALFORMED, field=field, rule=OBJECT.long)
    raise refusal.about(field)


def _refusal(message: str, kind: type) -> Refusal:
    if unknown := _UNKNOWN.match(message):
        return _unknown(".".join(filter(None, (unknown["path"], unknown["field"]))).replace("[...]", "[]"))
    refusal = refusal_of(message, kind)
    if refusal.data.get("field") == "inbox.kind":
        return Refusal(Reason.FIELD_MALFORMED, field="inbox.kind", rule=_KINDS)
    return refusal


def _unknown(field: str) -> Refusal:
    return malformed(field, "不是模板的字段", "is not a field of a template")


def reference_of(text: str) -> tuple[str, int | None]:
    """Return the code and the version that a `TemplateReference` names; None for the version in use."""
    code, _, version = text.partition("@")
    return code, int(version) if version else None
