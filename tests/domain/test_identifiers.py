"""Ids that clients choose."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from msgcenter.domain.identifiers import Id, PlatformCode, is_user_id

_SPACES = [" ", "\u3000", "\xa0", "\u2028", "\u200b", "\u2060", "\ufeff"]


def accepts(kind: Any, value: object) -> bool:
    try:
        msgspec.json.decode(msgspec.json.encode(value), type=kind)
    except msgspec.ValidationError:
        return False
    return True


@pytest.mark.parametrize(("kind", "longest"), [(Id, 64), (PlatformCode, 32)])
def test_the_length_of_an_id_is_limited(kind: Any, longest: int) -> None:
    assert accepts(kind, "张" * longest)
    assert accepts(kind, "x")
    assert not accepts(kind, "x" * (longest + 1))
    assert not accepts(kind, "")


@pytest.mark.parametrize("value", [0, 42, 2**63 - 1])
def test_an_integer_is_an_id_too(value: int) -> None:
    assert accepts(Id, value)


@pytest.mark.parametrize("value", [None, True, 1.5, ["x"], {"id": "x"}])
def test_other_values_are_not_ids(value: object) -> None:
    assert not accepts(Id, value)


@pytest.mark.parametrize("character", [*map(chr, range(0x20)), "\x7f"])
def test_control_characters_are_refused_at_any_position(character: str) -> None:
    assert not any(accepts(Id, text) for text in (character, f"{character}x", f"x{character}y", f"x{character}"))


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=64))
def test_every_other_text_is_an_id(text: str) -> None:
    assert accepts(Id, text)


@pytest.mark.parametrize("text", ["1", "阿明", "a b", "a\u200bb", "x" * 64])
def test_a_text_that_can_be_a_users_id(text: str) -> None:
    assert is_user_id(text)


@pytest.mark.parametrize(
    "text", ["", "x" * 65, "a\n", "\0", "a\tb", "\x7f", *(edge for it in _SPACES for edge in (it, it + "x", "x" + it))]
)
def test_a_text_that_cannot_be_a_users_id(text: str) -> None:
    assert not is_user_id(text)
