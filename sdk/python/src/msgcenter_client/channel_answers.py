"""What getMsgStatus says about channels (protocol, "getMsgStatus")."""

from datetime import datetime
from typing import Annotated, TypeAlias

from msgspec import Meta
from msgspec.structs import asdict, fields

from msgcenter_client.fields import Answer
from msgcenter_client.results import ChannelOutcome, ChannelSum
from msgcenter_client.times import from_ms

_Digits: TypeAlias = Annotated[str, Meta(pattern="^[0-9]*$")]


class DetailChannel(Answer, frozen=True):
    """What became of a message to one recipient by a channel."""

    channel: str
    state: str
    time: _Digits | None = None
    reason: str | None = None

    def outcome(self) -> ChannelOutcome:
        """Return it as a result."""
        return ChannelOutcome(self.channel, self.state, _moment(self.time), self.reason)


class SkippedSums(Answer, frozen=True):
    """The numbers of recipients whom a channel was not used for, by reason."""

    read: int = 0
    gone: int = 0
    muted: int = 0
    off: int = 0
    no_address: int = 0
    over_quota: int = 0
    no_gateway: int = 0

    def by_reason(self) -> dict[str, int]:
        """Return those that are not 0."""
        names = {field.name: field.encode_name for field in fields(self)}
        return {names[name]: number for name, number in asdict(self).items() if number}


class ChannelSums(Answer, frozen=True):
    """The sums of one channel."""

    waiting: int = 0
    sent: int = 0
    failed: int = 0
    skipped: SkippedSums = SkippedSums()


class SumsByChannel(Answer, frozen=True):
    """The sums of a message's channels."""

    email: ChannelSums | None = None
    sms: ChannelSums | None = None
    wecom: ChannelSums | None = None
    dingtalk: ChannelSums | None = None
    feishu: ChannelSums | None = None
    push: ChannelSums | None = None
    apprise: ChannelSums | None = None

    def by_channel(self) -> dict[str, ChannelSum]:
        """Return the sums of the channels that the message has."""
        sums: dict[str, ChannelSums | None] = {field.name: getattr(self, field.name) for field in fields(self)}
        return {
            channel: ChannelSum(each.waiting, each.sent, each.failed, each.skipped.by_reason())
            for channel, each in sums.items()
            if each is not None
        }


def _moment(digits: str | None) -> datetime | None:
    return from_ms(int(digits)) if digits else None
