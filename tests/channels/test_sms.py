"""SMS: numbers and variables, and what all gateways share."""

import pytest

from msgcenter.channels.sms import e164, fill
from tests.channels.notes import NOTE, note


@pytest.mark.parametrize(
    ("address", "number"),
    [
        ("13800138000", "+8613800138000"),
        ("+8613800138000", "+8613800138000"),
        ("8613800138000", "+8613800138000"),
        ("008613800138000", "+8613800138000"),
        ("138 0013-8000", "+8613800138000"),
        ("+85261234567", "+85261234567"),
        ("0085261234567", "+85261234567"),
        ("+14155550123", "+14155550123"),
        ("61234567", None),
        ("", None),
        ("13800138000,13800138001", None),
        ("+86 138", None),
        ("abc", None),
        ("١٣٨٠٠١٣٨٠٠٠", None),
    ],
)
def test_numbers_become_e164(address: str, number: str | None) -> None:
    assert e164(address) == number


def test_placeholders_are_replaced_once() -> None:
    text = fill("{app}:{title} {unread}", note(app_name="{link}", title="a{b}"), 100)
    assert text == "{link}:a{b} 3"


def test_a_value_is_one_line_and_cut() -> None:
    assert fill("{text}", NOTE, 12) == "国庆节放假七天。 请注…"
    assert fill("{unread}", note(unread=None), 12) == ""
