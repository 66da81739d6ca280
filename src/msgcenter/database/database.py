"""The connection pool, transactions, and what driver errors mean to a caller."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from contextvars import ContextVar
from enum import Enum
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeAlias, TypeVar

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from msgcenter.domain.refusal import Reason, Refusal

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]"
Result = TypeVar("Result")

MINIMUM_VERSION = 15
_STATEMENT_SECONDS = 30
_ATTEMPTS = 6
_BATCH_LOCK_MS = 300
_PATIENT_LOCK_MS = 3_000
_PROBE_LOCK_MS = 20
_KEEPALIVE_IDLE_SECONDS = 5
_KEEPALIVE_INTERVAL_SECONDS = 2
_KEEPALIVE_COUNT = 3
_TCP_USER_MS = 11_000

KEEPALIVE = {
    "tcp_keepalives_idle": f"{_KEEPALIVE_IDLE_SECONDS}",
    "tcp_keepalives_interval": f"{_KEEPALIVE_INTERVAL_SECONDS}",
    "tcp_keepalives_count": f"{_KEEPALIVE_COUNT}",
    "tcp_user_timeout": f"{_TCP_USER_MS}",
}
"""Session settings with which PostgreSQL gives up a client that the network has lost, after some 11 seconds. They are
ignored on a Unix socket."""

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
    # A process that is frozen inside a transaction holds its locks no longer than this.
    "idle_in_transaction_session_timeout": "5s",
    "lock_timeout": f"{_BATCH_LOCK_MS}ms",
    "statement_timeout": f"{_STATEMENT_SECONDS}s",
    **KEEPALIVE,
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


class LockPatience(Enum):
    """How long a transaction waits for a row that another one has locked, before it refuses.

    BATCH: 0.3 s, for work of many callers, who should not all wait for the rows of one. PROBE: 20 ms, to find out which
    of them it is. PATIENT: 0.3 s and then, in a second attempt, 3 s.
    """

    BATCH = "batch"
    PROBE = "probe"
    PATIENT = "patient"


_patience: ContextVar[LockPatience] = ContextVar("lock patience", default=LockPatience.PATIENT)


@contextmanager
def lock_patience(patience: LockPatience) -> Iterator[None]:
    """Choose the patience of the transactions that are begun within the block."""
    token = _patience.set(patience)
    try:
        yield
    finally:
        _patience.reset(token)


if TYPE_CHECKING:
    _Base: TypeAlias = asyncpg.Connection[asyncpg.Record]
else:
    _Base = asyncpg.Connection  # generic for the type checker only


class LastingConnection(_Base):
    """A connection that notices within seconds when the network has lost its server. Pass it as `connection_class`."""

    def __init__(self, protocol: Any, transport: asyncio.Transport, *others: Any, **named: Any) -> None:
        super().__init__(protocol, transport, *others, **named)
        _keep_alive(transport)


def _keep_alive(transport: asyncio.Transport) -> None:
    found = transport.get_extra_info("socket")
    if found is None or found.family not in {socket.AF_INET, socket.AF_INET6}:
        return
    # The event loop's own object may not be set options on.
    with socket.socket(fileno=os.dup(found.fileno())) as ours:
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in (
            ("TCP_KEEPIDLE", _KEEPALIVE_IDLE_SECONDS),
            ("TCP_KEEPINTVL", _KEEPALIVE_INTERVAL_SECONDS),
            ("TCP_KEEPCNT", _KEEPALIVE_COUNT),
            ("TCP_USER_TIMEOUT", _TCP_USER_MS),
        ):
            if (option := getattr(socket, name, None)) is not None:  # some systems lack some of them
                ours.setsockopt(socket.IPPROTO_TCP, option, value)


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
                connection_class=LastingConnection,
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

        `work` runs again when PostgreSQL breaks a deadlock or refuses a serialisation, and when it has waited too long
        for a lock, so it may change nothing but the database. How long it waits: `lock_patience`.
        """

        async def attempt(lock_ms: int | None = None) -> Result:
            async with self.pool.acquire() as connection, connection.transaction():
                if lock_ms is not None:
                    await connection.execute(f"set local lock_timeout = {lock_ms}")
                return await work(connection)

        return await _patiently(attempt)

    async def in_autocommit(self, work: Callable[[Connection], Awaitable[Result]]) -> Result:
        """Run `work`, a single statement, as its own transaction; repeated as `in_transaction` does."""

        async def attempt(lock_ms: int | None = None) -> Result:
            async with self.pool.acquire() as connection:
                if lock_ms is None:
                    return await work(connection)
                async with connection.transaction():
                    await connection.execute(f"set local lock_timeout = {lock_ms}")
                    return await work(connection)

        return await _patiently(attempt)


async def _patiently(attempt: Callable[[int | None], Awaitable[Result]]) -> Result:
    patience = _patience.get()
    if patience is LockPatience.PROBE:
        return await retrying(partial(attempt, _PROBE_LOCK_MS))
    try:
        return await retrying(partial(attempt, None))
    except Refusal as refusal:
        if patience is LockPatience.BATCH or not lock_timed_out(refusal):
            raise
    return await retrying(partial(attempt, _PATIENT_LOCK_MS))


def lock_timed_out(refusal: Refusal) -> bool:
    """Tell whether the refusal says that rows stayed locked by another transaction for too long."""
    return isinstance(refusal.__cause__, asyncpg.LockNotAvailableError)


def may_concern_one_item(refusal: Refusal) -> bool:
    """Tell whether what failed in the database may lie in one item of a batch, and not in the database itself."""
    return isinstance(refusal.__cause__, (asyncpg.QueryCanceledError, asyncpg.LockNotAvailableError, *_TRANSIENT))


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
