"""The node number in message ids, leased from the database."""

from types import TracebackType
from typing import Self

from msgcenter.database.number_lease import NumberLease
from msgcenter.domain.message_id import NODES, MessageIds

_LOCK_CLASS = 0x6D73_6769  # "msgi"


class NodeLease:
    """Leases one of the 1,024 node numbers and makes message ids with it. Use as an async context manager.

    When the lease is lost, another process may take the number, and the next call of `ids` leases anew. Even two
    processes that share a number for a moment cannot lose a message: the id is the primary key of `message`.
    """

    def __init__(self, url: str) -> None:
        self._lease = NumberLease(url, lock_class=_LOCK_CLASS, numbers=NODES, application_name="msgcenter node")
        self._ids: MessageIds | None = None

    async def __aenter__(self) -> Self:
        await self.ids()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lease.end()

    async def ids(self) -> MessageIds:
        """Return the generator of this process's message ids. Refuses with DATABASE_UNAVAILABLE without a lease."""
        node = await self._lease.number()
        if self._ids is None or self._ids.node != node:
            self._ids = MessageIds(node)
        return self._ids
