"""What the reference says about a call."""

from typing import Any, NamedTuple

from msgcenter.domain.api_reference import ReleaseNote, Sample
from msgcenter.domain.language import Phrase
from msgcenter.domain.refusal import Reason

SANDBOX_USER = "sandbox-APP_ID"
"""A placeholder in samples: the sandbox user of the developer's own app."""
_FIRST = (ReleaseNote("0.1.0", Phrase("首次发布", "First release")),)


class CallTexts(NamedTuple):
    """The texts about one call. `reasons` are the refusals that are particular to it; `answer` is a sample."""

    scenario: Phrase
    samples: tuple[Sample, ...]
    answer: dict[str, Any]
    preconditions: tuple[Phrase, ...] = ()
    reasons: tuple[Reason, ...] = ()
    changes: tuple[ReleaseNote, ...] = _FIRST


def only(request: dict[str, Any]) -> tuple[Sample, ...]:
    """Return the single sample of a call."""
    return (Sample(Phrase("示例", "Sample"), request),)
