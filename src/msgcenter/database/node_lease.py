"""The node number in message ids, leased from the database for as long as a connection lives."""

import asyncio
import random
from types import TracebackType
from typing import Self

import asyncpg

from msgcenter.database.database import KEEPALIVE, LastingConnection, unavailable_on_failure
from msgcenter.domain.message_id import NODES, MessageIds

_LOCK_CLASS = 0x6D73_6769  # "msgi": the advisory lock's first key; the second is the node number


class NodeLease:
    """Holds one of the 1,024 node numbers through a session advisory lock. Use as an async context manager.

    When its connection is lost another process may take the number, so the next send leases anew. Even two
    processes that shared a number for a moment could not lose a message: ids are the primary key of `message`.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None
        self._ids: MessageIds | None = None
        self._leasing = asyncio.Lock()

    async def __aenter__(self) -> Self:
        await self.ids()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._connection is not None:
            self._connection.terminate()

    async def ids(self) -> MessageIds:
        """Return the maker of this process's message ids; refuses with DATABASE_UNAVAILABLE without a lease."""
        if self._ids is not None and self._connection is not None and not self._connection.is_closed():
            return self._ids
        async with self._leasing:
            if self._ids is None or self._connection is None or self._connection.is_closed():
                self._connection, self._ids = await self._lease()
            return self._ids

    async def _lease(self) -> "tuple[asyncpg.Connection[asyncpg.Record], MessageIds]":
        with unavailable_on_failure():
            connection: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(
                self._url,
                connection_class=LastingConnection,
                timeout=10,
                command_timeout=10,
                server_settings={**KEEPALIVE, "application_name": "msgcenter node"},
            )
            try:
                return connection, MessageIds(await _free_node(connection))
            except BaseException:
                connection.terminate()
                raise


async def _free_node(connection: "asyncpg.Connection[asyncpg.Record]") -> int:
    """Lock a node number that nobody has."""
    first = random.randrange(NODES)  # noqa: S311 - spreads the tries, guards nothing
    for offset in range(NODES):
        node = (first + offset) % NODES
        if await connection.fetchval("select pg_try_advisory_lock($1, $2)", _LOCK_CLASS, node):
            return node
    raise RuntimeError(f"all {NODES} node numbers are taken: that many processes cannot share one database")
