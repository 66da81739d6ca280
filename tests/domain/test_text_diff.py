"""The word-by-word comparison of arbitrary texts."""

from difflib import SequenceMatcher
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from msgcenter.domain import text_diff
from msgcenter.domain.content import MAX_CONTENT
from msgcenter.domain.text_diff import Piece, pieces_of

TEXTS = st.text(st.sampled_from("ab 的。x"), max_size=60)


def side(pieces: list[Piece], *kinds: str) -> str:
    return "".join(piece.text for piece in pieces if piece.what in kinds)


@given(TEXTS, TEXTS)
def test_the_pieces_are_both_texts(before: str, after: str) -> None:
    pieces = pieces_of(before, after)
    assert side(pieces, "same", "gone") == before
    assert side(pieces, "same", "new") == after
    assert all(one.what != other.what for one, other in pairwise(pieces))


def test_unchanged_words_are_separate_from_changed_words() -> None:
    pieces = pieces_of("The meeting begins at 15:00.", "The meeting ends at 16:00.")
    assert side(pieces, "gone") == "begins15"
    assert side(pieces, "new") == "ends16"


# This makes difflib slow: few different words, many of each, in changing order.
HOSTILE = [
    ("a" * MAX_CONTENT, "b" + "a" * (MAX_CONTENT - 1)),
    ("的" * MAX_CONTENT, "的。" * (MAX_CONTENT // 2)),
    ("。，" * (MAX_CONTENT // 2), "，，。" * (MAX_CONTENT // 3)),
    ("".join("的一是"[n % 3] for n in range(MAX_CONTENT)), "".join("的一是"[n * n % 3] for n in range(MAX_CONTENT))),
    (" ." * (MAX_CONTENT // 2), ". ," * (MAX_CONTENT // 3)),
]


@pytest.mark.parametrize(("before", "after"), HOSTILE)
def test_the_work_is_bounded(before: str, after: str, monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at = 0
    look = SequenceMatcher.find_longest_match

    def counted(self: Any, alo: int, ahi: int, blo: int, bhi: int) -> object:
        nonlocal looked_at
        looked_at += sum(len(self.b2j.get(word, ())) for word in self.a[alo:ahi])
        return look(self, alo, ahi, blo, bhi)

    monkeypatch.setattr(SequenceMatcher, "find_longest_match", counted)
    pieces = pieces_of(before, after)
    assert side(pieces, "same", "gone") == before
    assert side(pieces, "same", "new") == after
    assert looked_at <= text_diff._WORK
