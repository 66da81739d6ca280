"""Splitting a status change of any size into requests of at most 50 ids, and merging their answers."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeAlias

from msgcenter_client.errors import NO_SUCH_MESSAGE, StateError
from msgcenter_client.results import StatusResult

BATCH = 50
"""Ids per modMsgStatus (protocol, "modMsgStatus")."""

MessageIds: TypeAlias = str | int | Iterable[str | int]
"""One message id or any number of them."""


def batches(ids: MessageIds) -> Iterator[list[str]]:
    """Yield the ids without duplicates, in the order given, 50 at a time."""
    each = (ids,) if isinstance(ids, str | int) else ids
    rest = iter(dict.fromkeys(str(given) for given in each))
    while batch := list(islice(rest, BATCH)):
        yield batch


class Merge:
    """The answers to the batches of one call, as if there had been one.

    A batch of unknown ids is an error on the wire (300001); here it is none if another batch had known ids.
    """

    def __init__(self) -> None:
        self._invalid_ids: list[str] = []
        self._changed = False
        self._nothing_known: StateError | None = None

    def add(self, invalid_ids: Iterable[str]) -> None:
        """Take note of a batch that succeeded."""
        self._changed = True
        self._invalid_ids += invalid_ids

    def add_refused(self, batch: Sequence[str], error: StateError) -> None:
        """Take note of a batch of unknown ids. Raises `error` if that is not what it says."""
        if error.ret_code != NO_SUCH_MESSAGE:
            raise error
        self._nothing_known = error
        self._invalid_ids += error.invalid_ids or batch

    def result(self) -> StatusResult:
        """Return the outcome of all batches. Raises StateError if not a single id was known."""
        if self._nothing_known is not None and not self._changed:
            self._nothing_known.data["invalidMsgId"] = self._invalid_ids
            raise self._nothing_known
        return StatusResult(tuple(self._invalid_ids))
