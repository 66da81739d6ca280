"""Message ids: 63 bits, ordered by time, made without coordination between processes.

    (milliseconds since 2020-01-01) << 22 | node << 12 | is scheduled << 11 | sequence

The node number (0-1023) is leased per process (`store/messages/node_lease.py`), so no id is made twice.
"""

import secrets
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Annotated

import msgspec

EPOCH_MS = 1_577_836_800_000
"""2020-01-01T00:00:00Z, in milliseconds since 1970."""

NODES = 1 << 10
_NODE_SHIFT = 12
_TIME_SHIFT = 22
_SEQUENCES = 1 << (_NODE_SHIFT - 1)
"""Sequence numbers of a millisecond for messages that are sent at once; scheduled messages take the others."""
_BUCKET_TIME_SHIFT = 31
_BUCKET_SHIFT = _TIME_SHIFT + _BUCKET_TIME_SHIFT
MAX_ID = (1 << 63) - 1
_MAX_DIGITS = 19
_ids = msgspec.json.Decoder(list[Annotated[int, msgspec.Meta(ge=0, le=MAX_ID)]])


def now_ms() -> int:
    """Return the clock in milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def bucket_of(message_id: int) -> int:
    """Return the mailbox bucket of a message id: its time in steps of 2**31 ms, about 25 days."""
    return message_id >> _BUCKET_SHIFT


def first_id_of(bucket: int) -> int:
    """Return the smallest id of a bucket."""
    return bucket << _BUCKET_SHIFT


def bucket_start_ms(bucket: int) -> int:
    """Return the start of a bucket, in milliseconds since 1970."""
    return (bucket << _BUCKET_TIME_SHIFT) + EPOCH_MS


def last_bucket_before(at_ms: int) -> int:
    """Return the last bucket that ends before `at_ms` (since 1970), -1 or less if there is none."""
    return ((at_ms - EPOCH_MS) >> _BUCKET_TIME_SHIFT) - 1


def created_ms(message_id: int) -> int:
    """Return the creation time of an id, in milliseconds since 1970."""
    return (message_id >> _TIME_SHIFT) + EPOCH_MS


def first_id_at(at_ms: int) -> int:
    """Return the smallest id of the millisecond `at_ms` (since 1970), for range searches by time; at most MAX_ID."""
    return min(max(0, at_ms - EPOCH_MS) << _TIME_SHIFT, MAX_ID)


def parse_message_id(value: str | int) -> int | None:
    """Return a caller's value as a message id, or None if no message can have it.

    An id is a decimal number of at most 19 digits (docs/protocol.md); any other text is an unknown id, not an error.
    """
    if isinstance(value, str):
        if len(value) > _MAX_DIGITS or not (value.isascii() and value.isdigit()):
            return None
        value = int(value)
    return value if 0 <= value <= MAX_ID else None


def parse_message_ids(values: Sequence[str | int]) -> Sequence[int | None]:
    """Return `parse_message_id` of each value; fast for the usual list of decimal strings."""
    with suppress(TypeError, msgspec.DecodeError):
        digits = "".join(values)  # type: ignore[arg-type]  # a list with integers takes the slower way
        if digits.isascii() and digits.encode().isdigit():  # of a text, `isdigit` looks up each character
            # The decoder refuses what JSON does not allow, such as leading zeros, and what no id can be.
            return _ids.decode(f"[{','.join(values)}]")  # type: ignore[arg-type]  # as above
    return [parse_message_id(value) for value in values]


class MessageIds:
    """Makes the ids of one node. They are strictly increasing, even if the clock stalls or steps back."""

    def __init__(self, node: int, clock: Callable[[], int] = now_ms) -> None:
        if not 0 <= node < NODES:
            raise ValueError(f"node must be 0-{NODES - 1}, not {node}")
        self.node = node
        self._clock = clock
        self._last_ms = 0
        self._sequence = 0
        self._scheduled = secrets.randbelow(_SEQUENCES)

    def next(self, at_ms: int | None = None) -> int:
        """Return a new id for now, or for the moment `at_ms` (ms since 1970) of a scheduled message.

        The two kinds have sequence numbers of their own, so an id that is made when a scheduled message is due is
        another one. Of scheduled ids for one millisecond, 2,048 differ. The primary key of `message` detects one that
        an earlier process with the same node has made, and the writer retries with a new id.
        """
        if at_ms is not None:
            self._scheduled = (self._scheduled + 1) % _SEQUENCES
            return self._compose(at_ms, _SEQUENCES + self._scheduled)
        now = max(self._clock(), self._last_ms)
        if now > self._last_ms:
            self._last_ms = now
            self._sequence = 0
        elif self._sequence == _SEQUENCES - 1:
            # 2,048 ids in one millisecond: use the next millisecond instead of waiting for it.
            self._last_ms += 1
            self._sequence = 0
        else:
            self._sequence += 1
        return self._compose(self._last_ms, self._sequence)

    def _compose(self, at_ms: int, sequence: int) -> int:
        return (at_ms - EPOCH_MS) << _TIME_SHIFT | self.node << _NODE_SHIFT | sequence
