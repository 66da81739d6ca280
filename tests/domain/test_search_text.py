"""The comparison of texts in searches."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from msgcenter.domain.search_text import folded, search_words


@given(st.text())
def test_folding_again_changes_nothing_and_every_form_is_the_same(text: str) -> None:
    once = folded(text)
    assert folded(once) == once
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        assert folded(unicodedata.normalize(form, text)) == once


@given(st.text(), st.text(min_size=1, alphabet=st.characters(categories=["L", "N"], max_codepoint=0x7F)), st.text())
def test_a_word_is_found_in_any_case(before: str, word: str, after: str) -> None:
    for sought in (word.upper(), word.lower(), word.swapcase()):
        assert folded(sought) in folded(f"{before} {word} {after}")


def test_a_search_without_visible_characters_is_none() -> None:
    for blank in ("", " ", "\u3000", "\t\n", "\u200b\u200d", "\u00a0", "\ufeff", "\x01", "\u3164", "\u2800"):
        assert search_words(blank) is None
    assert search_words("　Ａ　") == "a"
    assert search_words("%") == "%"
