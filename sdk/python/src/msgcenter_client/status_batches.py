"""Split a status change into requests of at most 50 ids, and merge their answers."""

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
    """Yield the ids in batches of 50, in request order and without duplicates."""
    id_list = (ids,) if isinstance(ids, str | int) else ids
    unique_ids = iter(dict.fromkeys(str(message_id) for message_id in id_list))
    while batch := list(islice(unique_ids, BATCH)):
        yield batch


class Merge:
    """Merges the answers to the batches of one call.

    The server answers a batch of unknown ids with an error (300001). It is an error of the whole call only if no
    batch had a known id.
    """

    def __init__(self) -> None:
        self._invalid_ids: list[str] = []
        self._changed = False
        self._nothing_known: StateError | None = None

    def add(self, invalid_ids: Iterable[str]) -> None:
        """Add a batch that succeeded."""
        self._changed = True
        self._invalid_ids += invalid_ids

    def add_refused(self, batch: Sequence[str], error: StateError) -> None:
        """Add a batch of unknown ids. Raises `error` if it has another cause."""
        if error.ret_code != NO_SUCH_MESSAGE:
            raise error
        self._nothing_known = error
        self._invalid_ids += error.invalid_ids or batch

    def result(self) -> StatusResult:
        """Return the result of all batches. Raises StateError if every id is unknown."""
        if self._nothing_known is not None and not self._changed:
            self._nothing_known.data["invalidMsgId"] = self._invalid_ids
            raise self._nothing_known
        return StatusResult(tuple(self._invalid_ids))
