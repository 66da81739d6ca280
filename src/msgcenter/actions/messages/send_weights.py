"""How much work sends are: it limits how many of them share a transaction."""

from collections.abc import Iterable

from msgcenter.domain.message import Draft
from msgcenter.store.messages import audiences

_PULLED_WEIGHT = 20
_SENDS_UNTIL_PULLED = 2
_REMEMBERED_LISTS = 20_000


class SendWeights:
    """Weighs sends, in receivers whose mailboxes are written.

    The second message to a list of receivers makes it a group (docs/decisions/0022-groups.md); each later one is a row
    of the feed, however long the list is. Lists that this process has sent to are remembered by their hashes. Two
    lists with the same hash, or a group that was removed, make a batch larger than usual, nothing else.
    """

    def __init__(self) -> None:
        self._sends: dict[int, int] = {}

    def of(self, draft: Draft) -> int:
        """Return the weight of a send."""
        if not draft.is_immediate or not draft.receivers:
            return 1
        if _is_pulled_later(draft) and self._sends.get(hash(draft.receivers), 0) >= _SENDS_UNTIL_PULLED:
            return _PULLED_WEIGHT
        return len(draft.receivers)

    def note(self, drafts: Iterable[Draft]) -> None:
        """Remember sends that are stored."""
        for draft in drafts:
            if _is_pulled_later(draft):
                audience = hash(draft.receivers)
                # The list that was used longest ago is the first one.
                self._sends[audience] = self._sends.pop(audience, 0) + 1
                if len(self._sends) > _REMEMBERED_LISTS:
                    del self._sends[next(iter(self._sends))]


def _is_pulled_later(draft: Draft) -> bool:
    return draft.is_immediate and not draft.approval and len(draft.receivers) >= audiences.LARGE_CHUNK
