"""How texts are compared when somebody searches: both sides go through `folded`."""

import unicodedata

from msgcenter.domain.visible import shows_nothing


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
    return None if shows_nothing(needle) else needle
