"""The form of a template: from its fields to the content of a version, and back.

A part's fields are named by its language: `zh.link.title` and `zh.oa.row1.key` of the inbox's part, `zh.email.html` and
the like of the channels' parts, `v1.name` of the variables.
"""

from typing import Any, get_args

import msgspec

from msgcenter.domain.channels.codes import CHANNELS
from msgcenter.domain.channels.template import MAX_VARIABLES, TemplateContent, VariableKind
from msgcenter.domain.content import DEFAULT_HEAD_COLOUR, MAX_FORM_ROWS, Kind
from msgcenter.domain.language import Language
from msgcenter.domain.refusal import Refusal
from msgcenter.portal.page_request import Form

LANGUAGES: tuple[Language, ...] = get_args(Language)
KINDS: tuple[Kind, ...] = get_args(Kind)
VARIABLE_KINDS: tuple[VariableKind, ...] = get_args(VariableKind)
EMPTY_ROWS = 3
"""Rows for further variables that the form shows."""

_FIELDS: dict[Kind, tuple[str, ...]] = {
    "text": ("content",),
    "link": ("title", "content", "pcUrl", "appUrl", "picUrl", "busiId"),
    "oa": ("pcUrl", "appUrl", "busiId"),
}
_HEAD_FIELDS = ("text", "bgColor")
_CARD_FIELDS = ("title", "content", "imageUrl", "fileCount", "author")
CHANNEL_FIELDS: dict[str, tuple[str, ...]] = {
    "email": ("subject", "text", "html"),
    "sms": ("text", "code"),
    **{channel: ("title", "text") for channel in CHANNELS if channel not in {"email", "sms"}},
}
"""The fields of each channel's part, apart from the variables of a short message."""


def content_in(form: Form) -> dict[str, Any]:
    """Return the JSON of the content that a form describes (`content_of` checks it)."""
    parts = {language: _parts(form, language) for language in LANGUAGES if form[f"{language}.kind"]}
    variables = [_variable(form, number) for number in _rows(form)]
    return {"parts": parts, "variables": variables}


def _rows(form: Form) -> list[int]:
    return [number for number in range(1, MAX_VARIABLES + 1) if form[f"v{number}.name"]]


def _variable(form: Form, number: int) -> dict[str, Any]:
    row = f"v{number}"
    return {
        "name": form[f"{row}.name"],
        "kind": form[f"{row}.kind"] or "text",
        "required": form[f"{row}.required"] == "1",
        "sample": form[f"{row}.sample"],
    }


def _parts(form: Form, language: Language) -> dict[str, Any]:
    parts: dict[str, Any] = {"inbox": _inbox(form, language)}
    for channel, names in CHANNEL_FIELDS.items():
        if filled := _filled(form, f"{language}.{channel}", names):
            parts[channel] = filled
    if variables := _sms_variables(form[f"{language}.sms.variables"]):
        parts.setdefault("sms", {})["variables"] = variables
    return parts


def _inbox(form: Form, language: Language) -> dict[str, Any]:
    kind = form[f"{language}.kind"]
    prefix = f"{language}.{kind}"
    if kind != "oa":
        # The required ones stay, so that a refusal says that they are empty.
        required = {"text": ("content",), "link": ("title", "content")}.get(kind, ())
        names = _FIELDS.get(kind, ())  # type: ignore[call-overload]  # another kind is refused by `content_of`
        return {"kind": kind, **dict.fromkeys(required, ""), **_filled(form, prefix, names)}
    head = {"text": "", **_filled(form, f"{prefix}.head", _HEAD_FIELDS)}
    if "bgColor" in head:  # browsers send colours as #rrggbb
        head["bgColor"] = head["bgColor"].upper().replace("#", "FF", 1)
    body: dict[str, Any] = {**_filled(form, f"{prefix}.body", _CARD_FIELDS)}
    rows = [_filled(form, f"{prefix}.row{number}", ("key", "value")) for number in range(1, MAX_FORM_ROWS + 1)]
    if any(rows):
        body["form"] = [row for row in rows if row]
    return {"kind": kind, "head": head, **({"body": body} if body else {}), **_filled(form, prefix, _FIELDS["oa"])}


