"""A school with a class in the directory, for the tests of messages to organisations."""

from dataclasses import dataclass

from tests.conftest import Raw
from tests.gateway.calls import TEXT, Json, accepted


@dataclass
class School:
    """A school with a class, both with ids of the test's own, and their members."""

    raw: Raw
    school: str
    a_class: str
    teacher: str
    parent: str

    def to(self, *org_ids: object, **more: object) -> Json:
        """Return a sendMsg request to organisations."""
        return {"orgIds": list(org_ids), **TEXT, **more}

    def unread(self, user: str) -> int:
        """Return how many messages of the app a user has not read."""
        count: int = accepted(self.raw, "getUnreadCount", {"publisherId": user})["unread"]
        return count
