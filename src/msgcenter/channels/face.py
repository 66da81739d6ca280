"""The face that all channels have: configure, render, send, and classify the answer."""

from types import TracebackType
from typing import Literal, NamedTuple, Protocol, Self

from msgcenter.domain.channels.note import Note

Verdict = Literal["accepted", "later", "never"]


class Outcome(NamedTuple):
    """What became of an attempt.

    `reason` is one line for people, without secrets. `provider_id` is what the gateway calls an accepted message. After
    `later`, the message is tried again; with `pause_ms`, the whole gateway waits that long, because it is down or asks
    for it. After `never`, the message has failed; if the address `is_bad`, nothing is sent there any more.
    """

    verdict: Verdict
    reason: str = ""
    provider_id: str = ""
    pause_ms: int = 0
    is_bad_address: bool = False


class Parcel(NamedTuple):
    """A note to one person. `key` is the same for each attempt; `address` is a contact, or a subscription as JSON."""

    key: str
    address: str
    note: Note


class Gateway(Protocol):
    """A gateway of a platform, open from `async with` on: it may keep connections.

    `send` never raises for what a gateway or a network does; it returns an outcome.
    """

    async def __aenter__(self) -> Self:
        """Open it."""
        ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        ...

    async def send(self, parcel: Parcel) -> Outcome:
        """Send a note; return what the gateway answered."""
        ...
