"""How a call of the app API is described to developers: what the reference pages show."""

from typing import Any, NamedTuple

from msgcenter.domain.language import Phrase


class FieldReference(NamedTuple):
    """A field of a request or an answer. `name` is its path (`oa.head.text`, `msgId[]`), `rule` what it takes."""

    name: str
    required: bool
    place: str
    type: str
    rule: Phrase
    description: Phrase


class RetCodeReference(NamedTuple):
    """A retCode that a call may answer with, and its text."""

    code: str
    phrase: Phrase


class Sample(NamedTuple):
    """A request and what answers it. `title` says which case it is."""

    title: Phrase
    request: dict[str, Any]


class Change(NamedTuple):
    """What a version has changed of a call."""

    version: str
    text: Phrase


class CallReference(NamedTuple):
    """One call, as its page describes it. `samples` are requests; `answer` is a sample answer to the first."""

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
    changes: tuple[Change, ...]
