"""Ids that apps choose: of users, platforms, topics, business objects and requests."""

import re
from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta

from msgcenter.domain.refusal import Reason, Refusal
from msgcenter.domain.rule import RULE, Rule, must_be

EMPTY_IS_ABSENT = "empty is absent"
"""A key in a type's `Meta.extra`: "" in an optional field of this type means that it is left out."""

# Ids appear in database keys, log lines and URLs, and `\n` separates ids in a hash. `$` alone would allow a line break
# at the end.
_NO_CONTROL_CHARACTERS = "^[^\\u0000-\\u001f\\u007f]+$(?!\\n)"


_ID_RULE = {
    RULE: must_be("1–64个字符的字符串(不含控制字符)或64位整数", "1-64 non-control characters or a 64-bit integer")
}


# Without bounds, an integer could have more digits than a text may have characters.
Integer: TypeAlias = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]

TextId: TypeAlias = Annotated[str, Meta(min_length=1, max_length=64, pattern=_NO_CONTROL_CHARACTERS, extra=_ID_RULE)]
"""An id as it is stored: 1-64 characters, none of them a control character."""

Id: TypeAlias = TextId | Integer
"""An id of a user, topic, business object or request: 1-64 characters; an integer is the same as its digits."""

EDGE = "[\\s\\u200b\\u2060\\ufeff]"
"""White space and invisible characters, which are often copied along with a text."""
TRIMMED = f"^(?!{EDGE})[^\\u0000-\\u001f\\u007f]+(?<!{EDGE})$(?!\\n)"


def trimmed(limit: int) -> Rule:
    """Return the rule of an id of 1 to `limit` characters without white space at its ends, or an integer."""
    return must_be(
        f"1–{limit}个字符的字符串(不含控制字符,首尾无空白)或64位整数",
        f"1-{limit} non-control characters, trimmed, or an integer",
    )


TextUserId: TypeAlias = Annotated[str, Meta(min_length=1, max_length=64, pattern=TRIMMED, extra={RULE: trimmed(64)})]
"""A user id in its stored form: as `TextId`, without white space at its ends."""

UserId: TypeAlias = TextUserId | Integer
"""A user id: as `Id`, but without white space at its ends, which is an invisible mistake of the sender."""

NewTopic: TypeAlias = UserId
"""The name of a topic that may be new: as a user id."""

_OldTextId: TypeAlias = Annotated[
    str, Meta(min_length=1, max_length=64, pattern=_NO_CONTROL_CHARACTERS, extra={RULE: trimmed(64)})
]
OldUserId: TypeAlias = _OldTextId | Integer
"""A user id in calls about existing messages: older versions accepted white space at its ends."""

PlatformCode: TypeAlias = (
    Annotated[
        str,
        Meta(min_length=1, max_length=32, pattern=TRIMMED, extra={RULE: trimmed(32), EMPTY_IS_ABSENT: True}),
    ]
    | Integer
)
"""A platform code: 1-32 characters, trimmed. "" means left out, since JSON writers of Java send it by default."""


# Marks of direction could turn what is shown beside the name.
_ONE_LINE = "^[^\\u0000-\\u001f\\u007f\\u2028-\\u202e\\u2066-\\u2069]+$(?!\\n)"
_NAME_RULE = must_be("一行1–64个字符(不含控制字符)", "1-64 characters on one line, no control characters")

SenderName: TypeAlias = Annotated[
    str,
    Meta(min_length=1, max_length=64, pattern=_ONE_LINE, extra={RULE: _NAME_RULE, EMPTY_IS_ABSENT: True}),
]
"""Who sends a message, in words: 1-64 characters. "" means left out."""

OrgId: TypeAlias = UserId
"""The id of an organisation: as a user id."""

_ROLE_RULE = {RULE: must_be("1–16个字母、数字、_或-", "1-16 letters, digits, _ or -")}
RoleCode: TypeAlias = Annotated[
    str, Meta(min_length=1, max_length=16, pattern="^[A-Za-z0-9_-]+$(?!\\n)", extra=_ROLE_RULE)
]
"""The code of a role in an organisation, such as `tea`, `stu`, `par` or `adm`."""


_CATEGORY_RULE = {RULE: must_be("1–32个字母、数字、_、.或-", "1-32 letters, digits, _, . or -"), EMPTY_IS_ABSENT: True}
TypeCode: TypeAlias = Annotated[
    str, Meta(min_length=1, max_length=32, pattern="^[A-Za-z0-9_.-]+$(?!\\n)", extra=_CATEGORY_RULE)
]
"""The code of a message type, such as `homework`. "" means left out."""


def has_control_characters(text: str) -> bool:
    """Return whether a text has a character that no id may have."""
    return re.search(_NO_CONTROL_CHARACTERS, text) is None


def user_id_refusal(field: str) -> Refusal:
    """Return the refusal (FIELD_MALFORMED) of an invalid user id in `field`."""
    return Refusal(Reason.FIELD_MALFORMED, field=field, rule=trimmed(64).long)


def is_user_id(text: str) -> bool:
    """Return whether a text is a valid user id."""
    if 0 < len(text) <= 64 and text.isascii() and text.isprintable() and " " not in text:
        return True  # nearly all are
    try:
        msgspec.convert(text, TextUserId)
    except msgspec.ValidationError:
        return False
    return True
