"""Names of apps and of senders. No name may look like the platform itself or like its announcements."""

import unicodedata
from collections.abc import Iterable

from msgcenter.domain.refusal import Refusal, malformed
from msgcenter.domain.visible import shows_nothing

MAX_APP_NAME = 64
_PRODUCT = "MsgCenter"
_RESERVED = (
    *(_PRODUCT, "announcement", "announcements", "system"),
    *("消息中心", "公告", "系统公告", "系统消息", "平台消息"),
)
_MARKS = ("官方公告", "平台公告", "official announcement", "platform announcement")
"""The marks of announcements in the inbox; no name may contain one."""

# Letters that look like a Latin one: not all of UTS 39, only those of the alphabets that people type.
_LOOKALIKES = str.maketrans(
    "аеорсухіјѕԁһӏвкмнтгαεοριυνκτχβηγ01١ı|",
    "aeopcyxijsdhlbkmhtraeopiuvktxbhyollil",
)


def skeleton(name: str) -> str:
    """Return the visual skeleton of a name: readers confuse names with the same skeleton.

    It ignores case, width and compatible forms (NFKC), accents, white space, punctuation and invisible characters, and
    replaces letters of other alphabets by the Latin letters that they look like.
    """
    folded = unicodedata.normalize("NFKC", name).casefold()
    plain = unicodedata.normalize("NFKD", folded).translate(_LOOKALIKES)
    seen = (character for character in plain if not shows_nothing(character))
    return "".join(character for character in seen if unicodedata.category(character)[0] in "LNS")


_RESERVED_SKELETONS = frozenset(map(skeleton, _RESERVED))
_MARK_SKELETONS = tuple(map(skeleton, _MARKS))


def check_app_name(name: str, platform_names: Iterable[str]) -> None:
    """Refuse with FIELD_MALFORMED a name that no app may have; `platform_names` are the names of all platforms."""
    if not 1 <= len(name) <= MAX_APP_NAME or not name.isprintable():
        raise malformed("name", f"须为1–{MAX_APP_NAME}个字符", f"must be 1-{MAX_APP_NAME} printable characters")
    seen = skeleton(name)
    if not seen:
        raise malformed("name", "须含有文字", "must contain letters or digits")
    if _is_reserved(seen) or seen in map(skeleton, platform_names):
        raise _reserved("name")


def check_sender_name(name: str) -> None:
    """Refuse with FIELD_MALFORMED a name that no sender of a message may have: it is shown beside the app's name."""
    if shows_nothing(name):
        raise malformed("senderName", "须含有可见字符", "must contain a visible character")
    if _is_reserved(skeleton(name)):
        raise _reserved("senderName")


def _is_reserved(seen: str) -> bool:
    return seen in _RESERVED_SKELETONS or any(mark in seen for mark in _MARK_SKELETONS)


def _reserved(field: str) -> Refusal:
    return malformed(
        field,
        "为平台及其公告保留,请换一个名称",
        "is reserved for the platform and its announcements; choose another",
    )
