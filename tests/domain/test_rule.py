"""Rules: the sentence for refusals and the short form for tables."""

import pytest

from msgcenter.domain import rule
from msgcenter.domain.rule import Rule, any_of, must_be


@pytest.mark.parametrize(
    ("made", "zh", "en", "short_zh", "short_en"),
    [
        (
            must_be("8位十六进制", "8 hex digits"),
            "须为8位十六进制",
            "must be 8 hex digits",
            "8位十六进制",
            "8 hex digits",
        ),
        (rule.string(None, None), "须为字符串", "must be a string", "", ""),
        (
            rule.string(1, 64),
            "须为1–64个字符的字符串",
            "must be a string of 1–64 characters",
            "1–64个字符",
            "1–64 characters",
        ),
        (
            rule.string(None, 9),
            "须为0–9个字符的字符串",
            "must be a string of 0–9 characters",
            "0–9个字符",
            "0–9 characters",
        ),
        (rule.integer(None, None), "须为整数", "must be an integer", "", ""),
        (rule.integer(0, None), "须为整数≥0", "must be an integer ≥0", "≥0", "≥0"),
        (rule.integer(1, 200), "须为整数1–200", "must be an integer 1–200", "1–200", "1–200"),
        (rule.array(None, None), "须为数组", "must be an array", "", ""),
        (rule.array(1, 50), "须为1–50项的数组", "must be an array of 1–50 items", "1–50项", "1–50 items"),
        (rule.one_of(["0", '"1"']), '只能取 0, "1"', 'must be one of 0, "1"', '0, "1"', '0, "1"'),
        (rule.BOOLEAN, "须为true或false", "must be true or false", "true或false", "true or false"),
        (rule.OBJECT, "须为JSON对象", "must be a JSON object", "", ""),
    ],
)
def test_a_rule_has_a_sentence_and_a_short_form(made: Rule, zh: str, en: str, short_zh: str, short_en: str) -> None:
    assert (made.long.zh, made.long.en) == (zh, en)
    assert (made.short.zh, made.short.en) == (short_zh, short_en)


def test_alternatives_are_joined_once_each() -> None:
    both = any_of([rule.string(None, None), rule.integer(None, None), rule.string(None, None)])
    assert both.long == ("须为字符串或须为整数", "must be a string or must be an integer")
    assert both.short == ("", "")
    one = any_of([rule.string(None, None), rule.integer(0, 9)])
    assert one.short == ("0–9", "0–9")
