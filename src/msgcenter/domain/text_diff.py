"""The differences between two texts, word by word, in bounded time."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from itertools import accumulate
from typing import Literal, NamedTuple

_TOKEN = re.compile(r"[A-Za-z0-9]+|\s+|.", re.DOTALL)
_WORK = 300_000
"""Maximum of compared pairs of equal words, about 40 ms. The rest is shown as replaced as a whole."""

Range = tuple[int, int, int, int]
"""Start and end of words in the old text, then in the new text."""


class Piece(NamedTuple):
    """A part of a changed text: unchanged, removed or added."""

    what: Literal["same", "gone", "new"]
    text: str


def pieces_of(before: str, after: str) -> list[Piece]:
    """Return a changed text in pieces of unchanged, removed and added words (characters of Chinese).

    It takes about 40 ms at most. If words repeat so often that comparing would take longer, a part is shown as removed
    and added as a whole.
    """
    old, new = _TOKEN.findall(before), _TOKEN.findall(after)
    pieces: list[Piece] = []
    old_at = new_at = 0
    for old_from, new_from, size in [*_blocks(old, new), (len(old), len(new), 0)]:
        for piece in (
            Piece("gone", "".join(old[old_at:old_from])),
            Piece("new", "".join(new[new_at:new_from])),
            Piece("same", "".join(old[old_from : old_from + size])),
        ):
            if piece.text:
                _add(pieces, piece)
        old_at, new_at = old_from + size, new_from + size
    return pieces


def _add(pieces: list[Piece], piece: Piece) -> None:
    """Append a piece, merged with the previous piece if both are of the same kind."""
    if pieces and pieces[-1].what == piece.what:
        piece = Piece(piece.what, pieces.pop().text + piece.text)
    pieces.append(piece)


def _blocks(old: Sequence[str], new: Sequence[str]) -> Iterator[tuple[int, int, int]]:
    """Yield the runs of equal words in order: start in the old text, start in the new text, length."""
    start = _common(old, new)
    end = _common(old[start:][::-1], new[start:][::-1])
    if start:
        yield 0, 0, start
    yield from sorted(_inner_blocks(old, new, (start, len(old) - end, start, len(new) - end)))
    if end:
        yield len(old) - end, len(new) - end, end


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    return next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def _inner_blocks(old: Sequence[str], new: Sequence[str], whole: Range) -> Iterator[tuple[int, int, int]]:
    # SequenceMatcher compares each word of the old range with all its places in `new`, also outside the new range.
    places = Counter(new)
    costs = [0, *accumulate(places[word] for word in old)]
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    left = _WORK
    ranges = [whole]
    while ranges:
        old_from, old_to, new_from, new_to = ranges.pop()
        cost = costs[old_to] - costs[old_from]
        if old_from >= old_to or new_from >= new_to or cost > left:
            continue
        left -= cost
        match = matcher.find_longest_match(old_from, old_to, new_from, new_to)
        if match.size:
            yield match.a, match.b, match.size
            ranges.append((old_from, match.a, new_from, match.b))
            ranges.append((match.a + match.size, old_to, match.b + match.size, new_to))
