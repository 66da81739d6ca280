"""What an app may be called: nothing that users would take for the platform itself or for its announcements."""

import unicodedata
from collections.abc import Iterable

from msgcenter.domain.refusal import malformed
from msgcenter.domain.visible import shows_nothing

MAX_APP_NAME = 64
_PRODUCT = "MsgCenter"
_RESERVED = (
    *(_PRODUCT, "announcement", "announcements", "system"),
    *("消息中心", "公告", "系统公告", "系统消息", "平台消息"),
)
_MARKS = ("官方公告", "平台公告", "official announcement", "platform announcement")
"""How the inbox marks announcements: no name may contain it."""

# Letters that look like a Latin one. Not all that Unicode lists (UTS 39), but those of the alphabets that people type.
_LOOKALIKES = str.maketrans(
    "аеорсухіјѕԁһӏвкмнтгαεοριυνκτχβηγ01١ı|",
    "aeopcyxijsdhlbkmhtraeopiuvktxbhyollil",
)


def skeleton(name: str) -> str:
    """Return what is left of a name for the eye: names with the same skeleton are taken for each other.

    Case, width and compatible forms (NFKC), accents, white space, punctuation and characters that are not seen do not
    count, and letters of other alphabets count as the Latin ones that they look like.
    """
    folded = unicodedata.normalize("NFKC", name).casefold()
    plain = unicodedata.normalize("NFKD", folded).translate(_LOOKALIKES)
    seen = (character for character in plain if not shows_nothing(character))
    return "".join(character for character in seen if unicodedata.category(character)[0] in "LNS")


def check_app_name(name: str, platform_names: Iterable[str]) -> None:
    """Refuse with FIELD_MALFORMED (name) what no app may be called; `platform_names` are those of all platforms."""
    if not 1 <= len(name) <= MAX_APP_NAME or not name.isprintable():
        raise malformed("name", f"须为1–{MAX_APP_NAME}个字符", f"must be 1-{MAX_APP_NAME} printable characters")
    seen = skeleton(name)
    if not seen:
        raise malformed("name", "须含有文字", "must contain letters or digits")
    if any(seen == skeleton(reserved) for reserved in (*_RESERVED, *platform_names)) or any(
        skeleton(mark) in seen for mark in _MARKS
    ):
        raise malformed(
            "name",
            "为平台及其公告保留,请换一个名称",
            "is reserved for the platform and its announcements; choose another",
        )
