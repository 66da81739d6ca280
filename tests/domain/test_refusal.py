"""The texts of refusals: short whatever they are filled with, in both languages, codes unique."""

import string
from typing import Any

import pytest

from msgcenter.domain.language import Language, Phrase
from msgcenter.domain.refusal import RET_DESC_LIMIT, Reason, Refusal, contradiction, malformed

LANGUAGES: tuple[Language, ...] = ("zh", "en")


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("reason", Reason)
@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_is_longer_than_100_characters(reason: Reason, language: Language) -> None:
    names = placeholders(reason.phrase.zh)
    long: dict[str, Any] = {name: Phrase("长" * 300, "long " * 60) for name in names}
    text = Refusal(reason, **long).describe(language)
    assert len(text) <= RET_DESC_LIMIT
    if names:
        assert text.endswith("…")


@pytest.mark.parametrize("reason", Reason)
def test_a_text_without_data_says_all_of_itself(reason: Reason) -> None:
    for language in LANGUAGES:
        bare: dict[str, Any] = dict.fromkeys(placeholders(reason.phrase.zh), "1")
        assert "…" not in Refusal(reason, **bare).describe(language)


@pytest.mark.parametrize("reason", Reason)
def test_both_languages_are_filled_with_the_same_data(reason: Reason) -> None:
    assert placeholders(reason.phrase.zh) == placeholders(reason.phrase.en)
    assert reason.phrase.zh != reason.phrase.en
    assert reason.phrase.en.isascii()


def test_codes_have_six_digits_and_one_meaning_each() -> None:
    codes = [reason.ret_code for reason in Reason]
    assert len(set(codes)) == len(codes)
    assert all(len(code) == 6 and code.isdigit() for code in codes)
    assert {code[:4] for code in codes} == {"1000", "2000", "3000", "4000", "5000"}


@pytest.mark.parametrize("filled", ["{field}", "{0}", "%s", "{", "}}"])
def test_data_is_taken_as_it_is(filled: str) -> None:
    assert filled in malformed(filled, "规则", "the rule").describe("en")


def test_a_phrase_is_told_in_the_language_of_the_answer() -> None:
    refusal = contradiction("a/b", "规则", "the rule")
    assert refusal.describe("zh") == "字段 a/b 相互矛盾:规则"
    assert refusal.describe("en") == "fields a/b contradict each other: the rule"
