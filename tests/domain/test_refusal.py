"""The table of retCodes: unique codes, texts in both languages, at most 100 characters with any data."""

import re
import string
from typing import Any

import pytest

from msgcenter.domain.language import Language, Phrase
from msgcenter.domain.refusal import RET_DESC_LIMIT, SUCCESS_CODE, Reason, Refusal, contradiction, malformed
from tests.gateway.calls import is_chinese

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
def test_a_text_with_short_data_is_complete(reason: Reason) -> None:
    for language in LANGUAGES:
        bare: dict[str, Any] = dict.fromkeys(placeholders(reason.phrase.zh), "1")
        assert "…" not in Refusal(reason, **bare).describe(language)


@pytest.mark.parametrize("reason", Reason)
def test_both_languages_are_filled_with_the_same_data(reason: Reason) -> None:
    assert placeholders(reason.phrase.zh) == placeholders(reason.phrase.en)
    assert is_chinese(reason.phrase.zh)
    assert reason.phrase.en
    assert reason.phrase.en.isascii()


def test_codes_have_six_digits_and_one_meaning_each() -> None:
    codes = [SUCCESS_CODE, *(reason.ret_code for reason in Reason)]
    assert len(set(codes)) == len(codes)
    assert SUCCESS_CODE == "000000"
    assert all(re.fullmatch("[1-5]000[0-9]{2}", reason.ret_code) for reason in Reason)


@pytest.mark.parametrize("filled", ["{field}", "{0}", "%s", "{", "}}"])
def test_braces_and_percent_signs_in_data_are_kept(filled: str) -> None:
    assert filled in malformed(filled, "规则", "the rule").describe("en")


def test_a_phrase_appears_in_the_language_of_the_answer() -> None:
    refusal = contradiction("a/b", "规则", "the rule")
    assert refusal.describe("zh") == "字段 a/b 相互矛盾:规则"
    assert refusal.describe("en") == "fields a/b contradict each other: the rule"
