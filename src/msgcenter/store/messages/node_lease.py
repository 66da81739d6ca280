"""The node number in message ids, leased from the database. The leases also tell which servers are running."""

import asyncio
from contextlib import suppress
from types import TracebackType
from typing import NamedTuple, Self

from msgcenter.database.database import Connection
from msgcenter.database.number_lease import NumberLease
from msgcenter.domain.message_id import NODES, MessageIds
from msgcenter.domain.refusal import Refusal

_LOCK_CLASS = 0x6D73_6769  # "msgi"
_SESSION_NAME = "msgcenter node"
_LONGEST_NAME = 48
"""PostgreSQL cuts the name of a session at 63 bytes."""
_KEEP_SECONDS = 10


class RunningServer(NamedTuple):
    """A server with processes that hold a lease. `name` is machine/pid, "" if the database user may not see it.

    `since` is when the oldest of these leases began (ms since 1970).
    """

    name: str
    processes: int
    since: int


class NodeLease:
    """Leases one of the 1,024 node numbers and makes message ids with it. Use as an async context manager.

    When the lease is lost, another process may take the number, and the next call of `ids` leases anew. Even two
    processes that share a number for a moment cannot lose a message: the id is the primary key of `message`.

    `server` is the name of the server that the process belongs to, see `RunningServer`.
    """

    def __init__(self, url: str, server: str = "") -> None:
        name = f"{_SESSION_NAME} {server[-_LONGEST_NAME:]}".rstrip()
        self._lease = NumberLease(url, lock_class=_LOCK_CLASS, numbers=NODES, application_name=name)
        self._ids: MessageIds | None = None

    async def __aenter__(self) -> Self:
        await self.ids()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lease.end()

    async def keep(self) -> None:
        """Lease anew soon after the lease is lost, until cancelled: a server without a lease counts as ended."""
        while True:
            with suppress(Refusal):
                await self.ids()
            await asyncio.sleep(_KEEP_SECONDS)

    async def ids(self) -> MessageIds:
        """Return the generator of this process's message ids. Refuses with DATABASE_UNAVAILABLE without a lease."""
        node = await self._lease.number()
        if self._ids is None or self._ids.node != node:
            self._ids = MessageIds(node)
        return self._ids


async def running_servers(connection: Connection) -> list[RunningServer]:
    """Return the servers of this database that are running, on all machines, by name."""
    rows = await connection.fetch(
        """
        select coalesce(activity.application_name, '') as name,
            count(*) as processes,
            (extract(epoch from min(activity.backend_start)) * 1000)::int8 as since
        from pg_locks as lock left join pg_stat_activity as activity on activity.pid = lock.pid
        where lock.locktype = 'advisory'
            and lock.database = (select oid from pg_database where datname = current_database())
            and lock.classid = $1
            and lock.objsubid = 2
            and lock.granted
        group by coalesce(activity.application_name, '')
        order by name
        """,
        _LOCK_CLASS,
    )
    return [
        RunningServer(row["name"].removeprefix(_SESSION_NAME).strip(), row["processes"], row["since"] or 0)
        for row in rows
    ]
