"""The allowed names of people."""

import pytest

from msgcenter.domain.person import checked_name
from msgcenter.domain.refusal import Refusal


@pytest.mark.parametrize("name", ["", " ", "x" * 65, "a\nb", "\u3164", "\u2800\u2800", "\u200b"])
def test_a_name_can_be_seen_and_is_short(name: str) -> None:
    with pytest.raises(Refusal) as refused:
        checked_name(name)
    assert refused.value.data["field"] == "name"


def test_white_space_around_a_name_is_cut_off() -> None:
    assert checked_name(" 李娜 ") == "李娜"
