"""Calls as generators: they yield what must happen and are sent what came of it.

So everything about a call is written once; `Client` and `AsyncClient` only carry out the three effects.
"""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from msgcenter_client.exchange import Request

Result = TypeVar("Result")


@dataclass(frozen=True)
class Wait:
    """Let `seconds` pass; nothing is sent back."""

    seconds: float


@dataclass(frozen=True)
class UnderTokenLock:
    """Run `flow` while holding the client's token lock; its result is sent back."""

    flow: "Generator[Effect, Any, Any]"


Effect: TypeAlias = Request | Wait | UnderTokenLock
"""A `Request` is sent its `Response`. Whatever goes wrong is thrown in as a `MsgCenterError`."""

Flow: TypeAlias = Generator[Effect, Any, Result]
