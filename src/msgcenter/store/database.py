"""The connection pool, transactions, and what driver errors mean to a caller."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from types import TracebackType
from typing import Self, TypeAlias, TypeVar

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from msgcenter.domain.refusal import Reason, Refusal

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]"
Result = TypeVar("Result")

MINIMUM_VERSION = 15
_STATEMENT_SECONDS = 30
_ATTEMPTS = 6

SESSION = {
    "application_name": "msgcenter",
    "timezone": "UTC",
    "jit": "off",
    # Rows must be locked in primary-key order, in which the parameters come: a nested loop over the key keeps
    # it, a hash or merge join would not. Every statement is meant to be a handful of index probes.
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "enable_seqscan": "off",
    "enable_bitmapscan": "off",
    "plan_cache_mode": "force_generic_plan",
    "idle_in_transaction_session_timeout": "60s",
    "statement_timeout": f"{_STATEMENT_SECONDS}s",
}

_TRANSIENT = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError)
_UNAVAILABLE = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # the driver finds its connection closed in the middle of a step
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.ObjectNotInPrerequisiteStateError,  # the database takes no connections just now
    OSError,
    TimeoutError,
    *_TRANSIENT,
)


class Database:
    """A pool of connections to one PostgreSQL. Use as an async context manager.

    Every operation refuses with DATABASE_UNAVAILABLE when the database cannot be reached or does not answer in time;
    a mistake in a statement stays an exception of the driver.
    """

    def __init__(self, url: str, *, connections: int = 10) -> None:
        self.url = url
        self._max_connections = connections
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None

    async def __aenter__(self) -> Self:
        with unavailable_on_failure():
            self._pool = await asyncpg.create_pool(
                self.url,
                min_size=2,
                max_size=self._max_connections,
                server_settings=SESSION,
                reset=_keep_session,
                command_timeout=_STATEMENT_SECONDS + 5,
                timeout=10,
            )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool is not None:
            try:
                async with asyncio.timeout(5):
                    await self._pool.close()
            except TimeoutError:
                self._pool.terminate()

    @property
    def pool(self) -> "asyncpg.Pool[asyncpg.Record]":
        """The driver's pool, for the job queue."""
        if self._pool is None:
            raise RuntimeError("the database is used outside its `async with`")
        return self._pool

    def connections(self) -> tuple[int, int]:
        """Return how many connections are open, and how many of them idle."""
        return (0, 0) if self._pool is None else (self._pool.get_size(), self._pool.get_idle_size())

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Give a connection in autocommit mode."""
        with unavailable_on_failure():
            async with self.pool.acquire() as connection:
                yield connection

    async def in_transaction(self, work: Callable[[Connection], Awaitable[Result]]) -> Result:
        """Run `work` in one transaction and return its result once that is durable.

        `work` runs again when PostgreSQL breaks a deadlock or refuses a serialisation, so it may change nothing
        but the database.
        """

        async def attempt() -> Result:
            async with self.pool.acquire() as connection, connection.transaction():
                return await work(connection)

        return await retrying(attempt)

    async def in_autocommit(self, work: Callable[[Connection], Awaitable[Result]]) -> Result:
        """Run `work`, a single statement, as its own transaction; repeated as `in_transaction` does."""

        async def attempt() -> Result:
            async with self.pool.acquire() as connection:
                return await work(connection)

        return await retrying(attempt)


async def _keep_session(_: Connection) -> None:
    """Spare the round trip that resets a session between two uses: no statement here changes one."""


async def retrying(attempt: Callable[[], Awaitable[Result]]) -> Result:
    """Await `attempt`, again after a deadlock or a serialisation failure."""
    with unavailable_on_failure():
        for pause in range(_ATTEMPTS - 1):
            with suppress(*_TRANSIENT):
                return await attempt()
            await asyncio.sleep(0.005 * 2**pause)
        return await attempt()


class unavailable_on_failure:  # noqa: N801 - reads as a statement
    """Turn errors that say "the database is not there" into the refusal DATABASE_UNAVAILABLE."""

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, _UNAVAILABLE):
            raise Refusal(Reason.DATABASE_UNAVAILABLE) from error
