"""A number that one process at a time may use, leased for as long as a connection to the database is open."""

import asyncio
import random

import asyncpg

from msgcenter.database.connections import KEEPALIVE, LastingConnection
from msgcenter.database.failures import unavailable_on_failure


class NumberLease:
    """Leases one of the numbers from 0 to `numbers` - 1 through a session advisory lock.

    `lock_class` is the first key of the lock and names the kind of numbers; the number itself is the second key. The
    lease ends with its connection, also when the process dies.
    """

    def __init__(self, url: str, *, lock_class: int, numbers: int, application_name: str) -> None:
        self._url = url
        self._lock_class = lock_class
        self._numbers = numbers
        self._settings = {**KEEPALIVE, "application_name": application_name}
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None
        self._number = -1
        self._leasing = asyncio.Lock()

    async def number(self) -> int:
        """Return the leased number; lease one if there is none or its connection was lost.

        Refuses with DATABASE_UNAVAILABLE.
        """
        if self._connection is not None and not self._connection.is_closed():
            return self._number
        async with self._leasing:
            if self._connection is None or self._connection.is_closed():
                self._connection, self._number = await self._lease()
            return self._number

    def end(self) -> None:
        """Give the number back."""
        if self._connection is not None:
            self._connection.terminate()

    async def _lease(self) -> "tuple[asyncpg.Connection[asyncpg.Record], int]":
        with unavailable_on_failure():
            connection: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(
                self._url,
                connection_class=LastingConnection,
                timeout=10,
                command_timeout=10,
                server_settings=self._settings,
            )
            try:
                return connection, await self._lock_free_number(connection)
            except BaseException:
                connection.terminate()
                raise

    async def _lock_free_number(self, connection: "asyncpg.Connection[asyncpg.Record]") -> int:
        first = random.randrange(self._numbers)  # noqa: S311 - spreads the tries of many processes; not a secret
        for offset in range(self._numbers):
            number = (first + offset) % self._numbers
            if await connection.fetchval("select pg_try_advisory_lock($1, $2)", self._lock_class, number):
                return number
        raise RuntimeError(f"all {self._numbers} numbers are taken: that many processes cannot share one database")
