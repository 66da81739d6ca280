"""Calls as generators that yield effects and receive their results.

Everything about a call is written once, without I/O; `Client` and `AsyncClient` only perform the three effects.
"""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from msgcenter_client.exchange import Request

Result = TypeVar("Result")


@dataclass(frozen=True)
class Wait:
    """Wait for `seconds`. The result is None."""

    seconds: float


@dataclass(frozen=True)
class UnderTokenLock:
    """Run `flow` while holding the client's token lock. The result is the result of `flow`."""

    flow: "Generator[Effect, Any, Any]"


Effect: TypeAlias = Request | Wait | UnderTokenLock
"""The result of a `Request` is its `Response`. Failures are thrown into the flow as `MsgCenterError`."""

Flow: TypeAlias = Generator[Effect, Any, Result]
