"""Which passwords may be chosen."""

import re
import unicodedata

from zxcvbn import zxcvbn  # type: ignore[import-untyped]  # it ships no types

from msgcenter.domain.refusal import malformed

MIN_PASSWORD = 10
MAX_PASSWORD = 128
_PRODUCT = ("msgcenter", "消息中心")
_STRONG_ENOUGH = 3
"""Of zxcvbn's scores from 0 to 4: more than 10^8 guesses."""
_LOOKED_AT = 40
_STAND_INS = frozenset("4@8({[<369&#!1/|0$5+7%2")
"""Characters that stand for letters, as in "p@$$w0rd". zxcvbn tries all readings: its time grows fast with them."""
_MAX_STAND_INS = 10
_LITTLE = 4


def checked_password(password: str, login: str, name: str = "") -> str:
    """Return a password that a person with this login and name may choose. Refuses with FIELD_MALFORMED (password).

    It has 10-128 characters; it is not the login, its part before the @, the person's name or the product's name, with
    digits or up to 4 characters beside it; and it takes more than 10^8 guesses by the lists of common passwords, words,
    names and patterns of zxcvbn. No classes of characters are asked for (NIST SP 800-63B, 5.1.1.2).
    """
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise malformed(
            "password",
            f"须为{MIN_PASSWORD}–{MAX_PASSWORD}个字符",
            f"must be {MIN_PASSWORD}-{MAX_PASSWORD} characters long",
        )
    own = [login, login.partition("@")[0], name, *name.split(), *_PRODUCT]
    if any(_is_little_more_than(password, one) for one in own):
        raise malformed(
            "password",
            "不能只是邮箱、姓名或产品名称加上少量字符",
            "must be more than your e-mail, your name or the product's name",
        )
    if zxcvbn(_in_bounds(password), user_inputs=own)["score"] < _STRONG_ENOUGH:
        raise malformed("password", "过于常见或简单,请换一个更难猜的", "is too easy to guess; choose another one")
    return password


def _is_little_more_than(password: str, known: str) -> bool:
    given, known = _plain(password), _plain(known)
    if len(known) < (3 if known.isascii() else 2) or known not in given:
        return False
    rest = given.replace(known, "")
    return len(rest) <= _LITTLE or rest.isdigit()


def _plain(text: str) -> str:
    """Return the letters and digits of a text, in lower case and their plainest form."""
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", text).casefold())


def _in_bounds(password: str) -> str:
    """Return the beginning of a password that is judged within some hundredths of a second, whatever it is."""
    seen: set[str] = set()
    for place, character in enumerate(password[:_LOOKED_AT]):
        if character in _STAND_INS:
            seen.add(character)
        if len(seen) > _MAX_STAND_INS:
            return password[:place]
    return password[:_LOOKED_AT]