def _filled(form: Form, prefix: str, names: tuple[str, ...]) -> dict[str, str]:
    return {name: form[f"{prefix}.{name}"] for name in names if form[f"{prefix}.{name}"]}


def _sms_variables(text: str) -> list[dict[str, str]]:
    """Return the variables of a short message, from lines such as `name={{ name }}`."""
    pairs = (line.partition("=") for line in text.splitlines() if line.strip())
    return [{"name": name.strip(), "value": value.strip()} for name, _, value in pairs]


def fields_of(content: TemplateContent) -> Form:
    """Return the fields that describe a content."""
    form = Form()
    for number, variable in enumerate(content.variables, 1):
        row = f"v{number}"
        form[f"{row}.name"], form[f"{row}.kind"], form[f"{row}.sample"] = variable.name, variable.kind, variable.sample
        form[f"{row}.required"] = "1" if variable.required else ""
    for language in content.languages():
        parts: dict[str, Any] = msgspec.to_builtins(content.parts[language])
        inbox = parts.pop("inbox")
        form[f"{language}.kind"] = kind = inbox.pop("kind")
        _fill(form, f"{language}.{kind}", inbox)
        variables = parts.get("sms", {}).pop("variables", ())
        form[f"{language}.sms.variables"] = "\n".join(f"{pair['name']}={pair['value']}" for pair in variables)
        for channel, part in parts.items():
            _fill(form, f"{language}.{channel}", part)
    return form


def _fill(form: Form, prefix: str, part: dict[str, Any]) -> None:
    for name, value in part.items():
        if isinstance(value, str):
            is_colour = name == "bgColor"
            form[f"{prefix}.{name}"] = "#" + (value or DEFAULT_HEAD_COLOUR)[2:].lower() if is_colour else value
        elif isinstance(value, dict):
            _fill(form, f"{prefix}.{name}", value)
        else:
            for number, row in enumerate(value, 1):
                _fill(form, f"{prefix.removesuffix('.body')}.row{number}", row)


def in_form(refusal: Refusal, form: Form) -> Refusal:
    """Return the refusal of a content with the name of the form's field."""
    return refusal.about(_field_in_form(str(refusal.data.get("field", "")), form))


def _field_in_form(field: str, form: Form) -> str:
    place, _, rest = field.partition(".")
    if place == "variables" or field.startswith("variables["):
        return _variable_field(field, form)
    if place != "parts" or not rest:
        return "zh.kind" if place == "parts" else field
    language, _, rest = rest.partition(".")
    part, _, name = rest.partition(".")
    if part == "sms" and name.startswith("variables"):
        return f"{language}.sms.variables"
    if part != "inbox":
        return f"{language}.{part}.{name or CHANNEL_FIELDS.get(part, ('',))[0]}"
    kind = form[f"{language}.kind"]
    if name.startswith("body.form"):
        numbers = [piece for piece in name.split(".") if piece.isdigit()]
        return f"{language}.{kind}.row{numbers[0]}.{name.rpartition('.')[2]}" if numbers else f"{language}.{kind}"
    return f"{language}.kind" if name in {"", "kind"} else f"{language}.{kind}.{name.partition('/')[0]}"


def _variable_field(field: str, form: Form) -> str:
    if field.startswith("variables["):
        index, _, name = field.removeprefix("variables[").partition("]")
        rows = _rows(form)
        row = rows[int(index)] if index.isdigit() and int(index) < len(rows) else 1
        return f"v{row}{name or '.name'}"
    name = field.partition(".")[2]
    row = next((number for number in _rows(form) if form[f"v{number}.name"] == name), 1)
    return f"v{row}.name"
