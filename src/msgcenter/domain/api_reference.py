"""How a call of the app API is described to developers: what the reference pages show."""

from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple

from msgcenter.domain.language import Language, Phrase


class FieldReference(NamedTuple):
    """A field of a request or an answer. `name` is its path (`oa.head.text`, `msgId[]`), `rule` what it takes."""

    name: str
    required: bool
    place: str
    type: str
    rule: Phrase
    description: Phrase


class NumberedField(NamedTuple):
    """A field in its table: `number` is 1, 1.1, 1.1.1 …, `label` its name below the field that holds it."""

    number: str
    depth: int
    label: str
    field: FieldReference


def numbered(fields: Iterable[FieldReference]) -> list[NumberedField]:
    """Number fields as an outline: what an object or an array holds stands below it."""
    numbers: dict[str, str] = {}
    counts: Counter[str] = Counter()
    rows = []
    for field in fields:
        parent, _, label = field.name.rpartition(".")
        parent = parent.removesuffix("[]")
        counts[parent] += 1
        prefix = f"{numbers[parent]}." if parent else ""
        numbers[field.name] = number = f"{prefix}{counts[parent]}"
        rows.append(NumberedField(number, number.count("."), label, field))
    return rows


class RetCodeReference(NamedTuple):
    """A retCode that a call may answer with, and its text."""

    code: str
    phrase: Phrase


def spoken(sample: Any, language: Language) -> Any:
    """Return a sample with the texts in it in one language."""
    if isinstance(sample, Phrase):
        return sample.in_language(language)
    if isinstance(sample, dict):
        return {name: spoken(value, language) for name, value in sample.items()}
    return [spoken(value, language) for value in sample] if isinstance(sample, list) else sample


class Sample(NamedTuple):
    """A request. `title` says which case it is; texts in it are Phrases (`spoken`)."""

    title: Phrase
    request: dict[str, Any]


class ReleaseNote(NamedTuple):
    """What a version has changed of a call."""

    version: str
    text: Phrase


class CallReference(NamedTuple):
    """One call, as its page describes it. `samples` are requests; `answer` is a sample answer, texts are Phrases."""

    name: str
    path: str
    group: Phrase
    summary: Phrase
    scenario: Phrase
    preconditions: tuple[Phrase, ...]
    needs_token: bool
    parameters: tuple[FieldReference, ...]
    results: tuple[FieldReference, ...]
    codes: tuple[RetCodeReference, ...]
    samples: tuple[Sample, ...]
    answer: dict[str, Any]
    changes: tuple[ReleaseNote, ...]
