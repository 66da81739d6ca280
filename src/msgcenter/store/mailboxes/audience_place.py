"""Places in the audience of a pulled message, where counts and lists of its receipts continue."""

from typing import NamedTuple

from msgcenter.domain.audience import is_org_audience
from msgcenter.domain.message import Message
from msgcenter.domain.refusal import malformed

_MAX_DIGITS = 10


class AudiencePlace(NamedTuple):
    """A place in an audience: after a user id in one of the platform's cells, the first of which is 0.

    If the audience is of organisations: after a user among the members of an organisation, and, if its recipients are
    counted for several organisations, in the part of one of these.
    """

    cell_place: int = 0
    user_id: str = ""
    org_number: int = 0
    group_number: int = 0

    @classmethod
    def parse(cls, message: Message, cursor: str | None) -> "AudiencePlace":
        """Return the place that a cursor stands for. With one cell, a cursor is a user id, unless of organisations."""
        if not cursor:
            return cls()
        if is_org_audience(message.topic_number):
            place, _, rest = cursor.partition(":")
            organisation, _, user_id = rest.partition(":")
            return cls(_number(place), user_id, _number(organisation))
        if message.platform.cells == 1:
            return cls(0, cursor)
        place, _, user_id = cursor.partition(":")
        return cls(_number(place), user_id)

    def cursor(self, message: Message) -> str:
        """Return the cursor that leads to this place."""
        if is_org_audience(message.topic_number):
            return f"{self.cell_place}:{self.org_number}:{self.user_id}"
        return self.user_id if message.platform.cells == 1 else f"{self.cell_place}:{self.user_id}"

    def next_cell(self, message: Message) -> "AudiencePlace | None":
        """Return the place before all users of the next cell; None after the last cell."""
        following = self.cell_place + 1
        return AudiencePlace(following) if following < message.platform.cells else None


START = AudiencePlace()
"""The place before all users of an audience."""


def _number(text: str) -> int:
    # No cursor of ours has a larger number than a 32-bit integer.
    if not (text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS and int(text) < 1 << 31):
        raise malformed("cursor", "无效", "is not one of ours")
    return int(text)
