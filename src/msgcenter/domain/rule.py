"""What a field accepts: as a sentence for refusals, and in a short form for tables that also show the type."""

from collections.abc import Iterable
from typing import NamedTuple

from msgcenter.domain.language import Phrase

RULE = "rule"
"""The key of a written rule in a type's `Meta.extra`; it replaces the rule made from the type."""
_NOTHING = Phrase("", "")


class Rule(NamedTuple):
    """`long` is a sentence without subject ("must be 8 hex digits"). `short` is "" if the type says everything."""

    long: Phrase
    short: Phrase


def must_be(zh: str, en: str) -> Rule:
    """Return a rule from a noun phrase in Chinese and English: "8 hex digits"."""
    return Rule(Phrase(f"须为{zh}", f"must be {en}"), Phrase(zh, en))


def string(low: int | None, high: int | None) -> Rule:
    """Return the rule of a string of `low` to `high` characters; None is no limit."""
    length = _range(low, high)
    if not length:
        return Rule(Phrase("须为字符串", "must be a string"), _NOTHING)
    return Rule(
        Phrase(f"须为{length}个字符的字符串", f"must be a string of {length} characters"),
        Phrase(f"{length}个字符", f"{length} characters"),
    )


def integer(low: float | None, high: float | None) -> Rule:
    """Return the rule of an integer from `low` to `high`; None is no limit."""
    limits = _range(low, high)
    return Rule(Phrase(f"须为整数{limits}", f"must be an integer {limits}".rstrip()), Phrase(limits, limits))


def array(low: int | None, high: int | None) -> Rule:
    """Return the rule of an array of `low` to `high` items; None is no limit."""
    count = _range(low, high)
    if not count:
        return Rule(Phrase("须为数组", "must be an array"), _NOTHING)
    return Rule(
        Phrase(f"须为{count}项的数组", f"must be an array of {count} items"),
        Phrase(f"{count}项", f"{count} items"),
    )


def one_of(values: Iterable[str]) -> Rule:
    """Return the rule of a field with these values, each as JSON."""
    listed = ", ".join(values)
    return Rule(Phrase(f"只能取 {listed}", f"must be one of {listed}"), Phrase(listed, listed))


BOOLEAN = must_be("true或false", "true or false")
OBJECT = Rule(Phrase("须为JSON对象", "must be a JSON object"), _NOTHING)


def any_of(rules: Iterable[Rule]) -> Rule:
    """Return the rule of a field that accepts what any of `rules` accepts."""
    distinct = list(dict.fromkeys(rules))
    return Rule(
        _joined(rule.long for rule in distinct), _joined(rule.short for rule in distinct if rule.short != _NOTHING)
    )


def _joined(phrases: Iterable[Phrase]) -> Phrase:
    distinct = list(dict.fromkeys(phrases))
    return Phrase("或".join(phrase.zh for phrase in distinct), " or ".join(phrase.en for phrase in distinct))


def _range(low: float | None, high: float | None) -> str:
    if high is None:
        return "" if low is None else f"≥{low}"
    return f"{low or 0}–{high}"
