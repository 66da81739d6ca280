"""What SMS gateways have in common: numbers, and the values of the variables of an approved template."""

import re
from collections.abc import Sequence

import msgspec

from msgcenter.channels.config import Field, Values
from msgcenter.channels.plain import cut, one_line, plain_text, plain_title
from msgcenter.domain.channels.note import Note
from msgcenter.domain.language import Phrase
from msgcenter.domain.refusal import malformed

PLACEHOLDERS = ("title", "text", "app", "sender", "link", "unread")
"""What the values of variables may contain, in braces."""
MAX_VARIABLE = 35
"""The default limit of a value in characters; carriers refuse longer ones in notices."""
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_NUMBER = re.compile(r"\+?[0-9]{5,20}")
_MAINLAND = re.compile(r"(?:\+?86|0086)?(1[0-9]{10})")

VARIABLE_LIMIT_FIELD = Field(
    "variable_limit",
    Phrase("变量最大长度", "Longest value of a variable"),
    Phrase("超出部分以…截断", "in characters; longer ones are cut"),
    default=str(MAX_VARIABLE),
)


def e164(address: str) -> str | None:
    """Return a number as E.164 (`+8613800138000`), None if it is none. A bare one is of the Chinese mainland."""
    compact = re.sub(r"[ \-()]", "", address)
    if not _NUMBER.fullmatch(compact):
        return None
    if mainland := _MAINLAND.fullmatch(compact):
        return f"+86{mainland[1]}"
    digits = compact.removeprefix("+").removeprefix("00")
    return f"+{digits}" if digits != compact and not digits.startswith("86") else None


def check_variables(name: str, template: object) -> None:
    """Refuse with FIELD_MALFORMED texts with unknown placeholders; `template` is a list or an object of texts."""
    texts = list(template.values()) if isinstance(template, dict) else template
    if isinstance(texts, Sequence) and all(isinstance(text, str) for text in texts):
        unknown = {found for text in texts for found in _PLACEHOLDER.findall(text)} - set(PLACEHOLDERS)
        if not unknown:
            return
    listed = ", ".join(f"{{{placeholder}}}" for placeholder in PLACEHOLDERS)
    raise malformed(
        name,
        f"须为JSON,值为文本,可含 {listed}",
        f"must be JSON with texts, in which {listed} are replaced",
    )


def decode_variables(values: Values, name: str) -> object:
    """Return the JSON of a field, None if it is not JSON."""
    try:
        return msgspec.json.decode(values.text(name).encode())
    except msgspec.DecodeError:
        return None


def own_template(note: Note, limit: int) -> tuple[str, dict[str, str]] | None:
    """Return the code of the provider's template that a note asks for, and the values of its variables in order.

    Values are cut to `limit` characters. None: the gateway's own template is used.
    """
    code = note.parts.get("code")
    if not code:
        return None
    variables = msgspec.json.decode(note.parts.get("variables") or "{}", type=dict[str, str])
    return code, {name: cut(value, limit) for name, value in variables.items()}


def fill(text: str, note: Note, limit: int) -> str:
    """Return a text with the note's words in the place of the placeholders, in one line of at most `limit`."""
    words = {
        "title": plain_title(note),
        "text": plain_text(note),
        "app": note.app_name,
        "sender": note.sender,
        "link": note.link,
        "unread": "" if note.unread is None else str(note.unread),
    }
    return cut(one_line(_PLACEHOLDER.sub(lambda found: words.get(found[1], ""), text)), limit)
