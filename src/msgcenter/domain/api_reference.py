"""The description of the app API for developers: the content of the reference pages."""

from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple

from msgcenter.domain.language import Language, Phrase


class FieldReference(NamedTuple):
    """A field of a request or an answer. `name` is its path (`oa.head.text`, `msgId[]`), `rule` its values."""

    name: str
    required: bool
    place: str
    type: str
    rule: Phrase
    description: Phrase


class NumberedField(NamedTuple):
    """A field in its table: `number` is 1, 1.1, 1.1.1 …; `label` is its name without the path."""

    number: str
    depth: int
    label: str
    field: FieldReference


def numbered(fields: Iterable[FieldReference]) -> list[NumberedField]:
    """Number fields as an outline: the fields of an object or array follow it, one level deeper."""
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
    """A retCode that a call may return, and its text."""

    code: str
    phrase: Phrase


def spoken(sample: Any, language: Language) -> Any:
    """Return a sample with its texts in one language."""
    if isinstance(sample, Phrase):
        return sample.in_language(language)
    if isinstance(sample, dict):
        return {name: spoken(value, language) for name, value in sample.items()}
    return [spoken(value, language) for value in sample] if isinstance(sample, list) else sample


class Sample(NamedTuple):
    """A sample request. `title` names the case; texts in it are Phrases (`spoken`)."""

    title: Phrase
    request: dict[str, Any]


class ReleaseNote(NamedTuple):
    """A change of a call in a version of the product."""

    version: str
    text: Phrase


class CallReference(NamedTuple):
    """The content of a call's page. `samples` are requests; `answer` is a sample answer whose texts are Phrases."""

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
