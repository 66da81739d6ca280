"""The ids that others choose: of users, platforms, topics, business objects and requests."""

import re
from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta

from msgcenter.domain.refusal import Reason, Refusal
from msgcenter.domain.rule import RULE, Rule, must_be

EMPTY_IS_ABSENT = "empty is absent"
"""In a type's `Meta.extra`: an optional field of this type that is "" counts as left out."""

# A database key, a log line and a URL must be able to hold it, and `\n` separates ids in a hash. `$` alone would let
# a final line break pass.
_NO_CONTROL_CHARACTERS = "^[^\\u0000-\\u001f\\u007f]+$(?!\\n)"


_ID_RULE = {
    RULE: must_be("1–64个字符的字符串(不含控制字符)或64位整数", "1-64 non-control characters or a 64-bit integer")
}


# Without a bound an integer could have more digits than the text may have characters.
_Integer: TypeAlias = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]

TextId: TypeAlias = Annotated[str, Meta(min_length=1, max_length=64, pattern=_NO_CONTROL_CHARACTERS, extra=_ID_RULE)]
"""An id as it is stored: 1-64 characters, none of them a control character."""

Id: TypeAlias = TextId | _Integer
"""An id of a user, topic, business object or request: 1-64 characters; an integer is the same as its digits."""

_EDGE = "[\\s\\u200b\\u2060\\ufeff]"
"""White space, and the invisible characters that are copied along with a text."""
_TRIMMED = f"^(?!{_EDGE})[^\\u0000-\\u001f\\u007f]+(?<!{_EDGE})$(?!\\n)"


def _trimmed(limit: int) -> Rule:
    return must_be(
        f"1–{limit}个字符的字符串(不含控制字符,首尾无空白)或64位整数",
        f"1-{limit} non-control characters, trimmed, or an integer",
    )


TextUserId: TypeAlias = Annotated[str, Meta(min_length=1, max_length=64, pattern=_TRIMMED, extra={RULE: _trimmed(64)})]
"""A user's id as it is stored."""

UserId: TypeAlias = TextUserId | _Integer
"""A user's id: as `Id`, but without white space at its ends, which is a mistake of the sender that nobody can see."""

NewTopic: TypeAlias = UserId
"""The name of a topic that is perhaps made: as a user's id."""

_OldTextId: TypeAlias = Annotated[
    str, Meta(min_length=1, max_length=64, pattern=_NO_CONTROL_CHARACTERS, extra={RULE: _trimmed(64)})
]
OldUserId: TypeAlias = _OldTextId | _Integer
"""A user's id where messages are looked at that are there already: perhaps of a time when white space was taken."""

PlatformCode: TypeAlias = (
    Annotated[
        str,
        Meta(min_length=1, max_length=32, pattern=_TRIMMED, extra={RULE: _trimmed(32), EMPTY_IS_ABSENT: True}),
    ]
    | _Integer
)
"""A platform's code: 1-32 characters, trimmed. "" is the same as left out: default writers of Java send it."""


def has_control_characters(text: str) -> bool:
    """Tell whether a text has a character that no id may have."""
    return re.search(_NO_CONTROL_CHARACTERS, text) is None


def user_id_refusal(field: str) -> Refusal:
    """Return the refusal (FIELD_MALFORMED) of a user id that is none; `field` is where it stands."""
    return Refusal(Reason.FIELD_MALFORMED, field=field, rule=_trimmed(64).long)


def is_user_id(text: str) -> bool:
    """Tell whether a text can be the id of a user."""
    try:
        msgspec.convert(text, TextUserId)
    except msgspec.ValidationError:
        return False
    return True
