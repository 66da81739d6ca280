"""How texts are compared when somebody searches: both sides go through `folded`."""

import unicodedata

_UNSEEN = {"Cc", "Cf", "Zs", "Zl", "Zp"}
"""Categories of characters that show nothing: control and format characters, spaces."""


def folded(text: str) -> str:
    """Return a text as it is compared: without case, and in one form of those that Unicode has for the same (NFKC).

    Full-width and half-width forms, composed and decomposed letters, ligatures and the like become equal; ß is ss, and
    a final sigma is a sigma. A dotless ı stays another letter than i, whatever the language.
    """
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def search_words(text: str) -> str | None:
    """Return what to search for, folded; None if nothing of it can be seen."""
    needle = folded(text).strip()
    return needle if any(unicodedata.category(character) not in _UNSEEN for character in needle) else None
