"""What became of a message by channels, as the answer of getMsgStatus has it."""

from collections.abc import Mapping, Sequence

import msgspec
from msgspec import UNSET, UnsetType

from msgcenter.domain.channels.codes import Channel
from msgcenter.domain.channels.outcome import ChannelOutcome, ChannelSum
from msgcenter.gateway.wire.answers import ChannelSums, DetailChannel, SkippedSums, SumsByChannel


def sums_by_channel(sums: Mapping[Channel, ChannelSum]) -> SumsByChannel | UnsetType:
    """Return the sums of a message's channels; nothing if it has none."""
    if not sums:
        return UNSET
    return SumsByChannel(
        **{
            channel: ChannelSums(each.waiting, each.sent, each.failed, msgspec.convert(dict(each.skipped), SkippedSums))
            for channel, each in sums.items()
        }
    )


def channels_of(outcomes: Sequence[ChannelOutcome]) -> list[DetailChannel] | UnsetType:
    """Return what became of a message to one receiver; nothing without any delivery."""
    if not outcomes:
        return UNSET
    return [DetailChannel(each.channel, each.state, str(each.at), each.reason or UNSET) for each in outcomes]
