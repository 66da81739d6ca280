"""Whether a text looks empty to a reader."""

import re
import unicodedata

# Unicode's Default_Ignorable_Code_Point (DerivedCoreProperties.txt) without the format characters, whose general
# category identifies them, and with the braille blank, a symbol without dots.
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u2800\u3164\ufe00-\ufe0f\uffa0\ufff0-\ufff8\U000e0000-\U000e0fff]"
)
_NOT_SHOWN = {"Cc", "Cf", "Cs", "Zl", "Zp", "Zs"}


def shows_nothing(text: str) -> bool:
    """Return whether a text has only white space, control, zero-width or other invisible characters."""
    return all(unicodedata.category(char) in _NOT_SHOWN or _INVISIBLE.match(char) for char in text)
