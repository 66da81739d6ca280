"""The rules for passwords."""

import re
import unicodedata

from zxcvbn import zxcvbn  # type: ignore[import-untyped]  # it ships no types

from msgcenter.domain.refusal import malformed

MIN_PASSWORD = 10
MAX_PASSWORD = 128
_PRODUCT = ("msgcenter", "消息中心")
_STRONG_ENOUGH = 3
"""Minimum zxcvbn score (0 to 4): more than 10^8 guesses."""
_SCORED_CHARACTERS = 40
_STAND_INS = frozenset("4@8({[<369&#!1/|0$5+7%2")
"""Characters that replace letters, as in "p@$$w0rd". zxcvbn tries all readings, so its time grows fast with them."""
_MAX_STAND_INS = 10
_LITTLE = 4


def checked_password(password: str, login: str, name: str = "") -> str:
    """Return a password if a person with this login and name may choose it. Refuses others with FIELD_MALFORMED.

    A password has 10-128 characters. It is not the login, the part of the login before the @, the person's name or the
    product's name, not even with digits or up to 4 other characters added. It takes more than 10^8 guesses by zxcvbn's
    lists of common passwords, words, names and patterns. Character classes are not required (NIST SP 800-63B, 5.1.1.2).
    """
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise malformed(
            "password",
            f"须为{MIN_PASSWORD}–{MAX_PASSWORD}个字符",
            f"must be {MIN_PASSWORD}-{MAX_PASSWORD} characters long",
        )
    own = [login, login.partition("@")[0], name, *name.split(), *_PRODUCT]
    if any(_is_little_more_than(password, text) for text in own):
        raise malformed(
            "password",
            "不能只是邮箱、姓名或产品名称加上少量字符",
            "must be more than your e-mail, your name or the product's name",
        )
    if zxcvbn(_in_bounds(password), user_inputs=own)["score"] < _STRONG_ENOUGH:
        raise malformed("password", "过于常见或简单,请换一个更难猜的", "is too easy to guess; choose another one")
    return password


def _is_little_more_than(password: str, known: str) -> bool:
    plain, known = _plain(password), _plain(known)
    if len(known) < (3 if known.isascii() else 2) or known not in plain:
        return False
    rest = plain.replace(known, "")
    return len(rest) <= _LITTLE or rest.isdigit()


def _plain(text: str) -> str:
    """Return the letters and digits of a text, case-folded and normalised (NFKC)."""
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", text).casefold())


def _in_bounds(password: str) -> str:
    """Return the start of a password that zxcvbn can score within some hundredths of a second."""
    seen: set[str] = set()
    for place, character in enumerate(password[:_SCORED_CHARACTERS]):
        if character in _STAND_INS:
            seen.add(character)
        if len(seen) > _MAX_STAND_INS:
            return password[:place]
    return password[:_SCORED_CHARACTERS]
