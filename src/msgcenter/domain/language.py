"""The languages of the product."""

from functools import lru_cache
from typing import Literal, NamedTuple

Language = Literal["zh", "en"]


class Phrase(NamedTuple):
    """A text in both languages, perhaps with placeholders such as `{count:,}`.

    A count comes last ("Pending migrations: 1"), so that no text needs a plural
    (docs/decisions/0017-texts-in-two-languages.md).
    """

    zh: str
    en: str

    def in_language(self, language: Language, **values: object) -> str:
        """Return the text for `language`, with `values` in its placeholders if there are any."""
        text = self.en if language == "en" else self.zh
        return text.format(**values) if values else text


@lru_cache(maxsize=256)
def language_of(accept_language: str) -> Language:
    """Return the preferred supported language of an Accept-Language header; Chinese if it names none."""
    best: tuple[float, Language] = (0.0, "zh")
    for part in accept_language.lower().split(","):
        tag, _, parameter = part.strip().partition(";")
        primary = tag.strip().partition("-")[0]
        quality = _quality(parameter)
        if primary in {"en", "zh"} and quality > best[0]:
            best = (quality, "en" if primary == "en" else "zh")
    return best[1]


def _quality(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    try:
        return float(value) if name.strip() == "q" else 1.0
    except ValueError:
        return 0.0
