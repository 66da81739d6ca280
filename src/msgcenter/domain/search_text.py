"""How a search compares texts: both sides go through `folded`."""

import unicodedata

from msgcenter.domain.visible import shows_nothing


def folded(text: str) -> str:
    """Return a text in the form for comparison: case-folded, and normalised (NFKC).

    Full-width and half-width forms, composed and decomposed letters, ligatures and the like become equal; ß is ss, and
    a final sigma is a sigma. A dotless ı stays different from i in every language.
    """
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def search_words(text: str) -> str | None:
    """Return a search text, folded; None if it has no visible character."""
    needle = folded(text).strip()
    return None if shows_nothing(needle) else needle
