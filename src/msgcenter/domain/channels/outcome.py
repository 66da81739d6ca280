"""What became of a message by channels, as apps may see it."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from msgcenter.domain.channels.codes import Channel, DeliveryState

StateWord = Literal["waiting", "sent", "failed", "skipped"]
WORDS: Mapping[DeliveryState, StateWord] = {
    DeliveryState.WAITING: "waiting",
    DeliveryState.SENDING: "waiting",
    DeliveryState.SENT: "sent",
    DeliveryState.FAILED: "failed",
    DeliveryState.SKIPPED: "skipped",
}
_HIDDEN = "***"
_ADDRESS = re.compile(r"[^\s<>()\[\]\"',;:=]+@[^\s<>()\[\]\"',;=]+|\+?\d[\d\- ]{5,}\d")
_MAX_REASON = 200


def without_addresses(reason: str) -> str:
    """Return a gateway's reason without mail addresses and long numbers: apps are not told where people are reached."""
    return _ADDRESS.sub(_HIDDEN, reason)[:_MAX_REASON]


class ChannelOutcome(NamedTuple):
    """What became of a message to a user by a channel.

    `at` is when it was sent, has failed or was skipped, or when it is due (ms since 1970). `reason` is a `SkipReason`,
    or what the gateway said about a failure, without addresses; "" for the others.
    """

    user_id: str
    channel: Channel
    state: StateWord
    at: int
    reason: str = ""


@dataclass
class ChannelSum:
    """How many recipients of a message a channel has reached, or not; `skipped` by reason."""

    waiting: int = 0
    sent: int = 0
    failed: int = 0
    skipped: Counter[str] = field(default_factory=Counter)

    def add(self, state: StateWord, reason: str, recipients: int) -> None:
        """Add recipients in a state; the reason is that of skipped ones."""
        if state == "skipped":
            self.skipped[reason] += recipients
        else:
            setattr(self, state, getattr(self, state) + recipients)


class PlannedRound(NamedTuple):
    """A round of a message's plan: its channels, and how many recipients have been skipped, by channel and reason."""

    channels: tuple[Channel, ...]
    skipped: Mapping[str, Mapping[str, int]]


class StateCount(NamedTuple):
    """How many deliveries of a message by a channel are in a state; skipped ones by their reason."""

    channel: Channel
    state: StateWord
    reason: str
    deliveries: int


def sums_of(rounds: Iterable[PlannedRound], counts: Iterable[StateCount]) -> dict[Channel, ChannelSum]:
    """Return the sums of a message by channel, in the order of its plan. A reminder counts recipients again."""
    sums: dict[Channel, ChannelSum] = {}
    for planned in rounds:
        for channel in planned.channels:
            channel_sum = sums.setdefault(channel, ChannelSum())
            for reason, recipients in planned.skipped.get(channel, {}).items():
                channel_sum.add("skipped", reason, recipients)
    for count in counts:
        sums.setdefault(count.channel, ChannelSum()).add(count.state, count.reason, count.deliveries)
    return sums
